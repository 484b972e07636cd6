//! Whatever a reference is of: what people read on pages and in mails, and send to the support.

use howdah_db::models::listing::{Reference, reference};
use howdah_domain::{AccountId, InstanceId, MailId, OperationId};
use uuid::Uuid;

use crate::{Actor, App, Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Server(InstanceId),
    Operation { server: InstanceId, operation: OperationId },
    Mail(MailId),
    Account(AccountId),
    Incident(Uuid),
    Nothing,
}

/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn find(app: &App, actor: &Actor, typed: &str) -> Result<Found, Error> {
    actor.may_operate()?;
    let typed = typed.trim();
    let id = Uuid::try_parse(typed).ok().or_else(|| InstanceId::from_resource_name(typed).map(InstanceId::as_uuid));
    let Some(id) = id else { return Ok(Found::Nothing) };
    let mut conn = app.conn().await?;
    Ok(match reference(&mut conn, id).await? {
        Some(Reference::Server(server)) => Found::Server(InstanceId::from_uuid(server)),
        Some(Reference::Operation { server }) => {
            Found::Operation { server: InstanceId::from_uuid(server), operation: OperationId::from_uuid(id) }
        }
        Some(Reference::Mail) => Found::Mail(MailId::from_uuid(id)),
        Some(Reference::Account) => Found::Account(AccountId::from_uuid(id)),
        Some(Reference::Incident) => Found::Incident(id),
        None => Found::Nothing,
    })
}
