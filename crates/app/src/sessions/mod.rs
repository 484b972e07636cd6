//! Sessions of the dashboard: a cookie's random value, whose digest the record keeps, so that one can be ended from anywhere.
//!
//! A session ends by itself some days after it was last seen, and in any case a while after the sign-in. It is made new at each
//! sign-in: none is ever taken over from before.

mod code;
mod own;
mod passkey;
mod sign_in;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::models::session::{Alive, Owner, Session as Row};
use howdah_domain::{AccountId, PersonId, SessionId};

pub use code::{CODE_WITHIN, SignIn, asked, begin_proof, give_code};
pub use own::{AccountChoice, SessionView, accounts, list, revoke, revoke_others, sign_out, use_account};
pub use passkey::{begin_sign_in, confirm_with_passkey, sign_in_with_passkey};
pub use sign_in::{NewSession, confirm_password, sign_in};
pub(crate) use sign_in::{begin, check_password};

use crate::{Actor, App, Error, Role, Scope, links, tokens};

/// After the sign-in.
const LONGEST: TimeDelta = TimeDelta::days(14);
/// Without being seen.
const IDLE: TimeDelta = TimeDelta::days(3);
/// How long a password that was given is enough for what can't be taken back.
pub const RECENT: TimeDelta = TimeDelta::minutes(15);
/// A busy session is not a busy row.
const SEEN_AT_MOST_EVERY: TimeDelta = TimeDelta::minutes(1);

/// From where somebody comes.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    pub address: IpAddr,
    pub user_agent: &'a str,
}

/// Somebody who has signed in, and for which of their accounts they act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// For every use case.
    pub actor: Actor,
    pub session: SessionId,
    pub name: String,
    pub email: String,
    pub account_name: String,
    /// The password and what a second factor takes, or a passkey alone, was last given.
    pub authenticated_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl SignedIn {
    /// Whether what can't be taken back needs the password again.
    #[must_use]
    pub fn must_confirm(&self, now: DateTime<Utc>) -> bool {
        now >= self.authenticated_at + RECENT
    }
}

/// Refuses what can't be taken back where the password was given too long ago.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn require_recent(app: &App, signed_in: &SignedIn) -> Result<(), Error> {
    if signed_in.must_confirm(app.now()) {
        return Err(Error::Forbidden { reason: "confirm_password", sentence: "Please enter your password again to do this." });
    }
    Ok(())
}

/// Whose session it is. Unknown, ended, idle and revoked are one answer.
///
/// # Errors
/// [`Error::Unauthenticated`].
pub async fn authenticate(app: &App, token: &str) -> Result<SignedIn, Error> {
    if token.len() > 200 {
        return Err(Error::Unauthenticated);
    }
    let mut conn = app.conn().await?;
    let owner = Row::owner(&mut conn, &links::digest(token), alive(app)).await?.ok_or(Error::Unauthenticated)?;
    if owner.session.last_seen_at <= app.now() - SEEN_AT_MOST_EVERY {
        Row::seen(&mut conn, owner.session.id, app.now()).await?;
    }
    signed_in(app, owner)
}

pub(crate) fn alive(app: &App) -> Alive {
    Alive { now: app.now(), seen_after: app.now() - IDLE }
}

fn signed_in(app: &App, owner: Owner) -> Result<SignedIn, Error> {
    let Owner { session, person, account, role } = owner;
    let role = Role::parse(&role).ok_or_else(|| Error::internal("memberships.role is none of its words"))?;
    let is_recent = app.now() < session.authenticated_at + RECENT;
    let actor = Actor {
        person: PersonId::from_uuid(person.id),
        account: AccountId::from_uuid(account.id),
        role,
        is_operator: person.is_operator,
        scopes: if person.is_operator { Scope::ALL.to_vec() } else { Scope::EVERYBODYS.to_vec() },
        // A stolen cookie makes no token that outlives it; who has just given the password makes any.
        expires_at: if is_recent { app.now() + tokens::LONGEST } else { session.expires_at },
        credential: session.id,
    };
    Ok(SignedIn {
        actor,
        session: SessionId::from_uuid(session.id),
        name: person.name,
        email: person.email,
        account_name: account.name,
        authenticated_at: session.authenticated_at,
        expires_at: session.expires_at,
    })
}
