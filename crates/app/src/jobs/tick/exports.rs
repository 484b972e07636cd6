//! What is live of the exports is sent down again: one whose job was lost, or whose custom resource somebody deleted, goes on. What was kept
//! for its time is deleted.

use howdah_db::models::export::Export;

use super::MOST;
use crate::jobs::{DeleteExports, SyncExport};
use crate::worker::{WorkError, Worker};

pub async fn send(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    for id in Export::live(&mut conn, MOST).await? {
        SyncExport::of(id).enqueue(&mut conn).await?;
    }
    Ok(())
}

pub async fn delete(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    if worker.app.bundles.is_some() && !Export::no_longer_kept(&mut conn, worker.now(), 1).await?.is_empty() {
        DeleteExports::default().enqueue(&mut conn).await?;
    }
    Ok(())
}
