//! The worker: the one process that knows both the record and the clusters.
//!
//! It runs the queue's jobs, enqueues what is periodic, and observes every cluster as long as it holds the observers' lock. Two
//! may run: jobs are shared between them, one of them observes, and either can be killed at any point.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::join_all;
use howdah_db::models::identity::SealedError;
use howdah_db::{Corrupt, QueryError, Unavailable};

use crate::adapters::{Kubernetes, SmtpRelay};
use crate::jobs::{self, ResyncAll, Tick};
use crate::observer;
use crate::ports::{BundlesError, Cluster, ClusterError, Mailer, Outside, Relay, RelayError};
use crate::{App, Error};

/// What the binary fills from its flags.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Between two looks at what time has brought: a minute in production.
    pub tick: Duration,
    /// Between two syncs of everything.
    pub resync: Duration,
    /// Between two looks from outside at a server that has answered before.
    pub look: TimeDelta,
    /// Between two looks for the proof of a domain, and, once it was found, between two checks that it is still there.
    pub unproven_domain: TimeDelta,
    pub proven_domain: TimeDelta,
    /// How long a server keeps a domain that nobody proves.
    pub unproven_for: TimeDelta,
    /// Jobs at a time.
    pub concurrency: usize,
    /// Of the queue, besides the record's pool.
    pub queue_connections: usize,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(60),
            resync: Duration::from_secs(600),
            look: TimeDelta::minutes(10),
            unproven_domain: TimeDelta::minutes(1),
            proven_domain: TimeDelta::days(1),
            unproven_for: TimeDelta::days(14),
            concurrency: 16,
            queue_connections: 6,
        }
    }
}

/// What jobs and the observer work with.
pub struct Worker {
    pub app: App,
    /// By the name of their row.
    pub clusters: BTreeMap<String, Arc<dyn Cluster>>,
    pub outside: Arc<dyn Outside>,
    pub mailer: Arc<dyn Mailer>,
    pub relay: Arc<dyn Relay>,
    pub settings: WorkerSettings,
}

/// Why work came to nothing this time.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("the record did not answer")]
    Query(#[from] QueryError),
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    #[error(transparent)]
    Sealed(#[from] SealedError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Bundles(#[from] BundlesError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// A revision was no longer the row's.
    #[error("the record changed meanwhile")]
    Conflict,
    #[error("the record lacks {what}")]
    Missing { what: String },
    #[error(transparent)]
    App(#[from] Error),
}

impl Worker {
    /// Business time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    /// A look from outside that is older says nothing about now. Two ticks and a bit: one look may be missed.
    pub(crate) fn freshness(&self) -> TimeDelta {
        let tick = TimeDelta::from_std(self.settings.tick).unwrap_or(TimeDelta::minutes(1));
        tick * 2 + TimeDelta::seconds(30)
    }

    /// The cluster of that name.
    pub(crate) fn cluster(&self, name: &str) -> Result<&Arc<dyn Cluster>, WorkError> {
        self.clusters.get(name).ok_or_else(|| WorkError::Missing { what: format!("a connection to the cluster `{name}`") })
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Why a worker cannot run at all.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("the job queue cannot be used")]
    Queue(#[from] howdah_db::queue::QueueError),
}

/// Runs until `shutdown`, whatever fails meanwhile: what is away is asked again. `clusters` are by the names of their rows.
///
/// # Errors
/// Only where it could never run: with a database URL that says nothing.
pub async fn run_worker(
    app: App,
    database_url: &str,
    clusters: Vec<(String, kube::Client)>,
    outside: Arc<dyn Outside>,
    mailer: Arc<dyn Mailer>,
    settings: WorkerSettings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WorkerError> {
    let real = |(name, client): &(String, kube::Client)| {
        let cluster: Arc<dyn Cluster> = Arc::new(Kubernetes::new(client.clone()));
        (name.clone(), cluster)
    };
    let worker =
        Arc::new(Worker { app, clusters: clusters.iter().map(real).collect(), outside, mailer, relay: Arc::new(SmtpRelay), settings });
    run(&worker, database_url, &clusters, shutdown).await
}

/// As [`run_worker`], of parts: the queue, what is periodic, and the observation of `watched`.
///
/// # Errors
/// As [`run_worker`].
pub async fn run(
    worker: &Arc<Worker>,
    database_url: &str,
    watched: &[(String, kube::Client)],
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WorkerError> {
    // Fails here, and not in a loop, where the URL is wrong.
    howdah_db::queue::worker_options(database_url, worker.settings.queue_connections)?;
    let shutdown = shutdown.boxed().shared();
    let queue = run_queue(worker, database_url, shutdown.clone());
    let periodic = async {
        tokio::select! {
            () = shutdown.clone() => {}
            () = enqueue_periodically(worker) => {}
        }
    };
    let observers = observer::observe_all(worker, watched, shutdown.clone());
    let ((), (), ()) = futures::join!(queue, periodic, observers);
    Ok(())
}

/// The queue's own loop, begun again whenever it ends because the database was away.
async fn run_queue(worker: &Arc<Worker>, database_url: &str, shutdown: futures::future::Shared<futures::future::BoxFuture<'static, ()>>) {
    loop {
        let run = async {
            let options = howdah_db::queue::worker_options(database_url, worker.settings.queue_connections).map_err(|it| it.to_string())?;
            let options = jobs::define(options, worker)
                .concurrency(worker.settings.concurrency)
                .listen_os_shutdown_signals(false)
                .shutdown_signal(shutdown.clone());
            let queue = options.init().await.map_err(|it| it.to_string())?;
            queue.run().await.map_err(|it| it.to_string())
        };
        let outcome = run.await;
        if shutdown.peek().is_some() {
            return;
        }
        if let Err(error) = outcome {
            tracing::warn!(error, "the job queue stopped; it is started again");
        }
        tokio::select! {
            () = shutdown.clone() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Workers that enqueue at the same time enqueue one job: its key is the same.
async fn enqueue_periodically(worker: &Worker) {
    let mut tick = tokio::time::interval(worker.settings.tick);
    let mut resync = tokio::time::interval(worker.settings.resync);
    for timer in [&mut tick, &mut resync] {
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        let enqueued = tokio::select! {
            _ = tick.tick() => enqueue(worker, false).await,
            _ = resync.tick() => enqueue(worker, true).await,
        };
        if let Err(error) = enqueued {
            tracing::warn!(%error, "periodic work could not be enqueued; the next tick tries again");
        }
    }
}

async fn enqueue(worker: &Worker, is_resync: bool) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    if is_resync {
        ResyncAll::default().enqueue(&mut conn).await?;
    } else {
        Tick::default().enqueue(&mut conn).await?;
    }
    Ok(())
}

/// One after the other would let a slow one delay the rest; all at once would be a storm.
pub(crate) async fn in_groups<T, F: Future<Output = ()>>(items: Vec<T>, at_once: usize, work: impl Fn(T) -> F) {
    let mut items = items.into_iter();
    loop {
        let group: Vec<F> = items.by_ref().take(at_once).map(&work).collect();
        if group.is_empty() {
            return;
        }
        join_all(group).await;
    }
}
