//! Own domains and the proof that an account controls them: a TXT record with a token that is this account's only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::Conn;
use crate::schema::domains;

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug)]
#[diesel(table_name = domains, check_for_backend(diesel::pg::Pg))]
pub struct Domain {
    pub id: Uuid,
    pub account_id: Uuid,
    pub name: String,
    pub proof_token: String,
    pub proven_at: Option<DateTime<Utc>>,
    pub checked_at: Option<DateTime<Utc>>,
    /// What was last seen from outside, by record type.
    pub last_records: Value,
    pub created_at: DateTime<Utc>,
}

impl Domain {
    /// The account's domain of that name: the row that is there, or this one.
    pub async fn find_or_insert(&self, conn: &mut Conn) -> QueryResult<Self> {
        diesel::insert_into(domains::table)
            .values(self)
            .on_conflict((domains::account_id, domains::name))
            .do_nothing()
            .execute(conn)
            .await?;
        domains::table
            .filter(domains::account_id.eq(self.account_id))
            .filter(domains::name.eq(&self.name))
            .select(Self::as_select())
            .first(conn)
            .await
    }

    pub async fn of_account(conn: &mut Conn, account_id: Uuid, name: &str) -> QueryResult<Option<Self>> {
        domains::table
            .filter(domains::account_id.eq(account_id))
            .filter(domains::name.eq(name))
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// Of several names of an account at once: for lists.
    pub async fn of_account_named(conn: &mut Conn, account_id: Uuid, names: &[&str]) -> QueryResult<Vec<Self>> {
        domains::table
            .filter(domains::account_id.eq(account_id))
            .filter(domains::name.eq_any(names))
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// Of several accounts at once: for lists.
    pub async fn of_accounts(mut conn: &Conn, account_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        domains::table.filter(domains::account_id.eq_any(account_ids)).select(Self::as_select()).load(&mut conn).await
    }

    /// Domains of servers that are there and were not looked at for long enough: proven ones since `proven_before`, others
    /// since `unproven_before`.
    pub async fn due(conn: &mut Conn, unproven_before: DateTime<Utc>, proven_before: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Self>> {
        use crate::schema::instances;
        let is_used = diesel::dsl::exists(
            instances::table
                .filter(instances::account_id.eq(domains::account_id))
                .filter(instances::tombstoned_at.is_null())
                .filter(instances::domain.eq(domains::name).or(instances::web_domain.eq(domains::name))),
        );
        let is_due = domains::checked_at
            .is_null()
            .or(domains::proven_at.is_null().and(domains::checked_at.le(unproven_before).assume_not_null()))
            .or(domains::checked_at.le(proven_before).assume_not_null());
        domains::table
            .filter(is_used)
            .filter(is_due)
            .order((domains::checked_at.asc().nulls_first(), domains::id))
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// The proof ends with what it was for: another launch at this name needs a new one.
    pub async fn end_proof(conn: &mut Conn, account_id: Uuid, names: &[&str]) -> QueryResult<usize> {
        diesel::delete(domains::table.filter(domains::account_id.eq(account_id)).filter(domains::name.eq_any(names))).execute(conn).await
    }

    pub async fn checked(conn: &mut Conn, id: Uuid, records: &Value, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(domains::table.find(id)).set((domains::checked_at.eq(now), domains::last_records.eq(records))).execute(conn).await
    }

    /// True the first time. Another account's proof of the name, if there is one, ends: the newest proof counts.
    pub async fn prove(&self, conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(domains::table.filter(domains::name.eq(&self.name)).filter(domains::id.ne(self.id)))
            .set(domains::proven_at.eq(None::<DateTime<Utc>>))
            .execute(conn)
            .await?;
        diesel::update(domains::table.find(self.id).filter(domains::proven_at.is_null()))
            .set(domains::proven_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }
}
