//! API tokens: person, account, scopes and an end. Only a token's digest is stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::account::{Account, Membership};
use super::person::Person;
use crate::Conn;
use crate::schema::{accounts, api_tokens, memberships, people};

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
pub struct ApiToken {
    pub id: Uuid,
    pub account_id: Uuid,
    pub person_id: Uuid,
    pub name: String,
    /// SHA-256 of the token.
    pub token_digest: Vec<u8>,
    pub scopes: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Whom a token speaks for.
pub struct Bearer {
    pub token: ApiToken,
    pub person: Person,
    pub account: Account,
    /// The person's role in the account, as it is now.
    pub role: String,
}

impl ApiToken {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(api_tokens::table).values(self).execute(conn).await
    }

    /// `None` for a token that is unknown, expired, revoked, or of somebody who is gone: callers can't tell which.
    pub async fn bearer(conn: &mut Conn, digest: &[u8], now: DateTime<Utc>) -> QueryResult<Option<Bearer>> {
        api_tokens::table
            .inner_join(people::table.on(people::id.eq(api_tokens::person_id)))
            .inner_join(accounts::table.on(accounts::id.eq(api_tokens::account_id)))
            .inner_join(
                memberships::table
                    .on(memberships::account_id.eq(api_tokens::account_id).and(memberships::person_id.eq(api_tokens::person_id))),
            )
            .filter(api_tokens::token_digest.eq(digest))
            .filter(api_tokens::revoked_at.is_null())
            .filter(api_tokens::expires_at.gt(now))
            .filter(people::erased_at.is_null())
            .filter(accounts::closed_at.is_null())
            .select((Self::as_select(), Person::as_select(), Account::as_select(), memberships::role))
            .first(conn)
            .await
            .optional()
            .map(|found| found.map(|(token, person, account, role)| Bearer { token, person, account, role }))
    }

    /// Whether it is live; if so, it stays so until the transaction ends.
    pub async fn hold(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        let found = api_tokens::table
            .find(id)
            .filter(api_tokens::revoked_at.is_null())
            .filter(api_tokens::expires_at.gt(now))
            .for_share()
            .select(api_tokens::id)
            .first::<Uuid>(conn);
        found.await.optional().map(|it| it.is_some())
    }

    /// How many of a person's are live, for whatever account.
    pub async fn count_live(conn: &mut Conn, person_id: Uuid, now: DateTime<Utc>) -> QueryResult<i64> {
        api_tokens::table
            .filter(api_tokens::person_id.eq(person_id))
            .filter(api_tokens::revoked_at.is_null())
            .filter(api_tokens::expires_at.gt(now))
            .count()
            .get_result(conn)
            .await
    }

    /// A person's tokens for an account that are neither revoked nor expired, the newest first, before `before`.
    pub async fn live_page(
        conn: &mut Conn,
        membership: &Membership,
        now: DateTime<Utc>,
        before: Option<Uuid>,
        limit: i64,
    ) -> QueryResult<Vec<Self>> {
        let mut query = api_tokens::table
            .filter(api_tokens::account_id.eq(membership.account_id))
            .filter(api_tokens::person_id.eq(membership.person_id))
            .filter(api_tokens::revoked_at.is_null())
            .filter(api_tokens::expires_at.gt(now))
            .into_boxed();
        if let Some(before) = before {
            query = query.filter(api_tokens::id.lt(before));
        }
        query.order(api_tokens::id.desc()).limit(limit).select(Self::as_select()).load(conn).await
    }

    /// A person's own token for an account, live or not.
    pub async fn of(conn: &mut Conn, membership: &Membership, id: Uuid) -> QueryResult<Option<Self>> {
        api_tokens::table
            .find(id)
            .filter(api_tokens::account_id.eq(membership.account_id))
            .filter(api_tokens::person_id.eq(membership.person_id))
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// False where it was revoked already.
    pub async fn revoke(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(api_tokens::table.find(id).filter(api_tokens::revoked_at.is_null()))
            .set(api_tokens::revoked_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// All of a person's, for whatever account.
    pub async fn revoke_all(conn: &mut Conn, person_id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        let live = api_tokens::table.filter(api_tokens::person_id.eq(person_id)).filter(api_tokens::revoked_at.is_null());
        diesel::update(live).set(api_tokens::revoked_at.eq(now)).execute(conn).await
    }

    pub async fn used(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(api_tokens::table.find(id)).set(api_tokens::last_used_at.eq(now)).execute(conn).await
    }
}
