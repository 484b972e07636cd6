//! Invoices, as they were last read: listed from here when the provider is away, too.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::Conn;
use crate::schema::{invoices, subscriptions};

#[derive(Queryable, Selectable, Insertable, Identifiable, AsChangeset, Clone, Debug, PartialEq)]
#[diesel(table_name = invoices, treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct InvoiceRow {
    pub id: String,
    pub customer_id: String,
    pub subscription_id: Option<String>,
    pub number: Option<String>,
    pub status: String,
    pub days_until_due: Option<i32>,
    pub currency: String,
    pub total: i64,
    pub tax: i64,
    pub remaining: i64,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub lines: Value,
    pub page: Option<String>,
    pub pdf: Option<String>,
    pub read_at: DateTime<Utc>,
}

/// What was paid in a currency.
#[derive(Queryable, Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    pub currency: String,
    pub status: String,
    pub count: i64,
}

impl InvoiceRow {
    /// In place of what was read before.
    pub async fn put(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(invoices::table).values(self).on_conflict(invoices::id).do_update().set(self).execute(conn).await.map(drop)
    }

    pub async fn by_id(conn: &mut Conn, id: &str) -> QueryResult<Option<Self>> {
        invoices::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// A server's, the newest first.
    pub async fn of_instance(conn: &mut Conn, instance_id: uuid::Uuid, limit: i64) -> QueryResult<Vec<Self>> {
        let of = subscriptions::table.filter(subscriptions::instance_id.eq(instance_id)).select(subscriptions::id.nullable());
        invoices::table
            .filter(invoices::subscription_id.eq_any(of))
            .order((invoices::created_at.desc(), invoices::id))
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// How many there are in each state.
    pub async fn tally(mut conn: &Conn, since: DateTime<Utc>) -> QueryResult<Vec<Paid>> {
        invoices::table
            .filter(invoices::created_at.ge(since))
            .group_by((invoices::currency, invoices::status))
            .select((invoices::currency, invoices::status, diesel::dsl::count_star()))
            .load(&mut conn)
            .await
    }
}
