//! The queue's jobs as an operator looks at them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Int2, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;

#[derive(QueryableByName, Clone, Debug, PartialEq, Eq)]
pub struct Job {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The server that it is about.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub instance_id: Option<Uuid>,
    #[diesel(sql_type = Int2)]
    pub attempts: i16,
    #[diesel(sql_type = Int2)]
    pub max_attempts: i16,
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    pub is_running: bool,
}

/// What waits, runs or failed; without what a later one has taken the place of.
pub(super) const LIVE: &str = "SELECT jobs.id::int8 AS id, tasks.identifier AS name, (jobs.payload ->> 'instance_id')::uuid AS instance_id,
           jobs.attempts, jobs.max_attempts, left(jobs.last_error, 2000) AS last_error, jobs.run_at,
           jobs.locked_at IS NOT NULL AS is_running, instances.domain
    FROM graphile_worker._private_jobs AS jobs JOIN graphile_worker._private_tasks AS tasks ON tasks.id = jobs.task_id
    LEFT JOIN instances ON instances.id = (jobs.payload ->> 'instance_id')::uuid
    WHERE (jobs.locked_at IS NOT NULL
        OR NOT EXISTS (SELECT FROM graphile_worker._private_job_retirements AS retired WHERE retired.id = jobs.id))";

impl Job {
    /// The newest first, before the one with the number `before`.
    pub async fn page(conn: &mut Conn, before: Option<i64>, limit: i64) -> QueryResult<Vec<Self>> {
        let query = format!("{LIVE} AND jobs.id < $1 ORDER BY jobs.id DESC LIMIT $2");
        diesel::sql_query(query).bind::<BigInt, _>(before.unwrap_or(i64::MAX)).bind::<BigInt, _>(limit).load(conn).await
    }

    /// It runs at once, as if it had never failed. False where there is none, or it runs already.
    pub async fn retry(conn: &mut Conn, id: i64) -> QueryResult<bool> {
        let rows = diesel::sql_query("SELECT FROM graphile_worker.reschedule_jobs(ARRAY[$1], run_at := now(), attempts := 0)")
            .bind::<BigInt, _>(id)
            .execute(conn)
            .await?;
        Ok(rows > 0)
    }
}
