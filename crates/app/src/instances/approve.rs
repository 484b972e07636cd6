//! An operator lets a launch that waits for approval, or for money, begin.

use howdah_db::Conn;
use howdah_db::models::instance::{Instance, StandingColumns};
use howdah_domain::billing::{self, Access};
use howdah_domain::{Desired, Hold, InstanceId, Standing};
use serde_json::json;

use super::leave::set_desired;
use super::{audit, audit_actor, locked_by};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::jobs::SyncInstance;
use crate::{Actor, App, Error};

/// Lets a server run that waits for an operator: free of charge and without an end, where nothing is paid on this platform; else it waits
/// to be paid for from now on.
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
        let row = match app.billing {
            Some(_) => release(app, conn, &row, desired).await?,
            None => grant(app, conn, actor, &row, desired).await?,
        };
        SyncInstance::of(id.as_uuid()).enqueue(conn).await?;
        audit(app, conn, audit_actor(actor), "instance.approve", &row, json!({})).await?;
        keep(conn, idempotent, ()).await
    })
    .await
}

async fn grant(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance, desired: Desired) -> Result<Instance, Error> {
    let standing = Standing::Granted { by: actor.person.to_string(), until: None };
    let columns = StandingColumns::from(&standing);
    let row = Instance::set_standing(conn, row.id, row.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)?;
    set_desired(app, conn, &row, desired.hold_to(Access::Run)?).await
}

/// Where servers are paid for, an approval is no present.
async fn release(app: &App, conn: &mut Conn, row: &Instance, desired: Desired) -> Result<Instance, Error> {
    if desired == (Desired::Suspended { by: Hold::Billing }) {
        let sentence = "This server waits to be paid for. Grant it, with a reason, to let it run free of charge.".to_owned();
        return Err(Error::Conflict { reason: "waits_for_payment", sentence });
    }
    let access = billing::access(&crate::billing::facts(app, conn, row).await?).access;
    set_desired(app, conn, row, desired.hold_to(access)?).await
}
