//! Anchors of the audit, one an hour: told in this worker's log, which is to be kept where whoever owns the database changes nothing.

use chrono::TimeDelta;
use howdah_db::QueryErrorExt;
use howdah_db::models::audit_anchor;

use crate::worker::{WorkError, Worker};

const EVERY: TimeDelta = TimeDelta::hours(1);

/// By business time; an hour in which nothing was recorded is anchored, too: a gap in the log says that something is wrong.
pub async fn anchor(worker: &Worker) -> Result<(), WorkError> {
    let now = worker.now();
    let mut conn = worker.app.database.conn().await?;
    if audit_anchor::last_at(&mut conn).await?.is_some_and(|last| now < last + EVERY) {
        return Ok(());
    }
    match howdah_db::transaction(&mut conn, async |conn| audit_anchor::anchor(conn, now).await).await {
        Ok((anchor, heads)) => {
            tracing::info!(target: "audit", { audit.anchor = %anchor, audit.heads = heads }, "the audit is anchored");
            Ok(())
        }
        // Another worker was faster, and has told it.
        Err(error) if error.unique_violation().is_some() => Ok(()),
        Err(error) => Err(error.into()),
    }
}
