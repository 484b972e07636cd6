//! What is live of the exports and pulls is sent down again: one whose job was lost, or whose object somebody deleted, goes on; so is a pull
//! that left something in its cluster. What was kept
//! for its time is deleted.

use howdah_db::models::export::Export;
use howdah_db::models::import::Import;
use howdah_db::models::import_pull::ImportPull;

use super::MOST;
use crate::jobs::{DeleteExports, SyncExport, SyncPull};
use crate::worker::{WorkError, Worker};

pub async fn send(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    for id in Export::live(&mut conn, MOST).await? {
        SyncExport::of(id).enqueue(&mut conn).await?;
    }
    for id in ImportPull::not_put_away(&mut conn, MOST).await? {
        SyncPull::of(id).enqueue(&mut conn).await?;
    }
    Ok(())
}

pub async fn delete(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    if worker.app.bundles.is_none() {
        return Ok(());
    }
    let (now, one) = (worker.now(), 1);
    let is_any =
        !Export::no_longer_kept(&mut conn, now, one).await?.is_empty() || !Import::no_longer_kept(&mut conn, now, one).await?.is_empty();
    if is_any {
        DeleteExports::default().enqueue(&mut conn).await?;
    }
    Ok(())
}
