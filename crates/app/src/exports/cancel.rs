//! An export is cancelled: at once in the record, and then in the cluster.

use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::operation::{Operation, OperationStep};
use howdah_domain::{ExportId, InstanceId};
use serde_json::json;

use super::seen_by;
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::{audit, audit_actor, locked_by};
use crate::jobs::SyncExport;
use crate::operations::{Recorded, save};
use crate::{Actor, App, Error};

const FINAL: &str = "This is the final bundle of a server that leaves, and ends with that: keep the server, and close it without one if you \
    want none.";

/// What was written so far stays where it is, sealed, and is no bundle.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for one that has ended, and for a final one.
pub async fn cancel(app: &App, actor: &Actor, id: ExportId, idempotent: Option<Idempotent<'_, ()>>) -> Result<Once<()>, Error> {
    actor.may_change()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let (export, _) = seen_by(conn, actor, id).await?;
        if FinalBundle::by_export(conn, export.id).await?.is_some() {
            return Err(Error::Conflict { reason: "final", sentence: FINAL.to_owned() });
        }
        let server = locked_by(conn, actor, InstanceId::from_uuid(export.instance_id), None).await?;
        let row = Operation::lock(conn, export.operation_id).await?.ok_or(Error::NotFound { what: "export" })?;
        let operation = row.with_steps(&OperationStep::of(conn, row.id).await?)?;
        let recorded = Recorded { row, operation };
        let cancelled = recorded.operation.clone().cancel(app.now())?;
        save(conn, &recorded, &cancelled).await?;
        SyncExport::of(export.id).enqueue(conn).await?;
        audit(app, conn, audit_actor(actor), "instance.export_cancel", &server, json!({"export": id})).await?;
        keep(conn, idempotent, ()).await
    })
    .await
}
