//! Host names and who holds them. One name has one holder, whatever it is used for, across all accounts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::name_claims;

pub struct NameClaim;

impl NameClaim {
    /// Fails on `name_claims_pkey` where another instance holds one of them; names given twice are claimed once. They are
    /// claimed in their order, so that two launches of the same names meet on the first.
    pub async fn claim(conn: &mut Conn, instance_id: Uuid, names: &[&str], now: DateTime<Utc>) -> QueryResult<usize> {
        let mut names = names.to_vec();
        names.sort_unstable();
        names.dedup();
        let rows: Vec<_> = names
            .into_iter()
            .map(|name| (name_claims::name.eq(name), name_claims::instance_id.eq(instance_id), name_claims::claimed_at.eq(now)))
            .collect();
        diesel::insert_into(name_claims::table).values(rows).execute(conn).await
    }

    /// Whether anybody holds one of these names.
    pub async fn is_any_held(conn: &mut Conn, names: &[&str]) -> QueryResult<bool> {
        diesel::select(diesel::dsl::exists(name_claims::table.filter(name_claims::name.eq_any(names)))).get_result(conn).await
    }

    /// Frees what an instance held. A platform's name that was ever served is not freed: the caller keeps those by not asking.
    pub async fn release(conn: &mut Conn, instance_id: Uuid) -> QueryResult<usize> {
        diesel::delete(name_claims::table.filter(name_claims::instance_id.eq(instance_id))).execute(conn).await
    }
}
