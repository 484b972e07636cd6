//! Somebody is erased: nothing that says who they were stays, but that they were.

use howdah_db::Conn;
use howdah_db::models::account::{Account, Membership};
use howdah_db::models::audit::{self, Actor as AuditActor};
use howdah_db::models::instance::{Instance, Page};
use howdah_db::models::invitation::Invitation;
use howdah_db::models::mail::Mail;
use howdah_db::models::passkey::Passkey;
use howdah_db::models::passkey_ceremony::PasskeyCeremony;
use howdah_db::models::person::Person;
use howdah_db::models::person_link::PersonLink;
use howdah_db::models::second_factor::{RecoveryCode, SecondFactor};
use howdah_db::models::sign_in_challenge::SignInChallenge;
use howdah_db::models::sign_up::SignUp;
use howdah_domain::EmailAddress;
use serde_json::json;
use uuid::Uuid;

use crate::people::record;
use crate::settings::PLATFORM_CHAIN;
use crate::{App, Error, FieldError};

/// What became of the accounts that they belonged to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Which go on with their other owners.
    pub left: usize,
    /// Which were theirs alone, and had no server.
    pub closed: usize,
}

/// Name, e-mail address, password, sessions, API tokens, second factor, memberships, and what the audit and the outbox have of them go.
/// An account that nobody else owns is closed, and its name goes, too.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`]; [`Error::Conflict`] while they are the last owner of an account that has servers.
pub async fn erase_person(app: &App, email: &str) -> Result<Erased, Error> {
    let email: EmailAddress = email.parse().map_err(|it| Error::Invalid { fields: vec![FieldError::of("email", &it)] })?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let known = Person::by_email(conn, &email.for_lookup()).await?.ok_or(Error::NotFound { what: "person" })?;
        // Nobody joins them to an account meanwhile.
        let person = Person::lock(conn, known.id).await?.ok_or(Error::NotFound { what: "person" })?;
        let mut erased = Erased::default();
        for (membership, _) in Membership::of_person(conn, person.id).await? {
            match leave(app, conn, &person, membership.account_id).await? {
                true => erased.closed += 1,
                false => erased.left += 1,
            }
        }
        forget(conn, &person).await?;
        Person::erase(conn, person.id, app.now()).await?;
        let details = json!({"by": "howdah admin", "accounts_left": erased.left, "accounts_closed": erased.closed});
        record(app, conn, PLATFORM_CHAIN, AuditActor::Platform, "person.erase", ("person", person.id), details).await?;
        Ok(erased)
    })
    .await
}

/// With the membership go tokens and sessions. True where the account is closed with it.
async fn leave(app: &App, conn: &mut Conn, person: &Person, account: Uuid) -> Result<bool, Error> {
    let account = Account::lock(conn, account).await?.ok_or(Error::NotFound { what: "account" })?;
    let owners = Membership::owners(conn, account.id).await?;
    let is_last = matches!(&owners[..], [only] if only.id == person.id);
    if is_last {
        let servers = Instance::page_of_account(conn, account.id, Page { before: None, limit: i64::MAX }).await?;
        if !servers.is_empty() {
            return Err(last_owner(person, &account, &servers));
        }
        Account::close(conn, account.id, "A closed account", app.now()).await?;
    }
    Membership::remove(conn, account.id, person.id).await?;
    Ok(is_last)
}

fn last_owner(person: &Person, account: &Account, servers: &[Instance]) -> Error {
    let servers: Vec<&str> = servers.iter().map(|it| it.domain.as_str()).collect();
    let sentence = format!(
        "{} is the last owner of “{}”, which has {}. Have them make somebody else an owner, or close these and wait until they are gone. \
         Nothing was erased.",
        person.email,
        account.name,
        servers.join(", ")
    );
    Error::Conflict { reason: "last_owner", sentence }
}

/// What lies beside the person's own row.
async fn forget(conn: &mut Conn, person: &Person) -> Result<(), Error> {
    SecondFactor::remove(conn, person.id).await?;
    Passkey::remove_all(conn, person.id).await?;
    PasskeyCeremony::erase(conn, person.id).await?;
    RecoveryCode::remove_all(conn, person.id).await?;
    SignInChallenge::erase(conn, person.id).await?;
    PersonLink::erase(conn, person.id, &person.email).await?;
    Invitation::erase(conn, &person.email).await?;
    SignUp::erase(conn, &person.email).await?;
    Mail::erase(conn, person.id, &person.email).await?;
    audit::erase_person(conn, person.id, &person.email).await?;
    Ok(())
}
