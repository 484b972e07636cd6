//! Where servers can be put: clusters, database servers and object stores, each with a capacity in servers.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::{clusters, database_servers, instances, object_stores};

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug)]
#[diesel(table_name = clusters, check_for_backend(diesel::pg::Pg))]
pub struct Cluster {
    pub id: Uuid,
    pub name: String,
    /// A pod profile of the operator's configuration.
    pub placement: String,
    pub capacity: i32,
    pub is_default: bool,
    pub seen_at: Option<DateTime<Utc>>,
    /// Its API server does not answer the worker.
    pub unreachable_since: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug)]
#[diesel(table_name = database_servers, check_for_backend(diesel::pg::Pg))]
pub struct DatabaseServer {
    pub id: Uuid,
    /// As in the operator's configuration.
    pub name: String,
    pub capacity: i32,
    pub is_default: bool,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug)]
#[diesel(table_name = object_stores, check_for_backend(diesel::pg::Pg))]
pub struct ObjectStore {
    pub id: Uuid,
    /// As in the operator's configuration.
    pub name: String,
    pub capacity: i32,
    pub is_default: bool,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

/// The same questions are asked of the three kinds of place.
macro_rules! place {
    ($kind:ident, $table:ident, $reference:ident) => {
        impl $kind {
            pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
                diesel::insert_into($table::table).values(self).execute(conn).await
            }

            pub async fn all(mut conn: &Conn) -> QueryResult<Vec<Self>> {
                $table::table.order($table::name).select(Self::as_select()).load(&mut conn).await
            }

            pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
                $table::table.find(id).select(Self::as_select()).first(conn).await.optional()
            }

            /// Where a server can be put by that name.
            pub async fn by_name(conn: &mut Conn, name: &str) -> QueryResult<Option<Self>> {
                $table::table
                    .filter($table::name.eq(name))
                    .filter($table::retired_at.is_null())
                    .select(Self::as_select())
                    .first(conn)
                    .await
                    .optional()
            }

            /// Where a server is put when nobody says where: the default one, locked, so that counting it stays true until the
            /// transaction ends.
            pub async fn default_locked(conn: &mut Conn) -> QueryResult<Option<Self>> {
                $table::table
                    .filter($table::is_default)
                    .filter($table::retired_at.is_null())
                    .for_update()
                    .select(Self::as_select())
                    .first(conn)
                    .await
                    .optional()
            }

            /// Each with its servers that are there and not yet tombstones.
            pub async fn with_servers(conn: &mut Conn) -> QueryResult<Vec<(Self, i64)>> {
                let counted: Vec<(Uuid, i64)> = instances::table
                    .filter(instances::tombstoned_at.is_null())
                    .group_by(instances::$reference)
                    .select((instances::$reference, diesel::dsl::count_star()))
                    .load(conn)
                    .await?;
                let servers = |id| counted.iter().find(|(it, _)| *it == id).map_or(0, |(_, servers)| *servers);
                Ok(Self::all(conn)
                    .await?
                    .into_iter()
                    .map(|it| {
                        let servers = servers(it.id);
                        (it, servers)
                    })
                    .collect())
            }

            /// The default one, with its servers; not locked: for somebody who only looks.
            pub async fn default_with_servers(conn: &mut Conn) -> QueryResult<Option<(Self, i64)>> {
                let found = $table::table
                    .filter($table::is_default)
                    .filter($table::retired_at.is_null())
                    .select(Self::as_select())
                    .first(conn)
                    .await
                    .optional()?;
                let Some(place): Option<Self> = found else { return Ok(None) };
                let servers = Self::servers(conn, place.id).await?;
                Ok(Some((place, servers)))
            }

            /// Servers that are there and not yet tombstones.
            pub async fn servers(conn: &mut Conn, id: Uuid) -> QueryResult<i64> {
                instances::table
                    .filter(instances::$reference.eq(id))
                    .filter(instances::tombstoned_at.is_null())
                    .count()
                    .get_result(conn)
                    .await
            }
        }
    };
}

place!(Cluster, clusters, cluster_id);
place!(DatabaseServer, database_servers, database_server_id);
place!(ObjectStore, object_stores, object_store_id);

impl Cluster {
    /// The worker was in touch with the API server, or tried in vain.
    pub async fn seen(conn: &mut Conn, id: Uuid, reachable: bool, now: DateTime<Utc>) -> QueryResult<usize> {
        if reachable {
            return diesel::update(clusters::table.find(id))
                .set((clusters::seen_at.eq(now), clusters::unreachable_since.eq(None::<DateTime<Utc>>)))
                .execute(conn)
                .await;
        }
        diesel::update(clusters::table.find(id).filter(clusters::unreachable_since.is_null()))
            .set(clusters::unreachable_since.eq(now))
            .execute(conn)
            .await
    }
}
