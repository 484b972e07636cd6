//! The owner's link in a mail: its token lies sealed until the mail is sent, and nowhere else. A mail may have waited, so it is looked
//! again whether its link is still the one that it was written for, and still its recipient's.

use howdah_db::models::instance::Instance;
use howdah_db::models::mail::Mail as Row;
use howdah_db::models::owner_bootstrap::{FIRST, OwnerBootstrap};
use howdah_db::{Conn, QueryResult};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::dropped::Dropped;
use crate::instances::{OwnerLinkState, owner_link_reader, owner_link_state, owner_link_url};
use crate::worker::{WorkError, Worker};

/// Of the mail that tells a server's first owner that it is ready. Where the link that came with the launch is good no more it leads to
/// where Mastodon mails them another: that the server is ready is so all the same.
pub(super) async fn of_launch(worker: &Worker, conn: &mut Conn, server: Uuid) -> Result<Result<String, Dropped>, WorkError> {
    let Some((instance, owner)) = known(conn, server).await? else { return Ok(Err(Dropped::ServerGone)) };
    let is_good = matches!(owner_link_state(&owner, worker.now()), OwnerLinkState::Waiting | OwnerLinkState::Ready { .. });
    if owner.version == FIRST && is_good {
        return url(worker, conn, &instance, &owner).await.map(Ok);
    }
    Ok(Ok(format!("https://{}/auth/password/new", instance.web_domain)))
}

/// Of the mail to whoever asked for a new one.
pub(super) async fn asked_for(worker: &Worker, conn: &mut Conn, mail: &Row, server: Uuid) -> Result<Result<String, Dropped>, WorkError> {
    let Some((instance, owner)) = known(conn, server).await? else { return Ok(Err(Dropped::ServerGone)) };
    if mail.link_version != Some(owner.version) {
        return Ok(Err(Dropped::LinkReplaced));
    }
    if !matches!(owner_link_state(&owner, worker.now()), OwnerLinkState::Ready { .. }) {
        return Ok(Err(Dropped::LinkExpired));
    }
    let reader = owner_link_reader(conn, instance.account_id, mail.person_id).await?;
    if reader.is_none_or(|it| it.email != mail.recipient) {
        return Ok(Err(Dropped::RecipientLeft));
    }
    url(worker, conn, &instance, &owner).await.map(Ok)
}

async fn known(conn: &mut Conn, server: Uuid) -> QueryResult<Option<(Instance, OwnerBootstrap)>> {
    Ok(Instance::by_id(conn, server).await?.zip(OwnerBootstrap::of(conn, server).await?))
}

async fn url(worker: &Worker, conn: &mut Conn, instance: &Instance, owner: &OwnerBootstrap) -> Result<String, WorkError> {
    Ok(owner_link_url(&worker.app, conn, owner, &instance.web_domain).await?.expose_secret().to_owned())
}
