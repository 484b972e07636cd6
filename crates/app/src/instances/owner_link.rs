//! The owner's way in: the link at which they set their password.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use howdah_domain::InstanceId;
use secrecy::{ExposeSecret, SecretString};

use super::seen_by;
use crate::{Actor, App, Error};

/// How long Mastodon takes the token (UP:config/initializers/devise.rb, `reset_password_within`).
pub(super) const VALID: TimeDelta = TimeDelta::hours(6);

#[derive(Debug)]
pub struct OwnerLink {
    pub username: String,
    pub url: SecretString,
    pub valid_until: DateTime<Utc>,
}

/// The link, from when the owner's account exists until Mastodon takes it no more.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] before and after that time.
pub async fn owner_link(app: &App, actor: &Actor, id: InstanceId) -> Result<OwnerLink, Error> {
    actor.may_close()?;
    let mut conn = app.conn().await?;
    let row = seen_by(&mut conn, actor, id).await?;
    if row.account_id != actor.account.as_uuid() {
        return Err(Error::Forbidden { reason: "owners_only", sentence: "Only the server's own account may see its owner's link." });
    }
    let conflict = |reason, sentence: &str| Error::Conflict { reason, sentence: sentence.to_owned() };
    let expired = || conflict("link_expired", "The link is no longer valid. Use “Forgot your password?” on the server's sign-in page.");
    let bootstrap = OwnerBootstrap::of(&mut conn, row.id).await?.ok_or_else(expired)?;
    let applied_at =
        bootstrap.applied_at.ok_or_else(|| conflict("owner_not_ready", "The owner's account is not there yet. Look again in a minute."))?;
    let valid_until = applied_at + VALID;
    if app.now() >= valid_until {
        return Err(expired());
    }
    let url = url(app, &mut conn, &bootstrap, &row.web_domain).await?;
    OwnerBootstrap::show(&mut conn, row.id, app.now()).await?;
    Ok(OwnerLink { username: bootstrap.username, url, valid_until })
}

async fn url(app: &App, conn: &mut howdah_db::Conn, bootstrap: &OwnerBootstrap, web_domain: &str) -> Result<SecretString, Error> {
    let token = bootstrap.token(conn, &app.keys).await?;
    let token = std::str::from_utf8(token.expose_secret()).map_err(Error::internal)?;
    Ok(format!("https://{web_domain}/auth/password/edit?reset_password_token={token}").into())
}
