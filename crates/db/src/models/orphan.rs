//! Where record and clusters do not match: custom resources without a server, and servers without a custom resource.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::orphans;

#[derive(Queryable, Selectable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = orphans, check_for_backend(diesel::pg::Pg))]
pub struct Orphan {
    pub cluster_id: Uuid,
    /// `resource_without_row` or `row_without_resource`.
    pub kind: String,
    /// Of the custom resource.
    pub name: String,
    pub found_at: DateTime<Utc>,
}

impl Orphan {
    pub async fn all(conn: &mut Conn) -> QueryResult<Vec<Self>> {
        orphans::table.order((orphans::cluster_id, orphans::kind, orphans::name)).select(Self::as_select()).load(conn).await
    }

    /// What was found in a cluster now is all there is in it; what was known keeps its time.
    pub async fn replace(conn: &mut Conn, cluster_id: Uuid, found: &[Self]) -> QueryResult<()> {
        let known: Vec<Self> = orphans::table.filter(orphans::cluster_id.eq(cluster_id)).select(Self::as_select()).load(conn).await?;
        for gone in known.iter().filter(|it| !found.iter().any(|other| other.is(it))) {
            diesel::delete(orphans::table.find((gone.cluster_id, &gone.kind, &gone.name))).execute(conn).await?;
        }
        diesel::insert_into(orphans::table).values(found).on_conflict_do_nothing().execute(conn).await?;
        Ok(())
    }

    fn is(&self, other: &Self) -> bool {
        (self.cluster_id, &self.kind, &self.name) == (other.cluster_id, &other.kind, &other.name)
    }
}
