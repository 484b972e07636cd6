//! What is live of the exports is sent down again: one whose job was lost, or whose custom resource somebody deleted, goes on.

use howdah_db::models::export::Export;

use super::MOST;
use crate::jobs::SyncExport;
use crate::worker::{WorkError, Worker};

pub async fn send(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    for id in Export::live(&mut conn, MOST).await? {
        SyncExport::of(id).enqueue(&mut conn).await?;
    }
    Ok(())
}
