//! Links to somebody who is here, good once: to a new password, to a new address.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::person_links;

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug)]
#[diesel(table_name = person_links, check_for_backend(diesel::pg::Pg))]
pub struct PersonLink {
    pub id: Uuid,
    /// `reset_password` or `change_email`.
    pub purpose: String,
    /// Absent where nobody here has the address: never mailed.
    pub person_id: Option<Uuid>,
    /// The address that the link goes to.
    pub email: String,
    /// SHA-256 of the link's token.
    pub token_digest: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
}

impl PersonLink {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(person_links::table).values(self).execute(conn).await
    }

    pub async fn by_digest(conn: &mut Conn, purpose: &str, digest: &[u8]) -> QueryResult<Option<Self>> {
        person_links::table
            .filter(person_links::token_digest.eq(digest))
            .filter(person_links::purpose.eq(purpose))
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// Locked until the transaction ends.
    pub async fn lock_by_digest(conn: &mut Conn, purpose: &str, digest: &[u8]) -> QueryResult<Option<Self>> {
        person_links::table
            .filter(person_links::token_digest.eq(digest))
            .filter(person_links::purpose.eq(purpose))
            .for_update()
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// All of a person's links are good no more: one of them was used, or what they lead to was decided otherwise.
    pub async fn use_up(conn: &mut Conn, person_id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(person_links::table.filter(person_links::person_id.eq(person_id)).filter(person_links::used_at.is_null()))
            .set(person_links::used_at.eq(now))
            .execute(conn)
            .await
    }

    /// Deletes those of a person, and to their e-mail address.
    pub async fn erase(conn: &mut Conn, person_id: Uuid, email: &str) -> QueryResult<usize> {
        let theirs = person_links::person_id.eq(person_id).assume_not_null().or(person_links::email.eq(email));
        diesel::delete(person_links::table.filter(theirs)).execute(conn).await
    }

    /// Deletes links that ended before `before`.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(person_links::table.filter(person_links::expires_at.lt(before))).execute(conn).await
    }
}
