//! How often something was tried, counted for all server processes together.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bytea, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::schema::attempts;

/// What was counted since the window began.
#[derive(QueryableByName, Queryable, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    #[diesel(sql_type = Integer)]
    pub count: i32,
    #[diesel(sql_type = Timestamptz)]
    pub began_at: DateTime<Utc>,
}

impl Attempts {
    /// Counts one more; a window that began before `window_after` is over, and another begins now.
    pub async fn count(conn: &mut Conn, what: &str, subject: &[u8], window_after: DateTime<Utc>, now: DateTime<Utc>) -> QueryResult<Self> {
        diesel::sql_query(
            "INSERT INTO attempts (what, subject, began_at, count) VALUES ($1, $2, $3, 1)
             ON CONFLICT (what, subject) DO UPDATE
             SET count = CASE WHEN attempts.began_at < $4 THEN 1 ELSE least(attempts.count, 1000000) + 1 END,
                 began_at = CASE WHEN attempts.began_at < $4 THEN $3 ELSE attempts.began_at END
             RETURNING count, began_at",
        )
        .bind::<Text, _>(what)
        .bind::<Bytea, _>(subject)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(window_after)
        .get_result(conn)
        .await
    }

    /// What was counted in a window that is not over; none is counted by that.
    pub async fn counted(conn: &mut Conn, what: &str, subject: &[u8], window_after: DateTime<Utc>) -> QueryResult<Option<Self>> {
        attempts::table
            .find((what, subject))
            .filter(attempts::began_at.ge(window_after))
            .select((attempts::count, attempts::began_at))
            .first(conn)
            .await
            .optional()
    }

    /// One less was tried.
    pub async fn give_back(conn: &mut Conn, what: &str, subject: &[u8]) -> QueryResult<usize> {
        let counted = attempts::table.find((what, subject));
        // The last of them leaves nothing.
        if diesel::delete(counted.filter(attempts::count.le(1))).execute(conn).await? == 1 {
            return Ok(1);
        }
        diesel::update(counted.filter(attempts::count.gt(1))).set(attempts::count.eq(attempts::count - 1)).execute(conn).await
    }

    /// What was counted says nothing any more: it was the right one who tried.
    pub async fn forgive(conn: &mut Conn, what: &str, subject: &[u8]) -> QueryResult<usize> {
        diesel::delete(attempts::table.find((what, subject))).execute(conn).await
    }

    /// Deletes windows that began before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(attempts::table.filter(attempts::began_at.lt(before))).execute(conn).await
    }
}
