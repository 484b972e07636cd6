//! How much of everything there is, and how old its oldest is: what is measured of the record. Counts, never contents.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::Conn;

/// Jobs of one kind. Their times are the queue's: PostgreSQL's.
#[derive(QueryableByName, Clone, Debug, PartialEq, Eq)]
pub struct JobTally {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    #[diesel(sql_type = BigInt)]
    pub running: i64,
    /// The last try came to nothing.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Of the one that is due and waits longest.
    #[diesel(sql_type = BigInt)]
    pub overdue_seconds: i64,
}

/// Live operations of one kind and state.
#[derive(QueryableByName, Clone, Debug, PartialEq, Eq)]
pub struct OperationTally {
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// A step of it fails and is tried again.
    #[diesel(sql_type = BigInt)]
    pub held_up: i64,
    #[diesel(sql_type = Timestamptz)]
    pub oldest: DateTime<Utc>,
}

/// The last looks from outside, by what they found.
#[derive(QueryableByName, Clone, Debug, PartialEq, Eq)]
pub struct ProbeTally {
    #[diesel(sql_type = Bool)]
    pub leads_here: bool,
    #[diesel(sql_type = Text)]
    pub reason: String,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = Timestamptz)]
    pub oldest: DateTime<Utc>,
}

/// When the observer was last in touch with one cluster.
#[derive(QueryableByName, Clone, Debug, PartialEq, Eq)]
pub struct ClusterTally {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub observed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub unreachable_since: Option<DateTime<Utc>>,
}

/// Mails that no relay has taken yet.
#[derive(QueryableByName, Clone, Debug, PartialEq, Eq)]
pub struct OutboxTally {
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
}

pub async fn jobs(conn: &mut Conn) -> QueryResult<Vec<JobTally>> {
    diesel::sql_query(
        "SELECT tasks.identifier AS name,
                count(*) FILTER (WHERE jobs.locked_at IS NULL AND jobs.last_error IS NULL) AS waiting,
                count(*) FILTER (WHERE jobs.locked_at IS NOT NULL) AS running,
                count(*) FILTER (WHERE jobs.locked_at IS NULL AND jobs.last_error IS NOT NULL) AS failed,
                coalesce(max(extract(epoch FROM now() - jobs.run_at)) FILTER
                         (WHERE jobs.locked_at IS NULL AND jobs.run_at <= now() AND jobs.attempts < jobs.max_attempts), 0)::int8
                    AS overdue_seconds
         FROM graphile_worker._private_jobs AS jobs JOIN graphile_worker._private_tasks AS tasks ON tasks.id = jobs.task_id
         GROUP BY tasks.identifier ORDER BY tasks.identifier",
    )
    .load(conn)
    .await
}

pub async fn operations(conn: &mut Conn) -> QueryResult<Vec<OperationTally>> {
    diesel::sql_query(
        "SELECT kind, state, count(*) AS count,
                count(*) FILTER (WHERE EXISTS (SELECT FROM operation_steps AS step
                                               WHERE step.operation_id = operations.id AND step.state = 'failed')) AS held_up,
                min(created_at) AS oldest
         FROM operations WHERE state IN ('queued', 'running') GROUP BY kind, state ORDER BY kind, state",
    )
    .load(conn)
    .await
}

pub async fn probes(conn: &mut Conn) -> QueryResult<Vec<ProbeTally>> {
    diesel::sql_query(
        "SELECT leads_here, reason, count(*) AS count, min(probed_at) AS oldest
         FROM probes GROUP BY leads_here, reason ORDER BY leads_here, reason",
    )
    .load(conn)
    .await
}

pub async fn clusters(conn: &mut Conn) -> QueryResult<Vec<ClusterTally>> {
    diesel::sql_query(
        "SELECT clusters.name, clusters.unreachable_since, greatest(clusters.seen_at, max(seen.observed_at)) AS observed_at
         FROM clusters LEFT JOIN instances ON instances.cluster_id = clusters.id AND instances.tombstoned_at IS NULL
              LEFT JOIN instance_observations AS seen ON seen.instance_id = instances.id
         WHERE clusters.retired_at IS NULL OR instances.id IS NOT NULL
         GROUP BY clusters.id ORDER BY clusters.name",
    )
    .load(conn)
    .await
}

pub async fn outbox(conn: &mut Conn) -> QueryResult<OutboxTally> {
    diesel::sql_query("SELECT count(*) AS count, min(created_at) AS oldest FROM mail_outbox WHERE sent_at IS NULL AND dropped_at IS NULL")
        .get_result(conn)
        .await
}
