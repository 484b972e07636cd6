//! What is done by the hour or the day.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::schema::billing_runs;

#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = billing_runs, primary_key(kind), check_for_backend(diesel::pg::Pg))]
pub struct Run {
    /// `sweep`, `reconcile` or `usage`.
    pub kind: String,
    pub ran_at: DateTime<Utc>,
}

impl Run {
    /// Whether it is due, and then taken: of several who ask at once, one does it. It is due again `ran_before` later.
    pub async fn take(conn: &mut Conn, kind: &str, ran_before: DateTime<Utc>, now: DateTime<Utc>) -> QueryResult<bool> {
        let row = Self { kind: kind.to_owned(), ran_at: now };
        let first = diesel::insert_into(billing_runs::table).values(&row).on_conflict(billing_runs::kind).do_nothing();
        if first.execute(conn).await? == 1 {
            return Ok(true);
        }
        let due = billing_runs::table.find(kind).filter(billing_runs::ran_at.le(ran_before));
        Ok(diesel::update(due).set(billing_runs::ran_at.eq(now)).execute(conn).await? == 1)
    }

    /// It came to nothing: it is due again.
    pub async fn give_back(conn: &mut Conn, kind: &str) -> QueryResult<()> {
        diesel::delete(billing_runs::table.find(kind)).execute(conn).await.map(drop)
    }
}
