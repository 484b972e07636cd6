//! Sign-ups: asked for, confirmed by a link, and decided by the settings or by an operator.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::instance::Page;
use crate::Conn;
use crate::schema::sign_ups;

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone)]
#[diesel(table_name = sign_ups, check_for_backend(diesel::pg::Pg))]
pub struct SignUp {
    pub id: Uuid,
    /// Lower case.
    pub email: String,
    pub name: String,
    pub account_name: String,
    /// A PHC string, from the link's use until it is decided.
    pub password_hash: Option<String>,
    /// SHA-256 of the link's token.
    pub token_digest: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    /// `opened`, `approved` or `refused`.
    pub decision: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    /// The operator; absent where the settings decided.
    pub decided_by: Option<Uuid>,
}

impl SignUp {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(sign_ups::table).values(self).execute(conn).await
    }

    pub async fn by_digest(conn: &mut Conn, digest: &[u8]) -> QueryResult<Option<Self>> {
        sign_ups::table.filter(sign_ups::token_digest.eq(digest)).select(Self::as_select()).first(conn).await.optional()
    }

    /// Locked until the transaction ends.
    pub async fn lock_by_digest(conn: &mut Conn, digest: &[u8]) -> QueryResult<Option<Self>> {
        sign_ups::table.filter(sign_ups::token_digest.eq(digest)).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        sign_ups::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// Locked until the transaction ends.
    pub async fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        sign_ups::table.find(id).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    /// The one of that address that waits for an operator.
    pub async fn waiting_of(conn: &mut Conn, email: &str) -> QueryResult<Option<Self>> {
        sign_ups::table
            .filter(sign_ups::email.eq(email))
            .filter(sign_ups::confirmed_at.is_not_null())
            .filter(sign_ups::decided_at.is_null())
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// Those that wait for an operator, the newest first.
    pub async fn waiting(conn: &mut Conn, page: Page) -> QueryResult<Vec<Self>> {
        let mut query = sign_ups::table.filter(sign_ups::confirmed_at.is_not_null()).filter(sign_ups::decided_at.is_null()).into_boxed();
        if let Some(before) = page.before {
            query = query.filter(sign_ups::id.lt(before));
        }
        query.order(sign_ups::id.desc()).limit(page.limit).select(Self::as_select()).load(conn).await
    }

    /// With the password that was chosen. Fails on the index `sign_ups_waiting` where another of this address waits already.
    pub async fn confirm(conn: &mut Conn, id: Uuid, password_hash: &str, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(sign_ups::table.find(id))
            .set((sign_ups::confirmed_at.eq(now), sign_ups::password_hash.eq(password_hash)))
            .execute(conn)
            .await
    }

    /// Its password's hash is forgotten: it is the person's now, or nobody's.
    pub async fn decide(conn: &mut Conn, id: Uuid, decision: &str, by: Option<Uuid>, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(sign_ups::table.find(id))
            .set((
                sign_ups::decision.eq(decision),
                sign_ups::decided_at.eq(now),
                sign_ups::decided_by.eq(by),
                sign_ups::password_hash.eq(None::<String>),
            ))
            .execute(conn)
            .await
    }

    /// Deletes those of an e-mail address.
    pub async fn erase(conn: &mut Conn, email: &str) -> QueryResult<usize> {
        diesel::delete(sign_ups::table.filter(sign_ups::email.eq(email))).execute(conn).await
    }

    /// Deletes what was asked for before `before` and does not wait for an operator.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        let is_over = sign_ups::confirmed_at.is_null().or(sign_ups::decided_at.is_not_null());
        diesel::delete(sign_ups::table.filter(sign_ups::created_at.lt(before)).filter(is_over)).execute(conn).await
    }
}
