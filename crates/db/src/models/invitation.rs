//! Invitations into an account, by e-mail.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::account::Account;
use super::instance::Page;
use super::person::Person;
use crate::Conn;
use crate::schema::{accounts, invitations, people};

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
pub struct Invitation {
    pub id: Uuid,
    pub account_id: Uuid,
    /// Lower case.
    pub email: String,
    pub role: String,
    pub invited_by: Uuid,
    /// SHA-256 of the link's token.
    pub token_digest: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub withdrawn_at: Option<DateTime<Utc>>,
}

impl Invitation {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(invitations::table).values(self).execute(conn).await
    }

    /// With the account and who invites.
    pub async fn by_digest(conn: &mut Conn, digest: &[u8]) -> QueryResult<Option<(Self, Account, Person)>> {
        invitations::table
            .inner_join(accounts::table)
            .inner_join(people::table)
            .filter(invitations::token_digest.eq(digest))
            .select((Self::as_select(), Account::as_select(), Person::as_select()))
            .first(conn)
            .await
            .optional()
    }

    /// Locked until the transaction ends.
    pub async fn lock_by_digest(conn: &mut Conn, digest: &[u8]) -> QueryResult<Option<Self>> {
        invitations::table.filter(invitations::token_digest.eq(digest)).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    /// An account's that nobody has accepted or withdrawn, the newest first, with who invites.
    pub async fn open_of_account(conn: &mut Conn, account_id: Uuid, page: Page) -> QueryResult<Vec<(Self, Person)>> {
        let mut query = invitations::table
            .inner_join(people::table)
            .filter(invitations::account_id.eq(account_id))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::withdrawn_at.is_null())
            .into_boxed();
        if let Some(before) = page.before {
            query = query.filter(invitations::id.lt(before));
        }
        query.order(invitations::id.desc()).limit(page.limit).select((Self::as_select(), Person::as_select())).load(conn).await
    }

    pub async fn accept(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(invitations::table.find(id)).set(invitations::accepted_at.eq(now)).execute(conn).await
    }

    /// `None` where it was none of the account's that is open.
    pub async fn withdraw(conn: &mut Conn, account_id: Uuid, id: Uuid, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        let open = invitations::table
            .find(id)
            .filter(invitations::account_id.eq(account_id))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::withdrawn_at.is_null());
        diesel::update(open).set(invitations::withdrawn_at.eq(now)).returning(Self::as_returning()).get_result(conn).await.optional()
    }

    /// Those of that address that are open: a new one takes their place.
    pub async fn withdraw_of(conn: &mut Conn, account_id: Uuid, email: &str, now: DateTime<Utc>) -> QueryResult<usize> {
        let open = invitations::table
            .filter(invitations::account_id.eq(account_id))
            .filter(invitations::email.eq(email))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::withdrawn_at.is_null());
        diesel::update(open).set(invitations::withdrawn_at.eq(now)).execute(conn).await
    }

    /// Deletes those of an e-mail address, to whatever account.
    pub async fn erase(conn: &mut Conn, email: &str) -> QueryResult<usize> {
        diesel::delete(invitations::table.filter(invitations::email.eq(email))).execute(conn).await
    }

    /// Deletes invitations that ended before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(invitations::table.filter(invitations::expires_at.lt(before))).execute(conn).await
    }
}
