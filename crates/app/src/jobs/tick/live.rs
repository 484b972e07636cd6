//! Graces that are over, farewells, launches and owners' new links that are under way: whatever the clock or a look from outside changed, the
//! record is told.

use std::collections::BTreeSet;

use howdah_db::models::instance::Instance;
use howdah_db::models::operation::Operation;
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use uuid::Uuid;

use super::MOST;
use crate::progress;
use crate::worker::{WorkError, Worker};

pub async fn advance(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let due = Instance::due_for_deletion(&mut conn, worker.now(), MOST).await?;
    let live = Operation::all_live(&mut conn, MOST).await?;
    let links = OwnerBootstrap::on_their_way(&mut conn, MOST).await?;
    let ids: BTreeSet<Uuid> = due.iter().map(|it| it.id).chain(live.iter().map(|it| it.instance_id)).chain(links).collect();
    for id in ids {
        let advanced = howdah_db::transaction(&mut conn, async |conn| progress::advance(worker, conn, id).await).await;
        if let Err(error) = advanced {
            tracing::warn!(instance.id = %id, %error, "a server's operation could not be advanced");
        }
    }
    Ok(())
}
