//! A job runs if and only if its transaction committed, and a killed worker's job runs elsewhere.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use howdah_db::models::job::Job;
use howdah_db::queue::{JobOptions, enqueue, worker_options};
use howdah_db::{Conn, Database, QueryError, transaction};
use howdah_testkit::TestDatabase;
use howdah_testkit::wait::wait_for;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::Handle;

/// Where a worker of another process finds its database; only set by the test that starts it.
const WORKER_URL: &str = "HOWDAH_TEST_WORKER_URL";

/// Writes its mark; under `hang` it then goes on for ever where this process is the other one.
#[derive(Serialize, Deserialize)]
struct Mark {
    mark: String,
    hang: bool,
}

impl TaskHandler for Mark {
    const IDENTIFIER: &'static str = "mark";

    async fn run(self, ctx: WorkerContext) -> impl IntoTaskHandlerResult {
        let database = ctx.extensions().get::<Database>().cloned().ok_or("the worker has no database")?;
        let mut conn = database.conn().await.map_err(|error| error.to_string())?;
        let pid = i32::try_from(std::process::id()).map_err(|error| error.to_string())?;
        diesel::sql_query("INSERT INTO marks (mark, pid) VALUES ($1, $2)")
            .bind::<Text, _>(&self.mark)
            .bind::<Integer, _>(pid)
            .execute(&mut conn)
            .await
            .map_err(|error| error.to_string())?;
        if self.hang && std::env::var_os(WORKER_URL).is_some() {
            std::future::pending::<()>().await;
        }
        Ok::<(), String>(())
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(conn: &mut Conn, table: &str) -> i64 {
    diesel::sql_query(format!("SELECT count(*) AS count FROM {table}")).get_result::<Count>(conn).await.unwrap().count
}

async fn with_marks() -> TestDatabase {
    let database = TestDatabase::new().await;
    database.conn().await.batch_execute("CREATE TABLE marks (mark text, pid integer)").await.unwrap();
    database
}

/// Runs a worker until the future that is returned is dropped.
async fn work(url: &str) -> graphile_worker::Worker {
    let database = Database::open(url, 4, Handle::current()).unwrap();
    worker_options(url, 4).unwrap().concurrency(4).add_extension(database).define_job::<Mark>().init().await.unwrap()
}

async fn marks_become(database: &TestDatabase, wanted: i64, deadline: Duration) {
    wait_for(&format!("{wanted} marks"), deadline, async || {
        let mut conn = database.conn().await;
        (count(&mut conn, "marks").await == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_rolled_back_transaction_enqueues_nothing() {
    let database = with_marks().await;
    let conn = &mut database.conn().await;
    let undone: Result<(), QueryError> = transaction(conn, async |conn| {
        enqueue(conn, "mark", &json!({ "mark": "undone", "hang": false }), JobOptions::default()).await?;
        Err(QueryError::RollbackTransaction)
    })
    .await;
    assert!(undone.is_err());
    assert_eq!(count(conn, "graphile_worker._private_jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_job_runs_once_and_a_keyed_one_replaces_its_like() {
    let database = with_marks().await;
    let conn = &mut database.conn().await;
    let done: Result<(), QueryError> = transaction(conn, async |conn| {
        enqueue(conn, "mark", &Mark { mark: "plain".to_owned(), hang: false }, JobOptions::default()).await?;
        let options = JobOptions { job_key: Some("sync:1"), max_attempts: Some(3), ..JobOptions::default() };
        for number in 0..3 {
            enqueue(conn, "mark", &Mark { mark: format!("keyed {number}"), hang: false }, options).await?;
        }
        Ok(())
    })
    .await;
    done.unwrap();
    assert_eq!(count(conn, "graphile_worker._private_jobs").await, 2);
    let worker = work(database.url()).await;
    let running = tokio::spawn(async move { worker.run().await.map_err(|error| error.to_string()) });
    marks_become(&database, 2, Duration::from_secs(20)).await;
    assert_eq!(count(conn, "marks WHERE mark IN ('plain', 'keyed 2')").await, 2);
    running.abort();
}

/// Not a test by itself: the process that [`a_killed_workers_job_runs_elsewhere`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_that_is_killed() {
    if let Ok(url) = std::env::var(WORKER_URL) {
        work(&url).await.run().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_workers_job_runs_elsewhere() {
    let database = with_marks().await;
    let mut doomed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_worker_that_is_killed"])
        .env(WORKER_URL, database.url())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    {
        let conn = &mut database.conn().await;
        enqueue(conn, "mark", &Mark { mark: "survivor".to_owned(), hang: true }, JobOptions::default()).await.unwrap();
    }
    marks_become(&database, 1, Duration::from_secs(30)).await;
    doomed.kill().unwrap();
    doomed.wait().unwrap();

    let worker = work(database.url()).await;
    let running = tokio::spawn(async move { worker.run().await.map_err(|error| error.to_string()) });
    marks_become(&database, 2, Duration::from_secs(60)).await;
    let conn = &mut database.conn().await;
    assert_eq!(count(conn, &format!("marks WHERE pid = {}", std::process::id())).await, 1, "the second run is ours");
    wait_for("the job's end", Duration::from_secs(10), async || {
        let mut conn = database.conn().await;
        (count(&mut conn, "graphile_worker._private_jobs").await == 0).then_some(())
    })
    .await;
    running.abort();
}

#[tokio::test]
async fn queues_without_jobs_are_forgotten() {
    let database = with_marks().await;
    let conn = &mut database.conn().await;
    let job = Mark { mark: "later".to_owned(), hang: false };
    for queue in ["sync:1", "sync:2"] {
        enqueue(conn, "mark", &job, JobOptions { queue: Some(queue), job_key: Some(queue), ..JobOptions::default() }).await.unwrap();
    }
    diesel::sql_query("DELETE FROM graphile_worker._private_jobs WHERE key = 'sync:1'").execute(conn).await.unwrap();
    assert_eq!(collect(conn).await, 1);
    assert_eq!(count(conn, "graphile_worker._private_job_queues").await, 1);
}

/// It has a successor, and would stay as failed for good.
#[tokio::test]
async fn a_dead_workers_job_whose_key_is_taken_is_forgotten() {
    let database = with_marks().await;
    let conn = &mut database.conn().await;
    let options = JobOptions { queue: Some("sync:1"), job_key: Some("sync:1"), ..JobOptions::default() };
    let job = |mark: &str| Mark { mark: mark.to_owned(), hang: false };
    enqueue(conn, "mark", &job("first"), options).await.unwrap();
    let dies = "UPDATE graphile_worker._private_jobs SET locked_by = 'dead', locked_at = now(), attempts = 1";
    diesel::sql_query(dies).execute(conn).await.unwrap();
    enqueue(conn, "mark", &job("second"), options).await.unwrap();
    assert_eq!(collect(conn).await, 0, "it may run still");

    diesel::sql_query("SELECT FROM graphile_worker.recover_dead_worker_jobs(ARRAY['dead'])").execute(conn).await.unwrap();
    let listed: Vec<_> = Job::page(conn, None, 9).await.unwrap().into_iter().map(|it| (it.attempts, it.last_error)).collect();
    assert_eq!(listed, [(0, None)], "only the second is listed");
    assert_eq!(collect(conn).await, 1);
    assert_eq!(count(conn, "graphile_worker._private_jobs WHERE key = 'sync:1'").await, 1);
}

async fn collect(conn: &mut Conn) -> usize {
    transaction(conn, async |conn| Ok::<_, QueryError>(howdah_db::queue::collect(conn).await?)).await.unwrap()
}
