//! What `howdah admin …` does on the machine itself, by whoever can read its configuration: the first operator, the first token,
//! the places where servers go. Each can be asked for again and then changes nothing but what it says.

mod erase;

use chrono::TimeDelta;
use howdah_db::Conn;
use howdah_db::models::account::{Account, Membership, NewAccount};
use howdah_db::models::audit::{Actor as AuditActor, Record};
use howdah_db::models::person::{NewPerson, Person};
use howdah_db::models::place::{Cluster, DatabaseServer, ObjectStore};
use howdah_domain::{AccountId, ClusterId, DatabaseServerId, EmailAddress, ObjectStoreId, PersonId};
use secrecy::SecretString;
use serde_json::json;

pub use erase::{Erased, erase_person};

use crate::settings::PLATFORM_CHAIN;
use crate::tokens::{self, NewToken};
use crate::{App, Error, FieldError, Role, Scope, passwords, people, reset, upkeep};

#[derive(Debug)]
pub struct PersonRequest {
    pub email: String,
    pub name: String,
    /// Of the platform.
    pub is_operator: bool,
    /// Absent: signs in by token only, until they set one by the link.
    pub password: Option<SecretString>,
    /// Servers that the account may have; absent: as the settings say.
    pub servers_allowed: Option<i32>,
}

/// A person with an account of their own.
#[derive(Debug, Clone)]
pub struct PersonAdded {
    pub person: PersonId,
    pub account: AccountId,
    /// False where the address was known already.
    pub is_new: bool,
    /// Where they set their first password, within a day; absent for who has one.
    pub link: Option<SecretString>,
}

/// Adds a person with an account of their own. Of somebody who is there already only the password and the number of servers
/// are changed, and a new password ends what was open with the one before; an operator is not made of a customer.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Conflict`].
pub async fn add_person(app: &App, request: &PersonRequest) -> Result<PersonAdded, Error> {
    let email: EmailAddress = request.email.parse().map_err(|it| Error::Invalid { fields: vec![FieldError::of("email", &it)] })?;
    let password = match &request.password {
        Some(password) => Some(checked(password, &email).await?),
        None => None,
    };
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let known = Person::by_email(conn, &email.for_lookup()).await?;
        let (person, is_new) = match known {
            Some(person) if person.is_operator != request.is_operator => {
                let sentence =
                    format!("{email} is known already, and not as {}.", if request.is_operator { "an operator" } else { "a customer" });
                return Err(Error::Conflict { reason: "known_otherwise", sentence });
            }
            Some(person) => (person, false),
            None => (insert_person(app, conn, request, &email).await?, true),
        };
        match &password {
            Some(hash) if is_new => {
                Person::set_password_hash(conn, person.id, hash).await?;
            }
            Some(hash) => {
                reset::replace(app, conn, &person, hash).await?;
                let (chain, details) = (people::chain_of(conn, person.id).await?, json!({"by": "howdah admin"}));
                people::record(app, conn, chain, AuditActor::Platform, "password.set", ("person", person.id), details).await?;
            }
            None => {}
        }
        let account = own_account(app, conn, &person, request.servers_allowed).await?;
        // Without a password there is a link to set one, until there is one.
        let has_password = password.is_some() || person.password_hash.is_some();
        let link = if has_password { None } else { Some(reset::first_password(app, conn, &person).await?) };
        if is_new {
            record(app, conn, "person.add", "person", Some(person.id)).await?;
        }
        let (person, account) = (PersonId::from_uuid(person.id), AccountId::from_uuid(account.id));
        Ok(PersonAdded { person, account, is_new, link })
    })
    .await
}

async fn insert_person(app: &App, conn: &mut Conn, request: &PersonRequest, email: &EmailAddress) -> Result<Person, Error> {
    let address = email.for_lookup();
    let name = match request.name.trim() {
        // Until they say what they are called.
        "" => address.split('@').next().unwrap_or_default().to_owned(),
        typed => people::name("name", typed).map_err(|it| Error::Invalid { fields: vec![it] })?,
    };
    let new = NewPerson {
        id: PersonId::generate(app.now(), &*app.randomness).as_uuid(),
        email: &address,
        name: &name,
        is_operator: request.is_operator,
        password_hash: None,
        created_at: app.now(),
    };
    Ok(new.insert(conn).await?)
}

/// The oldest account that the person owns; made where there is none.
async fn own_account(app: &App, conn: &mut Conn, person: &Person, servers_allowed: Option<i32>) -> Result<Account, Error> {
    let owned = Membership::of_person(conn, person.id).await?.into_iter().find(|(it, _)| it.role == Role::Owner.as_str());
    let account = match owned {
        Some((_, account)) => account,
        None => {
            let name = if person.name.is_empty() { &person.email } else { &person.name };
            let id = AccountId::generate(app.now(), &*app.randomness).as_uuid();
            let account = NewAccount { id, kind: "person", name, servers_allowed, created_at: app.now() }.insert(conn).await?;
            let role = Role::Owner.as_str().to_owned();
            Membership { account_id: id, person_id: person.id, role, created_at: app.now() }.insert(conn).await?;
            account
        }
    };
    if servers_allowed.is_some() && servers_allowed != account.servers_allowed {
        upkeep::allow(app, conn, account.id, servers_allowed).await?;
    }
    Ok(account)
}

/// A token for a person who is there, for the account that they own.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for `operate` without being an operator.
pub async fn add_token(app: &App, email: &str, name: &str, scopes: &[Scope], valid: TimeDelta) -> Result<NewToken, Error> {
    let email: EmailAddress = email.parse().map_err(|it| Error::Invalid { fields: vec![FieldError::of("email", &it)] })?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let person = Person::by_email(conn, &email.for_lookup()).await?.ok_or(Error::NotFound { what: "person" })?;
        if scopes.contains(&Scope::Operate) && !person.is_operator {
            return Err(Error::Forbidden {
                reason: "operators_only", sentence: "Only an operator's token can have the scope “operate”."
            });
        }
        let account = own_account(app, conn, &person, None).await?;
        let (account, person) = (AccountId::from_uuid(account.id), PersonId::from_uuid(person.id));
        let new = tokens::insert(app, conn, account, person, name, scopes, app.now() + valid).await?;
        record(app, conn, "token.add", "token", Some(new.view.id.as_uuid())).await?;
        Ok(new)
    })
    .await
}

/// A place where servers can be put, by the name that the operator's configuration has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `placement`: a pod profile of the operator's configuration.
    Cluster {
        name: String,
        placement: String,
        capacity: i32,
        is_default: bool,
    },
    DatabaseServer {
        name: String,
        capacity: i32,
        is_default: bool,
    },
    ObjectStore {
        name: String,
        capacity: i32,
        is_default: bool,
    },
}

/// Records a place; one of that name that is there stays as it is. True where it was recorded.
///
/// # Errors
/// Where another place of its kind is the default.
pub async fn add_place(app: &App, place: &Place) -> Result<bool, Error> {
    let (now, randomness) = (app.now(), &*app.randomness);
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let (kind, id) = match place.clone() {
            Place::Cluster { name, placement, capacity, is_default } => {
                if Cluster::by_name(conn, &name).await?.is_some() {
                    return Ok(false);
                }
                let id = ClusterId::generate(now, randomness).as_uuid();
                let row = Cluster {
                    id,
                    name,
                    placement,
                    capacity,
                    is_default,
                    seen_at: None,
                    unreachable_since: None,
                    created_at: now,
                    retired_at: None,
                };
                row.insert(conn).await?;
                ("cluster", id)
            }
            Place::DatabaseServer { name, capacity, is_default } => {
                if DatabaseServer::by_name(conn, &name).await?.is_some() {
                    return Ok(false);
                }
                let id = DatabaseServerId::generate(now, randomness).as_uuid();
                DatabaseServer { id, name, capacity, is_default, created_at: now, retired_at: None }.insert(conn).await?;
                ("database_server", id)
            }
            Place::ObjectStore { name, capacity, is_default } => {
                if ObjectStore::by_name(conn, &name).await?.is_some() {
                    return Ok(false);
                }
                let id = ObjectStoreId::generate(now, randomness).as_uuid();
                ObjectStore { id, name, capacity, is_default, created_at: now, retired_at: None }.insert(conn).await?;
                ("object_store", id)
            }
        };
        record(app, conn, "place.add", kind, Some(id)).await?;
        Ok(true)
    })
    .await
}

async fn record(app: &App, conn: &mut Conn, action: &str, subject_kind: &str, subject_id: Option<uuid::Uuid>) -> Result<(), Error> {
    let record = Record {
        chain_id: PLATFORM_CHAIN,
        at: app.now(),
        actor: AuditActor::Platform,
        action,
        subject_kind,
        subject_id,
        details: json!({"by": "howdah admin"}),
    };
    record.insert(conn).await?;
    Ok(())
}

async fn checked(password: &SecretString, email: &EmailAddress) -> Result<String, Error> {
    match passwords::fault("password", password, &[email.as_str()]) {
        Some(fault) => Err(Error::Invalid { fields: vec![fault] }),
        None => passwords::hash(password.clone()).await,
    }
}
