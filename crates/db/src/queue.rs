//! The job queue, in the same database: a job enqueued in a transaction runs if and only if that transaction commits.
//!
//! Queue time is PostgreSQL's time; a business timer is a row that a job compares with the clock, never a `run_at`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Json, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use graphile_worker::{Database, WorkerOptions, WorkerRecoveryConfig, WorkerShutdownConfig};
use serde::Serialize;

use crate::tls::{Endpoint, EndpointError};
use crate::{Conn, QueryError, QueryResult};

/// How a job is enqueued. By default at once, without a key, tried 25 times over some three days.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobOptions<'a> {
    /// A waiting job with this key is replaced; a running one is followed by this one.
    pub job_key: Option<&'a str>,
    pub run_at: Option<DateTime<Utc>>,
    pub max_attempts: Option<i16>,
    /// Jobs of one queue run one after the other.
    pub queue: Option<&'a str>,
}

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("the queue cannot be reached: {0}")]
    Database(String),
    #[error("the queue's migrations failed: {0}")]
    Migrate(String),
}

/// Enqueues a job in the caller's transaction.
pub async fn enqueue(conn: &mut Conn, job: &str, payload: &impl Serialize, options: JobOptions<'_>) -> QueryResult<()> {
    let payload = serde_json::to_value(payload).map_err(|error| QueryError::SerializationError(Box::new(error)))?;
    diesel::sql_query(
        "SELECT graphile_worker.add_job($1, payload := $2, queue_name := $3, run_at := $4, max_attempts := $5, job_key := $6)",
    )
    .bind::<Text, _>(job)
    .bind::<Json, _>(payload)
    .bind::<Nullable<Text>, _>(options.queue)
    .bind::<Nullable<Timestamptz>, _>(options.run_at)
    .bind::<Nullable<SmallInt>, _>(options.max_attempts)
    .bind::<Nullable<Text>, _>(options.job_key)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what nobody waits for: a job that was running when a later one took its key, and whose worker died, since it would stay
/// as failed for good; and queues that no job is in: each server has one, and most are empty most of the time. To be called in a
/// transaction: whoever enqueues waits for its end, so that no queue goes from under a new job (as `CleanupTask::GcJobQueues` does it).
pub async fn collect(conn: &mut Conn) -> QueryResult<usize> {
    let jobs = diesel::sql_query(
        "DELETE FROM graphile_worker._private_jobs job USING graphile_worker._private_job_retirements retired
         WHERE retired.id = job.id AND job.key IS NULL AND job.locked_at IS NULL",
    );
    let superseded = jobs.execute(conn).await?;
    diesel::sql_query("LOCK TABLE graphile_worker._private_job_queues IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    let queues = diesel::sql_query(
        "DELETE FROM graphile_worker._private_job_queues queue WHERE queue.locked_at IS NULL
         AND NOT EXISTS (SELECT FROM graphile_worker._private_jobs job WHERE job.job_queue_id = queue.id)",
    );
    Ok(superseded + queues.execute(conn).await?)
}

/// Options of a worker on this database, to define jobs on. A worker that dies is missed after 20 s, and its jobs run elsewhere
/// a second later; one that is told to stop gives its jobs 20 s, and gives back at once what is not done by then.
pub fn worker_options(url: &str, connections: usize) -> Result<WorkerOptions, QueueError> {
    let recovery = WorkerRecoveryConfig::default()
        .heartbeat_interval(Duration::from_secs(4))
        .sweep_interval(Duration::from_secs(5))
        .sweep_threshold(Duration::from_secs(20))
        .recovery_delay(Duration::from_secs(1));
    let shutdown =
        WorkerShutdownConfig::default().grace_period(Duration::from_secs(20)).interrupted_job_retry_delay(Duration::from_secs(0));
    Ok(WorkerOptions::default()
        .database(database(&Endpoint::parse(url)?, connections)?)
        .worker_recovery(recovery)
        .worker_shutdown(shutdown))
}

/// The queue's schema, made or brought up to date.
pub(crate) async fn migrate(endpoint: &Endpoint) -> Result<(), QueueError> {
    let utils = graphile_worker::WorkerUtils::new(database(endpoint, 1)?, graphile_worker::Schema::default());
    utils.migrate().await.map_err(|error| QueueError::Migrate(error.to_string()))
}

/// The crate brings its own TLS: the roots of the public web and those of `PGSSLROOTCERT`.
fn database(endpoint: &Endpoint, connections: usize) -> Result<Database, QueueError> {
    graphile_worker::tokio_postgres::TokioPostgresDatabase::from_config(endpoint.config.clone(), connections)
        .map(Into::into)
        .map_err(|error| QueueError::Database(error.to_string()))
}
