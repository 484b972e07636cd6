//! What is asked of the payment provider, written down before it is asked, and the pages where customers pay.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::Conn;
use crate::schema::{billing_checkouts, billing_operations};

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq)]
#[diesel(table_name = billing_operations, check_for_backend(diesel::pg::Pg))]
pub struct BillingOperation {
    /// The idempotency key, and what the object that is made carries in its metadata.
    pub id: Uuid,
    pub account_id: Uuid,
    pub instance_id: Option<Uuid>,
    pub kind: String,
    pub wanted: Value,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub made: Option<String>,
    pub failed: Option<String>,
}

impl BillingOperation {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(billing_operations::table).values(self).execute(conn).await.map(drop)
    }

    /// Of a server, or of an account alone, that was asked for and is not known to have been answered: the newest.
    pub async fn open(conn: &mut Conn, account_id: Uuid, instance_id: Option<Uuid>, kind: &str) -> QueryResult<Option<Self>> {
        billing_operations::table
            .filter(billing_operations::account_id.eq(account_id))
            .filter(billing_operations::instance_id.is_not_distinct_from(instance_id))
            .filter(billing_operations::kind.eq(kind))
            .filter(billing_operations::ended_at.is_null())
            .order(billing_operations::created_at.desc())
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// What was asked for before, and is not wanted any more: asked for again, it would be answered as it was then.
    pub async fn give_up_others(
        conn: &mut Conn,
        instance_id: Option<Uuid>,
        account_id: Uuid,
        kinds: &[&str],
        but: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> QueryResult<()> {
        let others = billing_operations::table
            .filter(billing_operations::account_id.eq(account_id))
            .filter(billing_operations::instance_id.is_not_distinct_from(instance_id))
            .filter(billing_operations::kind.eq_any(kinds))
            .filter(billing_operations::ended_at.is_null())
            .filter(billing_operations::id.is_distinct_from(but.unwrap_or_default()));
        let columns = (billing_operations::ended_at.eq(now), billing_operations::failed.eq("Something else was wanted."));
        diesel::update(others).set(columns).execute(conn).await.map(drop)
    }

    /// The newest that a subscription was ended by, or was to go on by.
    pub async fn newest_about(conn: &mut Conn, subscription: &str) -> QueryResult<Option<Self>> {
        billing_operations::table
            .filter(billing_operations::made.eq(subscription))
            .filter(billing_operations::kind.eq_any(["cancel", "take_back"]))
            .order((billing_operations::created_at.desc(), billing_operations::id.desc()))
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    pub async fn made(conn: &mut Conn, id: Uuid, made: &str, now: DateTime<Utc>) -> QueryResult<()> {
        let columns = (billing_operations::ended_at.eq(now), billing_operations::made.eq(made));
        diesel::update(billing_operations::table.find(id)).set(columns).execute(conn).await.map(drop)
    }

    pub async fn failed(conn: &mut Conn, id: Uuid, why: &str, now: DateTime<Utc>) -> QueryResult<()> {
        let why: String = why.chars().take(1000).collect();
        let columns = (billing_operations::ended_at.eq(now), billing_operations::failed.eq(why));
        diesel::update(billing_operations::table.find(id)).set(columns).execute(conn).await.map(drop)
    }
}

/// A page at the provider where a customer pays.
#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = billing_checkouts, check_for_backend(diesel::pg::Pg))]
pub struct Checkout {
    pub id: String,
    pub instance_id: Uuid,
    pub operation_id: Uuid,
    pub url: String,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
}

impl Checkout {
    /// Nothing is changed where it is known already; fails on `billing_checkouts_open` where another one is open.
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(billing_checkouts::table)
            .values(self)
            .on_conflict(billing_checkouts::id)
            .do_nothing()
            .execute(conn)
            .await
            .map(drop)
    }

    pub async fn by_id(conn: &mut Conn, id: &str) -> QueryResult<Option<Self>> {
        billing_checkouts::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn open(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        billing_checkouts::table
            .filter(billing_checkouts::instance_id.eq(instance_id))
            .filter(billing_checkouts::ended_at.is_null())
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// Open ones whose time is over: the provider may have said so, or not yet.
    pub async fn overdue(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Self>> {
        billing_checkouts::table
            .filter(billing_checkouts::ended_at.is_null())
            .filter(billing_checkouts::expires_at.lt(now))
            .order(billing_checkouts::expires_at)
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// Servers that were never paid for: whose last page to do so ended before `ended_before`, or that were launched before `launched_before`
    /// and had none. Somebody else may have their names.
    pub async fn abandoned(
        conn: &mut Conn,
        ended_before: DateTime<Utc>,
        launched_before: DateTime<Utc>,
        limit: i64,
    ) -> QueryResult<Vec<Uuid>> {
        use crate::schema::instances;
        let of_it = || billing_checkouts::table.filter(billing_checkouts::instance_id.eq(instances::id));
        let is_tried = of_it().filter(billing_checkouts::ended_at.is_null().or(billing_checkouts::ended_at.gt(ended_before)));
        let was_tried = diesel::dsl::exists(of_it());
        instances::table
            .filter(instances::standing_kind.eq("incomplete"))
            .filter(instances::desired_kind.eq("suspended"))
            .filter(instances::desired_hold.eq("billing"))
            .filter(instances::launched_at.is_null())
            .filter(instances::tombstoned_at.is_null())
            .filter(diesel::dsl::not(diesel::dsl::exists(is_tried)))
            .filter(was_tried.or(instances::created_at.le(launched_before)))
            .order(instances::id)
            .limit(limit)
            .select(instances::id)
            .load(conn)
            .await
    }

    pub async fn end(conn: &mut Conn, id: &str, outcome: &str, now: DateTime<Utc>) -> QueryResult<()> {
        let open = billing_checkouts::table.find(id).filter(billing_checkouts::ended_at.is_null());
        let columns = (billing_checkouts::ended_at.eq(now), billing_checkouts::outcome.eq(outcome));
        diesel::update(open).set(columns).execute(conn).await.map(drop)
    }
}
