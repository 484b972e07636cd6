//! The account that an actor speaks for.

use howdah_db::models::account::Account;
use howdah_db::models::instance::Instance;
use howdah_db::models::person::Person;
use howdah_domain::{AccountId, PersonId};

use crate::{Actor, App, Error, Role, settings};

#[derive(Debug, Clone)]
pub struct AccountView {
    pub id: AccountId,
    /// `person` or `organisation`.
    pub kind: String,
    pub name: String,
    pub person: PersonId,
    pub person_name: String,
    pub email: String,
    pub role: Role,
    pub is_operator: bool,
    pub servers: i64,
    pub servers_allowed: i32,
}

/// # Errors
/// [`Error::NotFound`] where it was closed meanwhile.
pub async fn get(app: &App, actor: &Actor) -> Result<AccountView, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let account = Account::by_id(&conn, actor.account.as_uuid()).await?.ok_or(Error::NotFound { what: "account" })?;
    let person = Person::by_id(&mut conn, actor.person.as_uuid()).await?.ok_or(Error::NotFound { what: "person" })?;
    let platform = settings::read(&conn).await?;
    Ok(AccountView {
        id: actor.account,
        kind: account.kind,
        name: account.name,
        person: actor.person,
        person_name: person.name,
        email: person.email,
        role: actor.role,
        is_operator: person.is_operator,
        servers: Instance::count_of_account(&conn, account.id).await?,
        servers_allowed: account.servers_allowed.unwrap_or(platform.servers_per_account),
    })
}
