//! What a server's standing is of.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::instance_billing;

#[derive(Queryable, Selectable, Insertable, Identifiable, AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = instance_billing, primary_key(instance_id), treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct InstanceBilling {
    pub instance_id: Uuid,
    pub subscription_id: Option<String>,
    /// Of invoices that are sent; absent where they are paid by themselves.
    pub days_until_due: Option<i32>,
    pub cancels_at: Option<DateTime<Utc>>,
    /// Billing has it stand still since then.
    pub suspended_at: Option<DateTime<Utc>>,
    pub folded_at: DateTime<Utc>,
}

impl InstanceBilling {
    /// In place of the one before.
    pub async fn put(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(instance_billing::table)
            .values(self)
            .on_conflict(instance_billing::instance_id)
            .do_update()
            .set(self)
            .execute(conn)
            .await
            .map(drop)
    }

    pub async fn of(mut conn: &Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        instance_billing::table.find(instance_id).select(Self::as_select()).first(&mut conn).await.optional()
    }
}
