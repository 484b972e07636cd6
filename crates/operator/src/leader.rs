//! Which of several operators works: whoever holds the lease. A lease doesn't fence: an operator that was stopped past its
//! lease goes on for a moment when it wakes. So every write carries what it was decided on, and effects outside Kubernetes
//! run under a lock of the tenants' database server (see `controllers::instance::apply::outside`).

use std::future::Future;
use std::sync::Arc;

use howdah_crd::SYSTEM_NAMESPACE;
use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};

use crate::metrics::Metrics;

const LEASE: &str = "howdah-operator";
const SECONDS: u64 = 15;
const GRACE_SECONDS: u64 = 5;

/// Runs `work` whenever the lease is held, and drops it when it is lost. Returns when the lease can't be managed at all.
pub async fn lead<W: Future<Output = ()>>(client: Client, metrics: Arc<Metrics>, work: impl Fn() -> W) -> Result<(), LeaseManagerError> {
    let manager = LeaseManagerBuilder::new(client, LEASE)
        .with_namespace(SYSTEM_NAMESPACE)
        .with_duration(SECONDS)
        .with_grace(GRACE_SECONDS)
        .build()
        .await?;
    let (mut held, task) = manager.watch().await;
    loop {
        if held.wait_for(|it| *it).await.is_err() {
            break;
        }
        tracing::info!("leading");
        metrics.leads(true);
        tokio::select! {
            () = work() => {}
            _lost = held.wait_for(|it| !*it) => {}
        }
        metrics.leads(false);
        tracing::info!("no longer leading");
    }
    drop(held);
    match task.await {
        Ok(ended) => ended.map(|_| ()),
        Err(_) => Ok(()),
    }
}
