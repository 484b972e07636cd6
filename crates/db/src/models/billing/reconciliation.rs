//! Comparisons of what the provider, the record and the servers say.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::Conn;
use crate::schema::reconciliations;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq)]
#[diesel(table_name = reconciliations, check_for_backend(diesel::pg::Pg))]
pub struct Reconciliation {
    pub id: Uuid,
    pub began_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub compared: i64,
    pub differences: Value,
}

impl Reconciliation {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(reconciliations::table).values(self).execute(conn).await.map(drop)
    }

    pub async fn newest(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Self>> {
        reconciliations::table.order(reconciliations::began_at.desc()).limit(limit).select(Self::as_select()).load(conn).await
    }
}
