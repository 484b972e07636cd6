//! Sessions of the dashboard: kept here so that one can be ended, by the digest of a token that only the cookie holds.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::account::Account;
use super::person::Person;
use crate::Conn;
use crate::schema::{accounts, memberships, people, sessions};

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
    /// The account in use.
    pub account_id: Uuid,
    /// The password was last given.
    pub authenticated_at: DateTime<Utc>,
}

/// Which sessions live: they have not ended, and were seen since `seen_after`.
#[derive(Clone, Copy, Debug)]
pub struct Alive {
    pub now: DateTime<Utc>,
    pub seen_after: DateTime<Utc>,
}

/// Whose session it is.
pub struct Owner {
    pub session: Session,
    pub person: Person,
    pub account: Account,
    /// The person's role in the account, as it is now.
    pub role: String,
}

impl Session {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(sessions::table).values(self).execute(conn).await
    }

    /// `None` for a session that is unknown, over, idle, revoked, or of somebody who is gone: callers can't tell which.
    pub async fn owner(conn: &mut Conn, digest: &[u8], alive: Alive) -> QueryResult<Option<Owner>> {
        sessions::table
            .inner_join(people::table)
            .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
            .inner_join(
                memberships::table.on(memberships::account_id.eq(sessions::account_id).and(memberships::person_id.eq(sessions::person_id))),
            )
            .filter(sessions::token_digest.eq(digest))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(alive.now))
            .filter(sessions::last_seen_at.gt(alive.seen_after))
            .filter(people::erased_at.is_null())
            .filter(accounts::closed_at.is_null())
            .select((Self::as_select(), Person::as_select(), Account::as_select(), memberships::role))
            .first(conn)
            .await
            .optional()
            .map(|found| found.map(|(session, person, account, role)| Owner { session, person, account, role }))
    }

    /// Whether it is alive; if so, it stays so until the transaction ends.
    pub async fn hold(conn: &mut Conn, id: Uuid, alive: Alive) -> QueryResult<bool> {
        let found = sessions::table
            .find(id)
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(alive.now))
            .filter(sessions::last_seen_at.gt(alive.seen_after))
            .for_share()
            .select(sessions::id)
            .first::<Uuid>(conn);
        found.await.optional().map(|it| it.is_some())
    }

    /// A person's, the one seen last first.
    pub async fn live_of_person(conn: &mut Conn, person_id: Uuid, alive: Alive) -> QueryResult<Vec<Self>> {
        sessions::table
            .filter(sessions::person_id.eq(person_id))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(alive.now))
            .filter(sessions::last_seen_at.gt(alive.seen_after))
            .order((sessions::last_seen_at.desc(), sessions::id.desc()))
            .select(Self::as_select())
            .load(conn)
            .await
    }

    pub async fn seen(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(sessions::table.find(id)).set(sessions::last_seen_at.eq(now)).execute(conn).await
    }

    /// The password was given again.
    pub async fn authenticated(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(sessions::table.find(id)).set(sessions::authenticated_at.eq(now)).execute(conn).await
    }

    pub async fn use_account(conn: &mut Conn, id: Uuid, account_id: Uuid) -> QueryResult<usize> {
        diesel::update(sessions::table.find(id)).set(sessions::account_id.eq(account_id)).execute(conn).await
    }

    /// False where it was none of the person's, or was revoked already.
    pub async fn revoke(conn: &mut Conn, person_id: Uuid, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        let own = sessions::table.find(id).filter(sessions::person_id.eq(person_id)).filter(sessions::revoked_at.is_null());
        diesel::update(own).set(sessions::revoked_at.eq(now)).execute(conn).await.map(|rows| rows == 1)
    }

    /// All of a person's but `kept`.
    pub async fn revoke_all(conn: &mut Conn, person_id: Uuid, kept: Option<Uuid>, now: DateTime<Utc>) -> QueryResult<usize> {
        let others = sessions::table
            .filter(sessions::person_id.eq(person_id))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::id.ne(kept.unwrap_or_default()));
        diesel::update(others).set(sessions::revoked_at.eq(now)).execute(conn).await
    }

    /// Deletes sessions that had ended before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(sessions::table.filter(sessions::expires_at.lt(before).or(sessions::revoked_at.lt(before).assume_not_null())))
            .execute(conn)
            .await
    }
}
