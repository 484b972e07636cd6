//! What servers used, hour by hour: never changed, and what is charged is made from it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::usage_hours;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = usage_hours, primary_key(instance_id, hour), check_for_backend(diesel::pg::Pg))]
pub struct UsageHour {
    pub instance_id: Uuid,
    /// Its first moment.
    pub hour: DateTime<Utc>,
    pub own_media_bytes: i64,
    pub cached_media_bytes: i64,
    pub database_bytes: i64,
    pub users: i32,
    pub plan: String,
}

impl UsageHour {
    /// The first word about an hour stays.
    pub async fn insert_all(conn: &mut Conn, hours: &[Self]) -> QueryResult<usize> {
        diesel::insert_into(usage_hours::table)
            .values(hours)
            .on_conflict((usage_hours::instance_id, usage_hours::hour))
            .do_nothing()
            .execute(conn)
            .await
    }

    /// From the one moment on, and before the other, in their order.
    pub async fn within(conn: &mut Conn, instance_id: Uuid, from: DateTime<Utc>, to: DateTime<Utc>) -> QueryResult<Vec<Self>> {
        usage_hours::table
            .filter(usage_hours::instance_id.eq(instance_id))
            .filter(usage_hours::hour.ge(from).and(usage_hours::hour.lt(to)))
            .order(usage_hours::hour)
            .select(Self::as_select())
            .load(conn)
            .await
    }
}
