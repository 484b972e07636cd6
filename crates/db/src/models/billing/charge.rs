//! What a period's usage comes to, and the most that a customer wants it to.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::{spending_caps, usage_charges};

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = usage_charges, check_for_backend(diesel::pg::Pg))]
pub struct Charge {
    /// The idempotency key of its invoice item.
    pub id: Uuid,
    pub instance_id: Uuid,
    pub subscription_id: String,
    pub class: String,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub gib_hours: i64,
    pub currency: String,
    /// Minor units, after the cap.
    pub amount: i64,
    /// What the cap took off.
    pub capped: i64,
    pub created_at: DateTime<Utc>,
    pub invoice_id: Option<String>,
    pub invoice_item_id: Option<String>,
}

impl Charge {
    /// The first word about a period and class stays.
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(usage_charges::table)
            .values(self)
            .on_conflict((usage_charges::subscription_id, usage_charges::class, usage_charges::period_start))
            .do_nothing()
            .execute(conn)
            .await
            .map(drop)
    }

    pub async fn of_period(conn: &mut Conn, subscription_id: &str, period_start: DateTime<Utc>) -> QueryResult<Vec<Self>> {
        usage_charges::table
            .filter(usage_charges::subscription_id.eq(subscription_id))
            .filter(usage_charges::period_start.eq(period_start))
            .order(usage_charges::class)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    pub async fn on_invoice(conn: &mut Conn, id: Uuid, invoice_id: &str, item_id: &str) -> QueryResult<()> {
        let columns = (usage_charges::invoice_id.eq(invoice_id), usage_charges::invoice_item_id.eq(item_id));
        diesel::update(usage_charges::table.find(id)).set(columns).execute(conn).await.map(drop)
    }
}

#[derive(Queryable, Selectable, Insertable, Identifiable, AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = spending_caps, primary_key(instance_id), check_for_backend(diesel::pg::Pg))]
pub struct SpendingCap {
    pub instance_id: Uuid,
    pub currency: String,
    pub amount: i64,
    pub set_at: DateTime<Utc>,
}

impl SpendingCap {
    /// In place of the one before.
    pub async fn set(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(spending_caps::table)
            .values(self)
            .on_conflict(spending_caps::instance_id)
            .do_update()
            .set(self)
            .execute(conn)
            .await
            .map(drop)
    }

    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        spending_caps::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn lift(conn: &mut Conn, instance_id: Uuid) -> QueryResult<()> {
        diesel::delete(spending_caps::table.find(instance_id)).execute(conn).await.map(drop)
    }
}
