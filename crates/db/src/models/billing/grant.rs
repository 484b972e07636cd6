//! Servers that operators let run free of charge.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::grants;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = grants, check_for_backend(diesel::pg::Pg))]
pub struct Grant {
    pub id: Uuid,
    pub instance_id: Uuid,
    pub granted_by: Uuid,
    pub reason: String,
    pub until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Grant {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(grants::table).values(self).execute(conn).await.map(drop)
    }

    /// The newest that nobody took back; its end may be over.
    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        grants::table
            .filter(grants::instance_id.eq(instance_id))
            .filter(grants::ended_at.is_null())
            .order(grants::created_at.desc())
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    pub async fn end_all(conn: &mut Conn, instance_id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
        let live = grants::table.filter(grants::instance_id.eq(instance_id)).filter(grants::ended_at.is_null());
        diesel::update(live).set(grants::ended_at.eq(now)).execute(conn).await.map(drop)
    }
}
