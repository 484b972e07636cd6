//! What is to be taken along by schedule, and is due.

use howdah_db::models::export_schedule::ExportSchedule;

use super::MOST;
use crate::exports;
use crate::worker::{WorkError, Worker};

pub async fn begin(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    for id in ExportSchedule::due(&mut conn, worker.now(), MOST).await? {
        let begun = howdah_db::transaction(&mut conn, async |conn| exports::begin_due(&worker.app, conn, id).await).await;
        if let Err(error) = begun {
            tracing::warn!(instance.id = %id, error = error.internal_text(), "an export that is due could not be begun; the next tick tries again");
        }
    }
    Ok(())
}
