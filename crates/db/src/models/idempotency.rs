//! Answers already given: the same key with the same request gets the same answer, and one effect.
//!
//! A key is claimed first in the transaction of the effect, and answered last in it. So a second request with the key waits, on
//! the primary key, for the first one's end: where that committed, the answer is read; where it rolled back, nothing happened,
//! and the second one is the first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::schema::idempotency_keys;
use crate::{Conn, QueryError};

/// Whose key it is, and what it was sent with.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The API token's id, or the person's behind a session.
    pub holder_id: Uuid,
    /// 1–255 characters.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub request_digest: [u8; 32],
}

#[derive(Debug)]
pub enum Claim {
    /// Nobody was here before: go on, and [`IdempotencyKey::answer`] in the same transaction.
    Fresh,
    /// The answer that was given.
    Answered { status: i16, body: Value },
    /// The key was used for another request.
    Mismatch,
}

impl IdempotencyKey {
    /// Waits at most `wait` for a first request that is still running; then fails with
    /// [`crate::QueryErrorExt::is_lock_timeout`].
    pub async fn claim(&self, conn: &mut Conn, wait: std::time::Duration, now: DateTime<Utc>) -> QueryResult<Claim> {
        diesel::sql_query("SELECT set_config('lock_timeout', $1, true)")
            .bind::<Text, _>(format!("{}ms", wait.as_millis().max(1)))
            .execute(conn)
            .await?;
        let inserted = diesel::insert_into(idempotency_keys::table)
            .values((
                idempotency_keys::holder_id.eq(self.holder_id),
                idempotency_keys::key.eq(&self.key),
                idempotency_keys::request_digest.eq(&self.request_digest[..]),
                idempotency_keys::status.eq(0i16),
                idempotency_keys::body.eq(Value::Null),
                idempotency_keys::created_at.eq(now),
            ))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        diesel::sql_query("SELECT set_config('lock_timeout', '0', true)").execute(conn).await?;
        if inserted == 1 {
            return Ok(Claim::Fresh);
        }
        self.used(conn).await?.ok_or(QueryError::NotFound)
    }

    /// What an earlier request with the key came to; `None` where there was none that is over. Nothing is claimed.
    pub async fn used(&self, conn: &mut Conn) -> QueryResult<Option<Claim>> {
        let found: Option<(Vec<u8>, i16, Value)> = idempotency_keys::table
            .find((self.holder_id, &self.key))
            .select((idempotency_keys::request_digest, idempotency_keys::status, idempotency_keys::body))
            .first(conn)
            .await
            .optional()?;
        let is_same = |digest: Vec<u8>| digest == self.request_digest;
        Ok(found.map(|(digest, status, body)| if is_same(digest) { Claim::Answered { status, body } } else { Claim::Mismatch }))
    }

    pub async fn answer(&self, conn: &mut Conn, status: i16, body: &Value) -> QueryResult<usize> {
        diesel::update(idempotency_keys::table.find((self.holder_id, &self.key)))
            .set((idempotency_keys::status.eq(status), idempotency_keys::body.eq(body)))
            .execute(conn)
            .await
    }

    /// Forgets keys that were used before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.lt(before))).execute(conn).await
    }
}
