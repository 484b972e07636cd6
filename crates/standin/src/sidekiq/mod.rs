//! Sidekiq's part: takes jobs from its queues, retries what failed, and runs the schedule where `scheduler` is listened to.

mod schedule;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::sync::watch;

use self::work::Worker;
use crate::command::SidekiqOptions;
use crate::config::Config;
use crate::faults::Fault;
use crate::jobs::Jobs;

/// Where the readiness file lies, relative to the working directory (/opt/mastodon).
const READY_DIRECTORY: &str = "tmp";
const RECONNECT: Duration = Duration::from_secs(1);
/// How long running jobs may go on after SIGTERM (Sidekiq's `-t`).
const GRACE: Duration = Duration::from_secs(8);

pub async fn run(config: Config, options: SidekiqOptions) -> anyhow::Result<()> {
    config.faults.start_slowly().await?;
    config.faults.fail_at(Fault::SidekiqCrash)?;
    Jobs::connect(&config.redis).await?.ping().await.context("RedisClient::CannotConnectError")?;
    drop(crate::database::connect(&config.database).await.context("PG::ConnectionBad")?);
    let config = Arc::new(config);
    let (stop, stopping) = watch::channel(false);
    let worker = Arc::new(Worker::new(config.clone(), options.concurrency)?);
    let ready = Readiness::announce(&config)?;
    tracing::info!("Sidekiq running with {} threads on {:?}", options.concurrency, options.queues);
    let places = Arc::new(Semaphore::new(options.concurrency));
    let mut tasks = vec![tokio::spawn(put_back_retries(config.clone(), stopping.clone()))];
    if options.queues.iter().any(|queue| queue == "scheduler") {
        tasks.push(tokio::spawn(schedule::run(config.clone(), worker.self_destructing, stopping.clone())));
    }
    if !config.faults.has(Fault::QueueStuck) {
        tasks.push(tokio::spawn(take_jobs(config.clone(), worker, options.queues.clone(), places.clone(), stopping)));
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(ready);
    stop.send_replace(true);
    for task in tasks {
        drop(tokio::time::timeout(GRACE, task).await);
    }
    // Whoever holds all places knows that no job runs any more.
    drop(tokio::time::timeout(GRACE, places.acquire_many(u32::try_from(options.concurrency)?)).await);
    Ok(())
}

/// Takes a place first and a job then, so that no job waits in this process while another could do it.
async fn take_jobs(config: Arc<Config>, worker: Arc<Worker>, queues: Vec<String>, places: Arc<Semaphore>, stopping: watch::Receiver<bool>) {
    while !*stopping.borrow() {
        let Err(error) = take_jobs_until_cut_off(&config, &worker, &queues, &places, &stopping).await else {
            return;
        };
        tracing::error!("jobs can't be taken: {error:#}");
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn take_jobs_until_cut_off(
    config: &Config,
    worker: &Arc<Worker>,
    queues: &[String],
    places: &Arc<Semaphore>,
    stopping: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut jobs = Jobs::connect(&config.redis).await?;
    while !*stopping.borrow() {
        let place = places.clone().acquire_owned().await?;
        if let Some(job) = jobs.next(queues).await? {
            let (worker, jobs) = (worker.clone(), jobs.clone());
            tokio::spawn(async move {
                worker.perform(jobs, job).await;
                drop(place);
            });
        }
    }
    Ok(())
}

async fn put_back_retries(config: Arc<Config>, mut stopping: watch::Receiver<bool>) {
    let pause = config.retry_after.unwrap_or(Duration::from_secs(5)).max(Duration::from_millis(200));
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.changed() => return,
        }
        let put_back = async { Jobs::connect(&config.redis).await?.enqueue_due_retries().await };
        if let Err(error) = put_back.await {
            tracing::error!("retries can't be put back: {error:#}");
        }
    }
}

/// The readiness file: there while this process takes jobs (UP:config/initializers/sidekiq.rb).
struct Readiness(Option<PathBuf>);

impl Readiness {
    fn announce(config: &Config) -> anyhow::Result<Self> {
        let Some(name) = config.ready_file.as_ref().filter(|_| !config.faults.has(Fault::NotReady)) else {
            return Ok(Self(None));
        };
        let path = PathBuf::from(READY_DIRECTORY).join(name);
        std::fs::write(&path, "").with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self(Some(path)))
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!("{} can't be removed: {error}", path.display());
        }
    }
}
