//! Exports that were kept as long as they were to be: their files go, and then their row says so.

use howdah_db::models::export::Export;

use crate::exports;
use crate::worker::{WorkError, Worker};

/// Some at a time: the next tick takes the next ones.
const SOME: i64 = 20;

pub async fn delete(worker: &Worker) -> Result<(), WorkError> {
    let Some(bundles) = &worker.app.bundles else { return Ok(()) };
    let mut conn = worker.app.database.conn().await?;
    let over = Export::no_longer_kept(&mut conn, worker.now(), SOME).await?;
    drop(conn);
    for export in over {
        bundles.delete(&exports::prefix(&export)).await?;
        let mut conn = worker.app.database.conn().await?;
        Export::deleted(&mut conn, export.id, worker.now()).await?;
        tracing::info!(export.id = %export.id, "an export that was kept for its time is deleted");
    }
    Ok(())
}
