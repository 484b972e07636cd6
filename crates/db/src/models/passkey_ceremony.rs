//! Challenges that authenticators were given: by the digest of a token that only the cookie holds, and each for one answer.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::Conn;
use crate::schema::passkey_ceremonies;

#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = passkey_ceremonies, check_for_backend(diesel::pg::Pg))]
pub struct PasskeyCeremony {
    /// SHA-256 of the cookie's value.
    pub token_digest: Vec<u8>,
    /// `add`, `prove` or `sign_in`.
    pub purpose: String,
    /// Whose answer is waited for; `None` where it says who it is.
    pub person_id: Option<Uuid>,
    pub state: Value,
    pub expires_at: DateTime<Utc>,
}

impl PasskeyCeremony {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(passkey_ceremonies::table).values(self).execute(conn).await
    }

    /// Takes it away: whatever the answer is worth, no other one is taken. `None` for one that is unknown, over or of another purpose.
    pub async fn take(conn: &mut Conn, digest: &[u8], purpose: &str, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        let taken = diesel::delete(passkey_ceremonies::table.find(digest)).returning(Self::as_select());
        let taken: Option<Self> = taken.get_result(conn).await.optional()?;
        Ok(taken.filter(|it| it.purpose == purpose && it.expires_at > now))
    }

    /// Deletes those of a person.
    pub async fn erase(conn: &mut Conn, person_id: Uuid) -> QueryResult<usize> {
        diesel::delete(passkey_ceremonies::table.filter(passkey_ceremonies::person_id.eq(person_id))).execute(conn).await
    }

    /// Deletes those that were over before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(passkey_ceremonies::table.filter(passkey_ceremonies::expires_at.lt(before))).execute(conn).await
    }
}
