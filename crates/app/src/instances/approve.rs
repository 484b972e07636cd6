//! An operator lets a launch that waits for approval, or for money, begin.

use howdah_db::models::instance::{Instance, StandingColumns};
use howdah_domain::billing::Access;
use howdah_domain::{Desired, InstanceId, Standing};
use serde_json::json;

use super::leave::set_desired;
use super::{audit, audit_actor, locked_by};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::jobs::SyncInstance;
use crate::{Actor, App, Error};

/// Grants the server, free of charge and without an end, and lets it run.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators; [`Error::Conflict`] for a server that is being closed or needs no approval.
pub async fn approve(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    if_match: Option<i64>,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = locked_by(conn, actor, id, if_match).await?;
        let desired = row.desired()?;
        if !matches!(desired, Desired::Suspended { .. }) {
            return Err(Error::Conflict { reason: "not_held", sentence: "This server is not waiting for an operator.".to_owned() });
        }
        let standing = Standing::Granted { by: actor.person.to_string(), until: None };
        let columns = StandingColumns::from(&standing);
        let row = Instance::set_standing(conn, row.id, row.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)?;
        let row = set_desired(app, conn, &row, desired.hold_to(Access::Run)?).await?;
        SyncInstance::of(id.as_uuid()).enqueue(conn).await?;
        audit(app, conn, audit_actor(actor), "instance.approve", &row, json!({})).await?;
        keep(conn, idempotent, ()).await
    })
    .await
}
