//! The ledger: double entry, only added to.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::ledger_entries;

#[derive(Queryable, Selectable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = ledger_entries, check_for_backend(diesel::pg::Pg))]
pub struct LedgerEntry {
    pub object: String,
    pub happened: String,
    pub account: String,
    pub currency: String,
    /// Debits are positive.
    pub amount: i64,
    pub customer_id: String,
    pub instance_id: Option<Uuid>,
    pub at: DateTime<Utc>,
}

impl LedgerEntry {
    /// What was posted before is not posted again.
    pub async fn post(conn: &mut Conn, entries: &[Self]) -> QueryResult<usize> {
        diesel::insert_into(ledger_entries::table)
            .values(entries)
            .on_conflict((ledger_entries::object, ledger_entries::happened, ledger_entries::account))
            .do_nothing()
            .execute(conn)
            .await
    }

    pub async fn of_object(conn: &mut Conn, object: &str) -> QueryResult<Vec<Self>> {
        ledger_entries::table.filter(ledger_entries::object.eq(object)).order(ledger_entries::id).select(Self::as_select()).load(conn).await
    }
}
