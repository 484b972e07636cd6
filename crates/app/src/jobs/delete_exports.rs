//! Exports and what was brought for imports, once they were kept as long as they were to be: their files go, and then their row says so.

use chrono::TimeDelta;
use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::import::Import;

use super::DeleteExports;
use crate::exports;
use crate::imports::links_valid;
use crate::ports::Bundles;
use crate::worker::{WorkError, Worker};

/// A PUT that began while its link was valid has ended, or broken off, by then.
const PUT: TimeDelta = TimeDelta::minutes(15);
/// Some at a time: the next tick has the next ones deleted.
const SOME: i64 = 20;

/// One that can't be deleted holds up no other.
pub async fn run(worker: &Worker, _: DeleteExports) -> Result<(), WorkError> {
    let Some(bundles) = &worker.app.bundles else { return Ok(()) };
    let mut conn = worker.app.database.conn().await?;
    let over = Export::no_longer_kept(&mut conn, worker.now(), SOME).await?;
    let brought = Import::no_longer_kept(&mut conn, worker.now(), SOME).await?;
    drop(conn);
    for export in over {
        match delete(worker, &**bundles, &export).await {
            Ok(()) => tracing::info!(export.id = %export.id, "an export that was kept for its time is deleted"),
            Err(error) => tracing::warn!(export.id = %export.id, %error, "an export could not be deleted; it is tried again"),
        }
    }
    for import in brought {
        match delete_brought(worker, &**bundles, &import).await {
            Ok(()) => tracing::info!(import.id = %import.id, "what was brought for an import is deleted"),
            Err(error) => tracing::warn!(import.id = %import.id, %error, "what was brought could not be deleted; it is tried again"),
        }
    }
    Ok(())
}

/// An export that lies here belongs to its server. Of what was brought, links may be valid for some minutes yet: what comes by them is
/// deleted, too, and only then is it said that nothing is left.
async fn delete_brought(worker: &Worker, bundles: &dyn Bundles, import: &Import) -> Result<(), WorkError> {
    if import.source == "upload" {
        bundles.delete(&import.prefix).await?;
        let last = import.offered_at.map(|it| it + links_valid() + PUT);
        if last.is_some_and(|it| worker.now() < it) {
            return Ok(());
        }
    }
    let mut conn = worker.app.database.conn().await?;
    Ok(Import::deleted(&mut conn, import.id, worker.now()).await?)
}

/// No connection is held while the bucket works.
async fn delete(worker: &Worker, bundles: &dyn Bundles, export: &Export) -> Result<(), WorkError> {
    bundles.delete(&exports::prefix(export)).await?;
    let mut conn = worker.app.database.conn().await?;
    FinalBundle::forget_key(&mut conn, export.id).await?;
    Ok(Export::deleted(&mut conn, export.id, worker.now()).await?)
}
