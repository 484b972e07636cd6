//! Sessions of the dashboard: kept here so that one can be ended, by the digest of a token that only the cookie holds.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::person::Person;
use crate::Conn;
use crate::schema::{people, sessions};

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub struct Session {
    pub id: Uuid,
    pub person_id: Uuid,
    /// SHA-256 of the cookie's value.
    pub token_digest: Vec<u8>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Session {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(sessions::table).values(self).execute(conn).await
    }

    pub async fn live_by_digest(conn: &mut Conn, digest: &[u8], now: DateTime<Utc>) -> QueryResult<Option<(Self, Person)>> {
        sessions::table
            .inner_join(people::table)
            .filter(sessions::token_digest.eq(digest))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(now))
            .filter(people::erased_at.is_null())
            .select((Self::as_select(), Person::as_select()))
            .first(conn)
            .await
            .optional()
    }

    pub async fn seen(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(sessions::table.find(id)).set(sessions::last_seen_at.eq(now)).execute(conn).await
    }

    pub async fn revoke(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(sessions::table.find(id).filter(sessions::revoked_at.is_null()))
            .set(sessions::revoked_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// Deletes sessions that had ended before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(sessions::table.filter(sessions::expires_at.lt(before).or(sessions::revoked_at.lt(before).assume_not_null())))
            .execute(conn)
            .await
    }
}
