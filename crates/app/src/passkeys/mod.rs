//! Passkeys (WebAuthn): a key of this dashboard's alone that a person's device or password manager keeps. It signs a challenge of ours
//! once it has seen for itself, by finger, face or PIN, that it is the person who asks.
//!
//! So it is two factors in one: it signs somebody in alone, and besides the password it takes a code's place. Whoever has a passkey has
//! a second factor, and recovery codes for when it is lost. No other site can ask for its answer, which says where it was given.

mod add;
mod ceremony;
mod proof;

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::passkey::Passkey as Row;
use howdah_db::models::person::Person;
use howdah_domain::PasskeyId;
use serde_json::json;

use crate::mails::{self, Mail, To};
use crate::people::record;
use crate::second_factor;
use crate::sessions::{SignedIn, require_recent};
use crate::{App, Error};

pub use add::{add, begin, room};
pub use ceremony::{Answer, Begun, WITHIN};
pub use proof::begin_proof;
pub(crate) use proof::{Given, begin_proof_of, begin_sign_in, refused};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyView {
    pub id: PasskeyId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

impl From<Row> for PasskeyView {
    fn from(row: Row) -> Self {
        Self { id: PasskeyId::from_uuid(row.id), name: row.name, created_at: row.created_at, last_used_at: row.last_used_at }
    }
}

/// The person's own, the oldest first.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(app: &App, signed_in: &SignedIn) -> Result<Vec<PasskeyView>, Error> {
    let rows = Row::of_person(&mut *app.conn().await?, signed_in.actor.person.as_uuid()).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

const GONE: Error = Error::NotFound { what: "passkey" };

/// One of the person's own.
///
/// # Errors
/// [`Error::NotFound`] for another's, or one that was removed.
pub async fn get(app: &App, signed_in: &SignedIn, id: PasskeyId) -> Result<PasskeyView, Error> {
    let row = Row::of(&mut *app.conn().await?, signed_in.actor.person.as_uuid(), id.as_uuid()).await?;
    row.map(Into::into).ok_or(GONE)
}

/// # Errors
/// [`Error::Invalid`]; [`Error::NotFound`] for another's, or one that was removed.
pub async fn rename(app: &App, signed_in: &SignedIn, id: PasskeyId, typed: &str) -> Result<(), Error> {
    let name = name(typed)?;
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let before = Row::of(conn, person, id.as_uuid()).await?.ok_or(GONE)?;
        Row::rename(conn, person, id.as_uuid(), &name).await?;
        recorded(app, conn, signed_in, "passkey.rename", &Row { name: name.clone(), ..before }).await
    })
    .await
}

/// It signs nobody in from now on. With the last one, where no app is set up, the second factor is off.
///
/// # Errors
/// [`Error::NotFound`] for another's, or one that was removed; [`Error::Forbidden`] where the password was given too long ago.
pub async fn remove(app: &App, signed_in: &SignedIn, id: PasskeyId) -> Result<(), Error> {
    require_recent(app, signed_in)?;
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        let row = Row::remove(conn, person, id.as_uuid()).await?.ok_or(GONE)?;
        let is_on = second_factor::settle(conn, person).await?;
        told(app, conn, signed_in, &mails::passkey_removed(&app.config, app.now(), &row.name, is_on)).await?;
        recorded(app, conn, signed_in, "passkey.remove", &row).await
    })
    .await
}

/// As its owner calls it.
fn name(typed: &str) -> Result<String, Error> {
    let name = typed.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        let sentence = "The name has 1 to 100 characters: it tells you later which passkey it is.";
        return Err(Error::invalid("name", "malformed", sentence));
    }
    Ok(name.to_owned())
}

async fn told(app: &App, conn: &mut Conn, signed_in: &SignedIn, mail: &Mail) -> Result<(), Error> {
    let person = signed_in.actor.person.as_uuid();
    mails::put(app, conn, mail, &To { email: &signed_in.email, person: Some(person), ..To::default() }).await?;
    Ok(())
}

/// To come last in its transaction.
async fn recorded(app: &App, conn: &mut Conn, signed_in: &SignedIn, action: &str, passkey: &Row) -> Result<(), Error> {
    let (chain, actor) = (signed_in.actor.account.as_uuid(), AuditActor::Person(signed_in.actor.person.as_uuid()));
    record(app, conn, chain, actor, action, ("passkey", passkey.id), json!({"name": passkey.name})).await
}
