//! What has had its time.

use chrono::TimeDelta;
use howdah_db::models::idempotency::IdempotencyKey;
use howdah_db::models::session::Session;

use crate::worker::{WorkError, Worker};

/// How long the same key gets the same answer.
const KEYS: TimeDelta = TimeDelta::hours(24);
/// How long an ended session is kept, for its owner to see.
const SESSIONS: TimeDelta = TimeDelta::days(7);

pub async fn clean(worker: &Worker) -> Result<(), WorkError> {
    let now = worker.now();
    let mut conn = worker.app.database.conn().await?;
    IdempotencyKey::forget(&mut conn, now - KEYS).await?;
    Session::forget(&mut conn, now - SESSIONS).await?;
    Ok(())
}
