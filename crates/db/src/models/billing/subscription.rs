//! Subscriptions, as they were last read.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::Conn;
use crate::schema::{instances, subscriptions};

#[derive(Queryable, Selectable, Insertable, Identifiable, AsChangeset, Clone, Debug, PartialEq)]
#[diesel(table_name = subscriptions, treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct SubscriptionRow {
    pub id: String,
    pub customer_id: String,
    pub instance_id: Option<Uuid>,
    pub status: String,
    pub days_until_due: Option<i32>,
    pub currency: String,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub trial_end: Option<DateTime<Utc>>,
    pub cancel_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub items: Value,
    pub read_at: DateTime<Utc>,
}

impl SubscriptionRow {
    /// In place of what was read before.
    pub async fn put(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(subscriptions::table)
            .values(self)
            .on_conflict(subscriptions::id)
            .do_update()
            .set(self)
            .execute(conn)
            .await
            .map(drop)
    }

    pub async fn by_id(conn: &mut Conn, id: &str) -> QueryResult<Option<Self>> {
        subscriptions::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// A server's, the newest first.
    pub async fn of_instance(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Vec<Self>> {
        subscriptions::table
            .filter(subscriptions::instance_id.eq(instance_id))
            .order((subscriptions::created_at.desc(), subscriptions::id))
            .select(Self::as_select())
            .load(conn)
            .await
    }

    pub async fn of_customer(conn: &mut Conn, customer_id: &str) -> QueryResult<Vec<Self>> {
        subscriptions::table
            .filter(subscriptions::customer_id.eq(customer_id))
            .order((subscriptions::created_at.desc(), subscriptions::id))
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// All that have not ended, each with its server's plan and cluster.
    pub async fn of_fleet(mut conn: &Conn) -> QueryResult<Vec<(Self, String, Uuid)>> {
        subscriptions::table
            .inner_join(instances::table)
            .filter(subscriptions::ended_at.is_null())
            .select((Self::as_select(), instances::plan, instances::cluster_id))
            .load(&mut conn)
            .await
    }

    /// Those that go on asking for money for a server that leaves, or has left, and that nobody has ended: with whether it is gone.
    pub async fn of_leaving(conn: &mut Conn, limit: i64) -> QueryResult<Vec<(Self, bool)>> {
        let is_gone = instances::tombstoned_at.is_not_null();
        subscriptions::table
            .inner_join(instances::table)
            .filter(subscriptions::ended_at.is_null())
            .filter(subscriptions::status.ne("incomplete_expired"))
            .filter(is_gone.or(instances::desired_kind.eq("deleted").and(subscriptions::cancel_at.is_null())))
            .order(subscriptions::id)
            .limit(limit)
            .select((Self::as_select(), is_gone))
            .load(conn)
            .await
    }

    /// Those that end by somebody's wish, of servers that stay.
    pub async fn of_staying(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Self>> {
        subscriptions::table
            .inner_join(instances::table)
            .filter(subscriptions::ended_at.is_null())
            .filter(subscriptions::cancel_at.is_not_null())
            .filter(instances::tombstoned_at.is_null())
            .filter(instances::desired_kind.ne("deleted"))
            .order(subscriptions::id)
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// How many ended since then.
    pub async fn ended_since(mut conn: &Conn, since: DateTime<Utc>) -> QueryResult<i64> {
        subscriptions::table.filter(subscriptions::ended_at.gt(since)).count().get_result(&mut conn).await
    }
}
