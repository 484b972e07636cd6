//! Own domains that nobody proves: a launch must not keep somebody else's name for ever (ADR 4).
//!
//! The server is closed as its owner would close it, with the whole grace period to prove the domain and take that back. Nobody
//! out there has ever met it, so it says no farewell.

use howdah_db::Conn;
use howdah_db::models::account::Membership;
use howdah_db::models::audit::Actor;
use howdah_db::models::instance::{DesiredColumns, Instance};
use howdah_domain::{Deletion, InstanceId};
use serde_json::json;
use uuid::Uuid;

use super::MOST;
use crate::jobs::SyncInstance;
use crate::worker::{WorkError, Worker};
use crate::{instances, mails, operations};

pub async fn close(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let before = worker.now() - worker.settings.unproven_for;
    for id in Instance::never_proven_since(&mut conn, before, MOST).await? {
        let closed = howdah_db::transaction(&mut conn, async |conn| close_one(worker, conn, id).await).await;
        if let Err(error) = closed {
            tracing::warn!(instance.id = %id, %error, "a server whose domain nobody proves could not be closed");
        }
    }
    Ok(())
}

async fn close_one(worker: &Worker, conn: &mut Conn, id: Uuid) -> Result<(), WorkError> {
    let now = worker.now();
    let Some(instance) = Instance::lock(conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else { return Ok(()) };
    let after = now + worker.app.config.grace;
    // Somebody else was faster.
    let Ok(desired) = instance.desired()?.delete(Deletion::Close, after, instance.begun()) else { return Ok(()) };
    Instance::decline_final_bundle(conn, id, None).await?;
    let columns = DesiredColumns::from(desired);
    let instance = Instance::set_desired(conn, id, instance.revision, &columns, now).await?.ok_or(WorkError::Conflict)?;
    operations::cancel_live(&worker.app, conn, InstanceId::from_uuid(id)).await?;
    SyncInstance::of(id).enqueue(conn).await?;
    for owner in Membership::owners(conn, instance.account_id).await? {
        mails::never_proven(&worker.app, conn, &owner, &instance, after).await?;
    }
    tracing::info!(instance.id = %id, "a server whose domain nobody proved is closed");
    instances::audit(&worker.app, conn, Actor::Platform, "instance.never_proven", &instance, json!({"after": after})).await?;
    Ok(())
}
