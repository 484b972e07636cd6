//! The latest look from outside at the records of each own domain, and since when it is waited for them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::instance::Instance;
use crate::Conn;
use crate::schema::{address_looks, instances};

#[derive(Queryable, Selectable, Identifiable, Insertable, AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = address_looks, primary_key(instance_id), treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct AddressLook {
    pub instance_id: Uuid,
    pub looked: Value,
    /// Since when each record is as it is.
    pub kept: Value,
    pub looked_at: DateTime<Utc>,
    /// Somebody wanted a look at once.
    pub asked_at: Option<DateTime<Utc>>,
    /// Something is missing since then; absent while all is well.
    pub waiting_since: Option<DateTime<Utc>>,
    pub well_since: Option<DateTime<Utc>>,
    pub first_well_at: Option<DateTime<Utc>>,
    /// Mails that told of this waiting.
    pub reminders: i16,
}

/// From when on a look is old.
#[derive(Clone, Copy, Debug)]
pub struct OldLooks {
    /// While it is waited for something.
    pub waiting: DateTime<Utc>,
    /// While all is well.
    pub well: DateTime<Utc>,
}

impl AddressLook {
    pub async fn put(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(address_looks::table)
            .values(self)
            .on_conflict(address_looks::instance_id)
            .do_update()
            .set(self)
            .execute(conn)
            .await
    }

    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        address_looks::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    /// A look is due at once. False where nobody has looked yet, and one is due anyway.
    pub async fn ask(conn: &mut Conn, instance_id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(address_looks::table.find(instance_id))
            .set(address_looks::asked_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    pub async fn forget(conn: &mut Conn, instance_id: Uuid) -> QueryResult<usize> {
        diesel::delete(address_looks::table.find(instance_id)).execute(conn).await
    }

    /// Servers at own domains whose look is old or was asked for, with the look before; the longest ago first.
    pub async fn due(conn: &mut Conn, old: OldLooks, limit: i64) -> QueryResult<Vec<(Instance, Option<Self>)>> {
        let is_asked = address_looks::asked_at.assume_not_null().gt(address_looks::looked_at);
        let is_old = address_looks::waiting_since
            .is_not_null()
            .and(address_looks::looked_at.le(old.waiting).assume_not_null())
            .or(address_looks::looked_at.le(old.well).assume_not_null());
        instances::table
            .left_join(address_looks::table)
            .filter(instances::tombstoned_at.is_null())
            .filter(instances::teardown_began_at.is_null())
            .filter(instances::handed_over_at.is_null())
            .filter(instances::on_platform_domain.eq(false))
            .filter(address_looks::looked_at.is_null().or(is_asked).or(is_old))
            .order((address_looks::looked_at.asc().nulls_first(), instances::id))
            .limit(limit)
            .select((Instance::as_select(), Option::<Self>::as_select()))
            .load(conn)
            .await
    }
}
