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

impl Job {
    /// It runs at once, as if it had never failed. False where there is none, or it runs already.
    pub async fn retry(conn: &mut Conn, id: i64) -> QueryResult<bool> {
        let rows = diesel::sql_query("SELECT FROM graphile_worker.reschedule_jobs(ARRAY[$1], run_at := now(), attempts := 0)")
            .bind::<BigInt, _>(id)
            .execute(conn)
            .await?;
        Ok(rows > 0)
    }
}
