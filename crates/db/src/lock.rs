//! Locks that last as long as their connection: whoever dies lets go of them.

use diesel::sql_types::{BigInt, Bool};
use diesel_async::RunQueryDsl;

use crate::{Conn, Database, QueryResult, Unavailable};

/// One connection that holds an advisory lock and is used for nothing else.
pub struct SessionLock {
    conn: Conn,
}

#[derive(diesel::QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("the lock cannot be asked for")]
    Query(#[from] crate::QueryError),
}

impl SessionLock {
    /// `None` where somebody else holds it.
    pub async fn try_take(database: &Database, key: i64) -> Result<Option<Self>, LockError> {
        let mut conn = database.own_conn().await?;
        let taken: Answer =
            diesel::sql_query("SELECT pg_try_advisory_lock($1) AS answer").bind::<BigInt, _>(key).get_result(&mut conn).await?;
        Ok(taken.answer.then_some(Self { conn }))
    }

    /// Fails where the connection, and with it the lock, is lost.
    pub async fn check(&mut self) -> QueryResult<()> {
        diesel::sql_query("SELECT 1").execute(&mut self.conn).await.map(|_| ())
    }
}
