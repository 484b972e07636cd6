//! Sign-ins between the right password and the code: by the digest of a token that only the cookie holds.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::person::Person;
use crate::Conn;
use crate::schema::{people, sign_in_challenges};

#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = sign_in_challenges, check_for_backend(diesel::pg::Pg))]
pub struct SignInChallenge {
    /// SHA-256 of the cookie's value.
    pub token_digest: Vec<u8>,
    pub person_id: Uuid,
    /// SHA-256 of the password's hash as it was when it was right.
    pub password_digest: Vec<u8>,
    pub expires_at: DateTime<Utc>,
}

impl SignInChallenge {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(sign_in_challenges::table).values(self).execute(conn).await
    }

    /// And whose it is; `None` for one that is unknown or over, or of somebody who is gone.
    pub async fn live(conn: &mut Conn, digest: &[u8], now: DateTime<Utc>) -> QueryResult<Option<(Self, Person)>> {
        sign_in_challenges::table
            .find(digest)
            .inner_join(people::table)
            .filter(sign_in_challenges::expires_at.gt(now))
            .filter(people::erased_at.is_null())
            .select((Self::as_select(), Person::as_select()))
            .first(conn)
            .await
            .optional()
    }

    /// It leads to a session once. False where it did already.
    pub async fn end(conn: &mut Conn, digest: &[u8]) -> QueryResult<bool> {
        diesel::delete(sign_in_challenges::table.find(digest)).execute(conn).await.map(|rows| rows == 1)
    }

    /// Deletes those of a person.
    pub async fn erase(conn: &mut Conn, person_id: Uuid) -> QueryResult<usize> {
        diesel::delete(sign_in_challenges::table.filter(sign_in_challenges::person_id.eq(person_id))).execute(conn).await
    }

    /// Deletes those that were over before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(sign_in_challenges::table.filter(sign_in_challenges::expires_at.lt(before))).execute(conn).await
    }
}
