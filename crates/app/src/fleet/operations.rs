//! Everybody's operations, and trying again what failed.

use howdah_db::Conn;
use howdah_db::models::instance::{Instance, Page};
use howdah_db::models::listing;
use howdah_db::models::operation::{Operation as Row, OperationStep};
use howdah_domain::listing::OperationFilter;
use howdah_domain::{Desired, InstanceId, OperationId, OperationKind, OperationState};
use serde_json::json;
use uuid::Uuid;

use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::{audit, audit_actor, locked_by, search};
use crate::jobs::SyncInstance;
use crate::operations::{self as one, OperationView};
use crate::{Actor, App, Error};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetOperation {
    pub operation: OperationView,
    pub domain: String,
    pub slug: String,
}

/// The newest first. `typed`: a part of the server's domain, or a reference: the operation's, its server's or its account's.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn operations(app: &App, actor: &Actor, typed: &str, filter: OperationFilter, page: Page) -> Result<Vec<FleetOperation>, Error> {
    actor.may_operate()?;
    let typed = typed.trim().to_lowercase().chars().take(253).collect::<String>();
    let mut conn = app.conn().await?;
    let rows = listing::operations(&mut conn, search(&typed, false), filter, page).await?;
    let ids: Vec<Uuid> = rows.iter().map(|(it, _)| it.id).collect();
    let steps = OperationStep::of_all(&mut conn, &ids).await?;
    let view = |(row, instance): (Row, Instance)| {
        let steps: Vec<OperationStep> = steps.iter().filter(|it| it.operation_id == row.id).cloned().collect();
        let operation = one::view(&row, &steps, true)?;
        Ok(FleetOperation { operation, domain: instance.domain, slug: instance.slug })
    };
    rows.into_iter().map(view).collect()
}

/// Tries again what failed or is held up, at once. What is live goes on under its id; what has failed for good begins anew.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`], [`Error::Conflict`] where there is nothing to try again.
pub async fn retry(
    app: &App,
    actor: &Actor,
    id: OperationId,
    idempotent: Option<Idempotent<'_, OperationView>>,
) -> Result<Once<OperationView>, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = Row::by_id(conn, id.as_uuid()).await?.ok_or(Error::NotFound { what: "operation" })?;
        let instance = locked_by(conn, actor, InstanceId::from_uuid(row.instance_id), None).await?;
        let tried = again(app, conn, actor, &instance, id).await?;
        // Another revision: the cluster's side begins anew too, and does not wait out its pause.
        let instance = Instance::touch(conn, instance.id, app.now()).await?.ok_or(Error::PreconditionFailed)?;
        SyncInstance::of(instance.id).enqueue(conn).await?;
        audit(app, conn, audit_actor(actor), "instance.retry", &instance, json!({"operation": tried.to_string()})).await?;
        let view = one::seen_by(conn, actor, tried).await?;
        keep(conn, idempotent, view).await
    })
    .await
}

async fn again(app: &App, conn: &mut Conn, actor: &Actor, instance: &Instance, id: OperationId) -> Result<OperationId, Error> {
    // Under the lock of the server's row nobody else writes its operations.
    let row = Row::lock(conn, id.as_uuid()).await?.ok_or(Error::NotFound { what: "operation" })?;
    let steps = OperationStep::of(conn, row.id).await?;
    let operation = row.with_steps(&steps)?;
    let nothing = |sentence: &str| Error::Conflict { reason: "nothing_to_retry", sentence: sentence.to_owned() };
    match operation.state {
        OperationState::Running if operation.trouble().is_some() => return Ok(id),
        OperationState::Queued | OperationState::Running => return Err(nothing("This operation goes on: nothing of it has failed.")),
        OperationState::Succeeded | OperationState::Cancelled => return Err(nothing("This operation has not failed.")),
        OperationState::Failed => {}
    }
    let is_wanted = match (operation.kind, instance.desired()?) {
        (OperationKind::Create | OperationKind::Import, Desired::Running) => instance.launched_at.is_none(),
        (OperationKind::MoveOut | OperationKind::Close | OperationKind::Remove, Desired::Deleted { .. }) => true,
        _ => false,
    };
    if !is_wanted {
        return Err(nothing("What this operation was for is no longer wanted, or was done by another."));
    }
    if let Some(live) = one::live(conn, InstanceId::from_uuid(instance.id)).await? {
        return Ok(OperationId::from_uuid(live.row.id));
    }
    one::begin(app, conn, InstanceId::from_uuid(instance.id), operation.kind, Some(actor.person)).await
}
