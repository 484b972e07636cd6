//! What the observer saw of each server: a read model, and nothing else. No decision is written here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::Conn;
use crate::schema::instance_observations;

#[derive(Queryable, Selectable, Identifiable, Insertable, AsChangeset, Clone, Debug)]
#[diesel(table_name = instance_observations, primary_key(instance_id), treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct Observation {
    pub instance_id: Uuid,
    /// A custom resource for it exists.
    pub present: bool,
    pub observed_revision: Option<i64>,
    pub resource_version: Option<String>,
    /// The custom resource's status as it stood; an empty object where there is none.
    pub status: Value,
    pub observed_at: DateTime<Utc>,
}

/// What lists show of it, derived by the database.
#[derive(Queryable, Selectable, Clone, Debug)]
#[diesel(table_name = instance_observations, check_for_backend(diesel::pg::Pg))]
pub struct Glance {
    pub instance_id: Uuid,
    pub present: bool,
    /// `status.version` and `status.usage`.
    pub version: Option<String>,
    pub usage: Option<Value>,
    /// Names of the conditions that are met.
    pub met: Value,
}

impl Glance {
    pub async fn of_all(mut conn: &Conn, instance_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        instance_observations::table
            .filter(instance_observations::instance_id.eq_any(instance_ids))
            .select(Self::as_select())
            .load(&mut conn)
            .await
    }
}

impl Observation {
    /// What was seen last counts.
    pub async fn put(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(instance_observations::table)
            .values(self)
            .on_conflict(instance_observations::instance_id)
            .do_update()
            .set(self)
            .execute(conn)
            .await
    }

    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        instance_observations::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    /// Ids of the servers of a cluster that were last seen there.
    pub async fn present_in(conn: &mut Conn, cluster_id: Uuid) -> QueryResult<Vec<Uuid>> {
        use crate::schema::instances;
        instance_observations::table
            .inner_join(instances::table)
            .filter(instance_observations::present)
            .filter(instances::cluster_id.eq(cluster_id))
            .select(instance_observations::instance_id)
            .load(conn)
            .await
    }

    pub async fn forget(conn: &mut Conn, instance_id: Uuid) -> QueryResult<usize> {
        diesel::delete(instance_observations::table.find(instance_id)).execute(conn).await
    }
}
