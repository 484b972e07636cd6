//! Which of several operators works: whoever holds the lease. A lease doesn't fence: an operator that was stopped past its
//! lease goes on for a moment when it wakes. So every write carries what it was decided on, and effects outside Kubernetes
//! run under a lock of the tenants' database server (see `controllers::instance::apply::outside`).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use howdah_crd::SYSTEM_NAMESPACE;
use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};

use crate::metrics::Metrics;

const LEASE: &str = "howdah-operator";
const SECONDS: u64 = 15;
const GRACE_SECONDS: u64 = 5;

/// How long giving the lease back may take at the end; without it the next leader waits until it is over.
const FAREWELL: Duration = Duration::from_secs(3);

/// Runs `work` whenever the lease is held, and drops it when it is lost, until `shutdown` is done: then the lease is given back.
pub async fn lead<W: Future<Output = ()>>(
    client: Client,
    metrics: Arc<Metrics>,
    work: impl Fn() -> W,
    shutdown: impl Future<Output = ()>,
) -> Result<(), LeaseManagerError> {
    let manager = LeaseManagerBuilder::new(client, LEASE)
        .with_namespace(SYSTEM_NAMESPACE)
        .with_duration(SECONDS)
        .with_grace(GRACE_SECONDS)
        .build()
        .await?;
    let (mut held, task) = manager.watch().await;
    let leading = async {
        while held.wait_for(|it| *it).await.is_ok() {
            tracing::info!("leading");
            metrics.leads(true);
            tokio::select! {
                () = work() => {}
                _lost = held.wait_for(|it| !*it) => {}
            }
            metrics.leads(false);
            tracing::info!("no longer leading");
        }
    };
    tokio::select! {
        () = leading => {}
        () = shutdown => tracing::info!("shutting down"),
    }
    drop(held);
    match tokio::time::timeout(FAREWELL, task).await {
        Ok(Ok(ended)) => ended.map(|_| ()),
        Ok(Err(_)) | Err(_) => Ok(()),
    }
}
