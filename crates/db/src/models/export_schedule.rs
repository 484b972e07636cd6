//! When the platform takes servers along by itself. A due time is a row compared with the clock, whatever the queue does.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::export_schedules;

#[derive(Queryable, Selectable, Insertable, Identifiable, AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = export_schedules, primary_key(instance_id), check_for_backend(diesel::pg::Pg))]
pub struct ExportSchedule {
    pub instance_id: Uuid,
    /// `day` or `week`.
    pub every: String,
    /// How many whole ones are kept.
    pub keep: i16,
    pub due_at: DateTime<Utc>,
    pub set_at: DateTime<Utc>,
}

impl ExportSchedule {
    /// In place of the one before.
    pub async fn set(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(export_schedules::table)
            .values(self)
            .on_conflict(export_schedules::instance_id)
            .do_update()
            .set(self)
            .execute(conn)
            .await
            .map(drop)
    }

    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        export_schedules::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    /// Nobody else changes it until the transaction ends.
    pub async fn lock(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        export_schedules::table.find(instance_id).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    /// Servers whose time has come.
    pub async fn due(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Uuid>> {
        export_schedules::table
            .filter(export_schedules::due_at.le(now))
            .order(export_schedules::due_at)
            .limit(limit)
            .select(export_schedules::instance_id)
            .load(conn)
            .await
    }

    pub async fn next(conn: &mut Conn, instance_id: Uuid, due_at: DateTime<Utc>) -> QueryResult<()> {
        diesel::update(export_schedules::table.find(instance_id)).set(export_schedules::due_at.eq(due_at)).execute(conn).await.map(drop)
    }

    pub async fn end(conn: &mut Conn, instance_id: Uuid) -> QueryResult<()> {
        diesel::delete(export_schedules::table.find(instance_id)).execute(conn).await.map(drop)
    }
}
