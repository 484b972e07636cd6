//! Requests that failed by a fault of ours: people are shown a reference, and operators find by it what happened.

use chrono::{DateTime, Utc};
use howdah_db::models::incident::Incident as Row;
use howdah_db::models::person::Person;
use howdah_domain::PersonId;
use uuid::Uuid;

use crate::{Actor, App, Error};

/// What failed, as the request tells it.
#[derive(Debug)]
pub struct Failure<'a> {
    /// The request's id, which is the reference.
    pub reference: Uuid,
    pub person: Option<PersonId>,
    pub method: &'a str,
    /// Without its query, which may hold the token of a link.
    pub path: &'a str,
    pub cause: &'a str,
}

/// Keeps it for 30 days.
///
/// # Errors
/// The record's.
pub async fn record(app: &App, failure: &Failure<'_>) -> Result<(), Error> {
    let cut = |text: &str, most: usize| text.chars().take(most).collect();
    let row = Row {
        id: failure.reference,
        happened_at: app.clock.now(),
        person_id: failure.person.map(PersonId::as_uuid),
        method: cut(failure.method, 20),
        path: cut(failure.path, 500),
        cause: cut(failure.cause, 4000),
    };
    let mut conn = app.conn().await?;
    row.insert(&mut conn).await?;
    Ok(())
}

#[derive(Debug, Clone)]
pub struct Incident {
    pub reference: Uuid,
    pub happened_at: DateTime<Utc>,
    /// The e-mail address of who was signed in.
    pub person: Option<String>,
    pub method: String,
    pub path: String,
    pub cause: String,
}

/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`].
pub async fn find(app: &App, actor: &Actor, reference: Uuid) -> Result<Incident, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    let row = Row::by_id(&mut conn, reference).await?.ok_or(Error::NotFound { what: "incident" })?;
    let person = match row.person_id {
        Some(id) => Person::by_id(&mut conn, id).await?.map(|it| it.email),
        None => None,
    };
    Ok(Incident { reference, happened_at: row.happened_at, person, method: row.method, path: row.path, cause: row.cause })
}
