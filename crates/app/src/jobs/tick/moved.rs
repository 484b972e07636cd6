//! Servers that have moved, whose data has been kept for its time: their final bundles are verified, and then it goes.

use howdah_db::models::move_out::MoveOut;

use crate::jobs::VerifyFinalBundles;
use crate::worker::{WorkError, Worker};

pub async fn verify(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    if !MoveOut::to_verify(&mut conn, worker.now() - worker.app.config.grace, 1).await?.is_empty() {
        VerifyFinalBundles::default().enqueue(&mut conn).await?;
    }
    Ok(())
}
