//! Servers that billing held back and may run now.

use howdah_db::models::instance::Instance;
use howdah_domain::billing::{self, Access};

use super::MOST;
use crate::jobs::SyncInstance;
use crate::worker::{WorkError, Worker};

/// The sync itself decides again, and releases: here only those are called that have a reason to.
pub async fn release(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    for instance in Instance::held_by_billing(&mut conn, MOST).await? {
        let facts = crate::billing::facts(&worker.app, &conn, &instance).await?;
        if billing::access(&facts).access == Access::Run {
            SyncInstance::of(instance.id).enqueue(&mut conn).await?;
        }
    }
    Ok(())
}
