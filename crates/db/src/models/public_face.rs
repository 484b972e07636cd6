//! What each server says of itself to anybody: whether its first settings were made.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::instance::Instance;
use crate::Conn;
use crate::schema::{instances, probes, public_faces};

#[derive(Queryable, Selectable, Identifiable, Insertable, AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = public_faces, primary_key(instance_id), treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct PublicFace {
    pub instance_id: Uuid,
    pub rules: i32,
    pub has_own_privacy: bool,
    /// `open`, `by_approval` or `closed`.
    pub registrations: String,
    /// When each was first seen done.
    pub rules_at: Option<DateTime<Utc>>,
    pub privacy_at: Option<DateTime<Utc>>,
    pub registrations_at: Option<DateTime<Utc>>,
    pub looked_at: DateTime<Utc>,
}

impl PublicFace {
    pub async fn put(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(public_faces::table)
            .values(self)
            .on_conflict(public_faces::instance_id)
            .do_update()
            .set(self)
            .execute(conn)
            .await
    }

    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        public_faces::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn forget(conn: &mut Conn, instance_id: Uuid) -> QueryResult<usize> {
        diesel::delete(public_faces::table.find(instance_id)).execute(conn).await
    }

    /// Servers that answer at their address and were not looked at since `undone`, or, where everything is done, since `done`.
    pub async fn due(
        conn: &mut Conn,
        undone: DateTime<Utc>,
        done: DateTime<Utc>,
        limit: i64,
    ) -> QueryResult<Vec<(Instance, Option<Self>)>> {
        let is_undone =
            public_faces::rules_at.is_null().or(public_faces::privacy_at.is_null()).or(public_faces::registrations_at.is_null());
        let is_old =
            is_undone.and(public_faces::looked_at.le(undone).assume_not_null()).or(public_faces::looked_at.le(done).assume_not_null());
        instances::table
            .inner_join(probes::table)
            .left_join(public_faces::table)
            .filter(instances::tombstoned_at.is_null())
            .filter(instances::desired_kind.eq("running"))
            .filter(probes::leads_here)
            .filter(public_faces::looked_at.is_null().or(is_old))
            .order((public_faces::looked_at.asc().nulls_first(), instances::id))
            .limit(limit)
            .select((Instance::as_select(), Option::<Self>::as_select()))
            .load(conn)
            .await
    }
}
