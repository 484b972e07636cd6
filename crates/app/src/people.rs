//! What sign-up, invitations and the profile share: names as they are typed, and a person's beginning.

use howdah_db::models::account::{Account, Membership, NewAccount};
use howdah_db::models::audit::{Actor as AuditActor, Record};
use howdah_db::models::person::{NewPerson, Person};
use howdah_db::{Conn, QueryErrorExt};
use howdah_domain::{AccountId, DisplayName, EmailAddress, PersonId};
use serde_json::Value;
use uuid::Uuid;

use crate::{App, Error, FieldError, Role};

/// The name of a person or an account, fit to stand in mails that we send to others.
pub(crate) fn name(field: &'static str, typed: &str) -> Result<String, FieldError> {
    typed.parse::<DisplayName>().map(|it| it.to_string()).map_err(|it| FieldError::of(field, &it))
}

/// An e-mail address as people are told apart by.
pub(crate) fn email(field: &'static str, typed: &str) -> Result<String, FieldError> {
    typed.parse::<EmailAddress>().map(|it| it.for_lookup()).map_err(|it| FieldError::of(field, &it))
}

/// Somebody who was nobody here before.
pub(crate) struct Beginner<'a> {
    pub email: &'a str,
    pub name: &'a str,
    pub password_hash: &'a str,
}

impl Beginner<'_> {
    /// # Errors
    /// [`Error::Conflict`] where somebody has this e-mail address.
    pub(crate) async fn insert(&self, app: &App, conn: &mut Conn) -> Result<Person, Error> {
        let new = NewPerson {
            id: PersonId::generate(app.now(), &*app.randomness).as_uuid(),
            email: self.email,
            name: self.name,
            is_operator: false,
            password_hash: Some(self.password_hash),
            created_at: app.now(),
        };
        new.insert(conn).await.map_err(address_taken)
    }
}

/// What the index of e-mail addresses says, to whoever has proven that this one is theirs.
pub(crate) fn address_taken(error: howdah_db::QueryError) -> Error {
    if error.unique_violation().is_none() {
        return error.into();
    }
    let sentence = "There is an account with this e-mail address already. Please sign in.".to_owned();
    Error::Conflict { reason: "address_taken", sentence }
}

/// An account of the person's own.
pub(crate) async fn open_account(app: &App, conn: &mut Conn, person: &Person, name: &str) -> Result<Account, Error> {
    let id = AccountId::generate(app.now(), &*app.randomness).as_uuid();
    let account = NewAccount { id, kind: "person", name, servers_allowed: None, created_at: app.now() }.insert(conn).await?;
    join(app, conn, id, person.id, Role::Owner).await?;
    Ok(account)
}

pub(crate) async fn join(app: &App, conn: &mut Conn, account: Uuid, person: Uuid, role: Role) -> Result<(), Error> {
    let row = Membership { account_id: account, person_id: person, role: role.as_str().to_owned(), created_at: app.now() };
    row.insert(conn).await?;
    Ok(())
}

/// The account whose chain a person's own doings are recorded in: the first that they belong to, or the platform's.
pub(crate) async fn chain_of(conn: &mut Conn, person: Uuid) -> Result<Uuid, Error> {
    let accounts = Membership::of_person(conn, person).await?;
    Ok(accounts.first().map_or(crate::settings::PLATFORM_CHAIN, |(_, account)| account.id))
}

/// Records what was done to a person, an account or a session. To come last in its transaction.
pub(crate) async fn record(
    app: &App,
    conn: &mut Conn,
    chain_id: Uuid,
    actor: AuditActor,
    action: &str,
    (subject_kind, subject_id): (&str, Uuid),
    details: Value,
) -> Result<(), Error> {
    let record = Record { chain_id, at: app.now(), actor, action, subject_kind, subject_id: Some(subject_id), details };
    record.insert(conn).await?;
    Ok(())
}
