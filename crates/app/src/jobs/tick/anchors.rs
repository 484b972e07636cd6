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
    match audit_anchor::last_at(&mut conn).await? {
        // Whoever writes a row of next year would have the audit go without anchors until then.
        Some(last) if last > now + audit_anchor::SKEW => {
            tracing::error!(target: "audit", { audit.last = %last }, "the last anchor of the audit lies in the future; it is anchored all the same");
        }
        Some(last) if now < last + EVERY => return Ok(()),
        _ => {}
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
