//! Accounts at the payment provider.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::billing_customers;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = billing_customers, check_for_backend(diesel::pg::Pg))]
pub struct BillingCustomer {
    /// The provider's.
    pub id: String,
    pub account_id: Uuid,
    /// Of its first subscription; from then on the provider takes no other.
    pub currency: Option<String>,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
    pub reads_begun: i64,
    pub read_folded: i64,
    pub replaced_at: Option<DateTime<Utc>>,
}

impl BillingCustomer {
    /// Nothing is changed where it is known already.
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(billing_customers::table)
            .values(self)
            .on_conflict(billing_customers::id)
            .do_nothing()
            .execute(conn)
            .await
            .map(drop)
    }

    /// The account's own, without those that it had before.
    pub async fn of_account(conn: &mut Conn, account_id: Uuid) -> QueryResult<Option<Self>> {
        billing_customers::table
            .filter(billing_customers::account_id.eq(account_id))
            .filter(billing_customers::replaced_at.is_null())
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    pub async fn by_id(conn: &mut Conn, id: &str) -> QueryResult<Option<Self>> {
        billing_customers::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// Folds of one customer run one after the other.
    pub async fn lock(conn: &mut Conn, id: &str) -> QueryResult<Option<Self>> {
        billing_customers::table.find(id).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    /// All that are not replaced, in the order of ids, after this one.
    pub async fn page(conn: &mut Conn, after: &str, limit: i64) -> QueryResult<Vec<String>> {
        billing_customers::table
            .filter(billing_customers::replaced_at.is_null())
            .filter(billing_customers::id.gt(after))
            .order(billing_customers::id)
            .limit(limit)
            .select(billing_customers::id)
            .load(conn)
            .await
    }

    /// The number of a read that begins now; `None` where there is no such customer.
    pub async fn begin_read(conn: &mut Conn, id: &str) -> QueryResult<Option<i64>> {
        diesel::update(billing_customers::table.find(id))
            .set(billing_customers::reads_begun.eq(billing_customers::reads_begun + 1))
            .returning(billing_customers::reads_begun)
            .get_result(conn)
            .await
            .optional()
    }

    /// The read of this number was folded in. Under the lock of the row.
    pub async fn folded(conn: &mut Conn, id: &str, read: i64, currency: Option<&str>, now: DateTime<Utc>) -> QueryResult<()> {
        let row = diesel::update(billing_customers::table.find(id));
        let columns = (billing_customers::read_at.eq(now), billing_customers::read_folded.eq(read));
        match currency {
            Some(currency) => row.set((columns, billing_customers::currency.eq(currency))).execute(conn).await.map(drop),
            None => row.set(columns).execute(conn).await.map(drop),
        }
    }

    /// In another currency the account begins anew.
    pub async fn replace(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> QueryResult<()> {
        diesel::update(billing_customers::table.find(id)).set(billing_customers::replaced_at.eq(now)).execute(conn).await.map(drop)
    }
}
