//! Requests that failed by a fault of ours: what the operator finds by the reference that somebody was shown.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::incidents;

#[derive(Queryable, Selectable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = incidents, check_for_backend(diesel::pg::Pg))]
pub struct Incident {
    /// The request's.
    pub id: Uuid,
    pub happened_at: DateTime<Utc>,
    pub person_id: Option<Uuid>,
    pub method: String,
    pub path: String,
    pub cause: String,
}

impl Incident {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(incidents::table).values(self).on_conflict_do_nothing().execute(conn).await
    }

    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        incidents::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// Deletes what happened before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(incidents::table.filter(incidents::happened_at.lt(before))).execute(conn).await
    }
}
