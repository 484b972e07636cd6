//! What the payment provider told us.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::schema::billing_events;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = billing_events, check_for_backend(diesel::pg::Pg))]
pub struct BillingEvent {
    /// The provider's: what is told twice is stored once.
    pub id: String,
    pub kind: String,
    /// `webhook`, or `sweep` where it never reached us.
    pub source: String,
    pub created_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub payload: String,
    pub handled_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
}

/// What a list shows of one.
#[derive(Queryable, Selectable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = billing_events, check_for_backend(diesel::pg::Pg))]
pub struct EventRow {
    pub id: String,
    pub kind: String,
    pub source: String,
    pub created_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub handled_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
}

/// At most `limit`, received before `before`, or the newest.
#[derive(Clone, Copy, Debug)]
pub struct EventPage {
    pub before: Option<DateTime<Utc>>,
    pub unhandled: bool,
    pub limit: i64,
}

impl BillingEvent {
    /// Several at once, in one statement: how many of them are new.
    pub async fn insert_all(conn: &mut Conn, events: &[Self]) -> QueryResult<usize> {
        diesel::insert_into(billing_events::table).values(events).on_conflict(billing_events::id).do_nothing().execute(conn).await
    }

    pub async fn by_id(conn: &mut Conn, id: &str) -> QueryResult<Option<Self>> {
        billing_events::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// In the order in which they came.
    pub async fn unhandled(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Self>> {
        billing_events::table
            .filter(billing_events::handled_at.is_null())
            .order((billing_events::received_at, billing_events::id))
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    pub async fn handled(conn: &mut Conn, ids: &[String], outcome: &str, now: DateTime<Utc>) -> QueryResult<()> {
        let outcome: String = outcome.chars().take(1000).collect();
        let columns = (billing_events::handled_at.eq(now), billing_events::outcome.eq(outcome));
        diesel::update(billing_events::table.filter(billing_events::id.eq_any(ids))).set(columns).execute(conn).await.map(drop)
    }

    /// Why it is not handled yet; it stays to be.
    pub async fn trouble(conn: &mut Conn, ids: &[String], why: &str) -> QueryResult<()> {
        let why: String = why.chars().take(1000).collect();
        let of = billing_events::table.filter(billing_events::id.eq_any(ids));
        diesel::update(of).set(billing_events::outcome.eq(why)).execute(conn).await.map(drop)
    }

    /// To be handled once more.
    pub async fn replay(conn: &mut Conn, id: &str) -> QueryResult<bool> {
        let none: Option<DateTime<Utc>> = None;
        let changed = diesel::update(billing_events::table.find(id)).set(billing_events::handled_at.eq(none)).execute(conn).await?;
        Ok(changed == 1)
    }

    /// The newest first.
    pub async fn page(conn: &mut Conn, page: EventPage) -> QueryResult<Vec<EventRow>> {
        let mut query = billing_events::table.into_boxed();
        if let Some(before) = page.before {
            query = query.filter(billing_events::received_at.lt(before));
        }
        if page.unhandled {
            query = query.filter(billing_events::handled_at.is_null());
        }
        query
            .order((billing_events::received_at.desc(), billing_events::id))
            .limit(page.limit)
            .select(EventRow::as_select())
            .load(conn)
            .await
    }
}
