//! Exports that were kept as long as they were to be: their files go, and then their row says so.

use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle;

use super::DeleteExports;
use crate::exports;
use crate::ports::Bundles;
use crate::worker::{WorkError, Worker};

/// Some at a time: the next tick has the next ones deleted.
const SOME: i64 = 20;

/// One that can't be deleted holds up no other.
pub async fn run(worker: &Worker, _: DeleteExports) -> Result<(), WorkError> {
    let Some(bundles) = &worker.app.bundles else { return Ok(()) };
    let mut conn = worker.app.database.conn().await?;
    let over = Export::no_longer_kept(&mut conn, worker.now(), SOME).await?;
    drop(conn);
    for export in over {
        match delete(worker, &**bundles, &export).await {
            Ok(()) => tracing::info!(export.id = %export.id, "an export that was kept for its time is deleted"),
            Err(error) => tracing::warn!(export.id = %export.id, %error, "an export could not be deleted; it is tried again"),
        }
    }
    Ok(())
}

/// No connection is held while the bucket works.
async fn delete(worker: &Worker, bundles: &dyn Bundles, export: &Export) -> Result<(), WorkError> {
    bundles.delete(&exports::prefix(export)).await?;
    let mut conn = worker.app.database.conn().await?;
    FinalBundle::forget_key(&mut conn, export.id).await?;
    Ok(Export::deleted(&mut conn, export.id, worker.now()).await?)
}
