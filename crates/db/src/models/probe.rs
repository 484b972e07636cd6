//! The latest look from outside at each server's address.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::probes;

#[derive(Queryable, Selectable, Identifiable, Insertable, AsChangeset, Clone, Debug)]
#[diesel(table_name = probes, primary_key(instance_id), treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct Probe {
    pub instance_id: Uuid,
    /// DNS and `/.well-known/nodeinfo` lead to this server.
    pub leads_here: bool,
    pub reason: String,
    pub detail: Option<String>,
    pub probed_at: DateTime<Utc>,
}

impl Probe {
    pub async fn put(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(probes::table).values(self).on_conflict(probes::instance_id).do_update().set(self).execute(conn).await
    }

    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        probes::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn of_all(mut conn: &Conn, instance_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        probes::table.filter(probes::instance_id.eq_any(instance_ids)).select(Self::as_select()).load(&mut conn).await
    }

    pub async fn forget(conn: &mut Conn, instance_id: Uuid) -> QueryResult<usize> {
        diesel::delete(probes::table.find(instance_id)).execute(conn).await
    }
}
