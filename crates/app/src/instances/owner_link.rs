//! The owner's way in: the link at which they set their password.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::models::account::Membership;
use howdah_db::models::instance::Instance;
use howdah_db::models::owner_bootstrap::{FIRST, NewLink, OwnerBootstrap};
use howdah_db::models::person::Person;
use howdah_db::{Conn, QueryResult};
use howdah_domain::{Desired, InstanceId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::overview::OwnerLinkState;
use super::{audit, audit_actor, locked_by, seen_by};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::jobs::SyncInstance;
use crate::{Actor, App, Error, identity, limits};

/// How long Mastodon takes the token (UP:config/initializers/devise.rb, `reset_password_within`).
pub(crate) const VALID: TimeDelta = TimeDelta::hours(6);

/// Why nothing came of a new link: the operator's reason, and our own.
pub(crate) const ACCOUNT_NOT_FOUND: &str = "AccountNotFound";
pub(crate) const TIMED_OUT: &str = "TimedOut";

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
pub async fn owner_link(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    idempotent: Option<Idempotent<'_, OwnerLink>>,
) -> Result<Once<OwnerLink>, Error> {
    actor.may_close()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = seen_by(conn, actor, id).await?;
        is_theirs(actor, &row)?;
        let link = shown(app, conn, &row).await?;
        audit(app, conn, audit_actor(actor), "instance.show_owner_link", &row, json!({})).await?;
        keep(conn, idempotent, link).await
    })
    .await
}

async fn shown(app: &App, conn: &mut Conn, row: &Instance) -> Result<OwnerLink, Error> {
    let expired = || conflict("link_expired", "The link is no longer valid. Have a new one sent.");
    let bootstrap = OwnerBootstrap::of(conn, row.id).await?.ok_or_else(expired)?;
    let valid_until = match state(&bootstrap, app.now()) {
        OwnerLinkState::Ready { valid_until, .. } => valid_until,
        OwnerLinkState::Waiting => {
            return Err(conflict("owner_not_ready", "The owner's account is not there yet. Look again in a minute."));
        }
        OwnerLinkState::OnItsWay { .. } => return Err(conflict("link_on_its_way", "A new link is being made. Look again in a minute.")),
        OwnerLinkState::Failed { sentence } => return Err(conflict("link_failed", sentence)),
        OwnerLinkState::Expired | OwnerLinkState::NotYours => return Err(expired()),
    };
    let url = url(app, conn, &bootstrap, &row.web_domain).await?;
    OwnerBootstrap::show(conn, row.id, app.now()).await?;
    Ok(OwnerLink { username: bootstrap.username, url, valid_until })
}

fn is_theirs(actor: &Actor, row: &Instance) -> Result<(), Error> {
    if row.account_id == actor.account.as_uuid() {
        return Ok(());
    }
    Err(Error::Forbidden { reason: "owners_only", sentence: "Only the server's own account may see its owner's link." })
}

fn conflict(reason: &'static str, sentence: &str) -> Error {
    Error::Conflict { reason, sentence: sentence.to_owned() }
}

/// Somebody who may have the link without asking again: an owner, still, of the server's own account.
pub(crate) async fn reader(conn: &mut Conn, account: Uuid, person: Option<Uuid>) -> QueryResult<Option<Person>> {
    let Some(person) = person else { return Ok(None) };
    Ok(Membership::owners(conn, account).await?.into_iter().find(|it| it.id == person))
}

pub(crate) fn state(owner: &OwnerBootstrap, now: DateTime<Utc>) -> OwnerLinkState {
    match (&owner.failed_reason, owner.applied_at) {
        (Some(reason), _) => OwnerLinkState::Failed { sentence: why(reason) },
        (None, None) if owner.is_on_its_way() => OwnerLinkState::OnItsWay { since: owner.issued_at },
        (None, None) => OwnerLinkState::Waiting,
        (None, Some(made_at)) => match made_at + VALID {
            valid_until if now < valid_until => OwnerLinkState::Ready { made_at, valid_until, was_shown: owner.shown_at.is_some() },
            _ => OwnerLinkState::Expired,
        },
    }
}

fn why(reason: &str) -> &'static str {
    match reason {
        ACCOUNT_NOT_FOUND => {
            "The account that the server's owner was given at the launch is no longer there under that name, so there is nobody to make \
             a link for. Whoever may sign in to the server as an owner or admin can go on; if nobody can, write to the support."
        }
        _ => {
            "The new link could not be made within an hour, and was given up: the server or its cluster was not well. Nothing of the \
             account was changed. Send another one; if that fails too, write to the support."
        }
    }
}

/// Mastodon's commands can be run.
pub(super) fn can_be_sent(row: &Instance) -> Result<bool, Error> {
    Ok(row.launched_at.is_some() && row.desired()? == Desired::Running)
}

/// Makes a new link, in place of the one before: it is shown and mailed once Mastodon takes it.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for a server that doesn't run, or while another one is on its way;
/// [`Error::RateLimited`].
pub async fn send_owner_link(app: &App, actor: &Actor, id: InstanceId, idempotent: Option<Idempotent<'_, ()>>) -> Result<Once<()>, Error> {
    actor.may_close()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = locked_by(conn, actor, id, None).await?;
        is_theirs(actor, &row)?;
        make(app, conn, actor, &row).await?;
        keep(conn, idempotent, ()).await
    })
    .await
}

async fn make(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance) -> Result<(), Error> {
    let owner = OwnerBootstrap::of(conn, row.id).await?;
    let Some(owner) = owner.filter(|it| it.version > FIRST || it.applied_at.is_some()) else {
        return Err(conflict("owner_not_ready", "The owner's account is not there yet. Look again in a minute."));
    };
    if !can_be_sent(row)? {
        return Err(conflict("not_running", "A new link can be made only while the server runs."));
    }
    if owner.is_on_its_way() {
        return Err(conflict("link_on_its_way", "A new link is being made already. It is ready in a minute or two."));
    }
    limits::OWNER_LINK_OF.take(app, conn, &row.id.to_string()).await?;
    let token = identity::new_token(&*app.randomness);
    // Told from the one before by its second.
    let issued_at = app.now().max(owner.issued_at + TimeDelta::seconds(1));
    let link = NewLink { token: token.as_bytes(), asked_by: actor.person.as_uuid(), issued_at };
    if !owner.reissue(conn, &app.keys, &link).await? {
        return Err(Error::PreconditionFailed);
    }
    let row = Instance::touch(conn, row.id, app.now()).await?.ok_or(Error::NotFound { what: "server" })?;
    SyncInstance::of(row.id).enqueue(conn).await?;
    audit(app, conn, audit_actor(actor), "instance.owner_link", &row, json!({})).await
}

pub(crate) async fn url(app: &App, conn: &mut Conn, bootstrap: &OwnerBootstrap, web_domain: &str) -> Result<SecretString, Error> {
    let token = bootstrap.token(conn, &app.keys).await?;
    let token = std::str::from_utf8(token.expose_secret()).map_err(Error::internal)?;
    Ok(format!("https://{web_domain}/auth/password/edit?reset_password_token={token}").into())
}
