//! Watches every cluster's custom resources and writes what it sees into the record: the read model, and, in the same
//! transaction, what follows from it for the live operation.
//!
//! One of several workers observes: the one that holds the observers' lock. Seeing something twice, late, or after a gap ends
//! in the same: each list is compared with what was seen last, and nothing is written where nothing changed. It writes nothing
//! into a cluster, and deletes nothing anywhere.

pub mod exports;
mod record;
pub mod translate;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Shared, join_all};
use howdah_db::lock::SessionLock;

use crate::worker::Worker;

pub use record::{gone, seen};

/// Any number, as long as it is nobody else's.
const LOCK: i64 = 0x0068_6f77_6461_6803;
/// Between two tries for the lock, and between two looks whether it is still held.
const LOOK: Duration = Duration::from_secs(2);

/// Observes until `shutdown`, whenever this worker holds the lock.
pub async fn observe_all(worker: &Arc<Worker>, clusters: &[(String, kube::Client)], shutdown: Shared<BoxFuture<'static, ()>>) {
    let observing = async {
        loop {
            match SessionLock::try_take(&worker.app.database, LOCK).await {
                Ok(Some(lock)) => {
                    tracing::info!("this worker observes the clusters");
                    observe_while_held(worker, clusters, lock).await;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the observers' lock cannot be asked for"),
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = shutdown => {}
        () = observing => {}
    }
}

async fn observe_while_held(worker: &Worker, clusters: &[(String, kube::Client)], mut lock: SessionLock) {
    let servers = join_all(clusters.iter().map(|(name, client)| watch::watch(worker, name, client.clone())));
    let exports = join_all(clusters.iter().map(|(name, client)| exports::watch(worker, name, client.clone())));
    let lost = async {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = lock.check().await {
                return error;
            }
        }
    };
    tokio::select! {
        _ = futures::future::join(servers, exports) => {}
        error = lost => tracing::warn!(%error, "the observers' lock is lost"),
    }
}
