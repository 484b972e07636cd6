//! What customers were told of how a server winds down.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::billing_notices;

#[derive(Queryable, Selectable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = billing_notices, check_for_backend(diesel::pg::Pg))]
pub struct Notice {
    pub instance_id: Uuid,
    /// When the winding down began that it is of.
    pub since: DateTime<Utc>,
    pub notice: String,
    pub told_at: DateTime<Utc>,
}

impl Notice {
    /// False where it was told before.
    pub async fn tell(&self, conn: &mut Conn) -> QueryResult<bool> {
        let told = diesel::insert_into(billing_notices::table)
            .values(self)
            .on_conflict((billing_notices::instance_id, billing_notices::since, billing_notices::notice))
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(told == 1)
    }

    pub async fn told(conn: &mut Conn, instance_id: Uuid, since: DateTime<Utc>) -> QueryResult<Vec<Self>> {
        billing_notices::table
            .filter(billing_notices::instance_id.eq(instance_id))
            .filter(billing_notices::since.eq(since))
            .select(Self::as_select())
            .load(conn)
            .await
    }
}
