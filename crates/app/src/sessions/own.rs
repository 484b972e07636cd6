//! A person's own sessions, and which of their accounts a session is in.

use chrono::{DateTime, Utc};
use howdah_db::models::account::Membership;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::session::Session as Row;
use howdah_domain::{AccountId, SessionId};
use serde_json::json;

use super::{SignedIn, alive};
use crate::people::record;
use crate::{App, Error, Role};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    pub id: SessionId,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// The one that asks.
    pub is_this: bool,
}

/// Those that are alive, the one seen last first.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(app: &App, signed_in: &SignedIn) -> Result<Vec<SessionView>, Error> {
    let mut conn = app.conn().await?;
    let rows = Row::live_of_person(&mut conn, signed_in.actor.person.as_uuid(), alive(app)).await?;
    let view = |row: Row| SessionView {
        id: SessionId::from_uuid(row.id),
        is_this: row.id == signed_in.session.as_uuid(),
        address: row.address,
        user_agent: row.user_agent,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Ends this one. Where it has ended already, nothing is left to do.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn sign_out(app: &App, signed_in: &SignedIn) -> Result<(), Error> {
    match end(app, signed_in, signed_in.session, "session.end").await {
        Err(Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

/// Ends one of the person's own.
///
/// # Errors
/// [`Error::NotFound`] for another person's, or one that has ended.
pub async fn revoke(app: &App, signed_in: &SignedIn, id: SessionId) -> Result<(), Error> {
    end(app, signed_in, id, "session.revoke").await
}

async fn end(app: &App, signed_in: &SignedIn, id: SessionId, action: &str) -> Result<(), Error> {
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if !Row::revoke(conn, person, id.as_uuid(), app.now()).await? {
            return Err(Error::NotFound { what: "session" });
        }
        let subject = ("session", id.as_uuid());
        record(app, conn, signed_in.actor.account.as_uuid(), AuditActor::Person(person), action, subject, json!({})).await
    })
    .await
}

/// Ends all of the person's but this one; how many.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn revoke_others(app: &App, signed_in: &SignedIn) -> Result<usize, Error> {
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let ended = Row::revoke_all(conn, person, Some(signed_in.session.as_uuid()), app.now()).await?;
        let (chain, subject) = (signed_in.actor.account.as_uuid(), ("person", person));
        record(app, conn, chain, AuditActor::Person(person), "session.revoke_others", subject, json!({"ended": ended})).await?;
        Ok(ended)
    })
    .await
}

/// One of the accounts that a person belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountChoice {
    pub id: AccountId,
    pub name: String,
    pub role: Role,
    pub is_in_use: bool,
}

/// The oldest first.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn accounts(app: &App, signed_in: &SignedIn) -> Result<Vec<AccountChoice>, Error> {
    let mut conn = app.conn().await?;
    let all = Membership::of_person(&mut conn, signed_in.actor.person.as_uuid()).await?;
    let open = all.into_iter().filter(|(_, account)| account.closed_at.is_none());
    open.map(|(membership, account)| {
        let role = Role::parse(&membership.role).ok_or_else(|| Error::internal("memberships.role is none of its words"))?;
        let id = AccountId::from_uuid(account.id);
        Ok(AccountChoice { id, name: account.name, role, is_in_use: id == signed_in.actor.account })
    })
    .collect()
}

/// From the next request on the session acts for this account.
///
/// # Errors
/// [`Error::NotFound`] for one that the person does not belong to.
pub async fn use_account(app: &App, signed_in: &SignedIn, account: AccountId) -> Result<(), Error> {
    if !accounts(app, signed_in).await?.iter().any(|it| it.id == account) {
        return Err(Error::NotFound { what: "account" });
    }
    Row::use_account(&mut *app.conn().await?, signed_in.session.as_uuid(), account.as_uuid()).await?;
    Ok(())
}
