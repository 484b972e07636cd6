//! Passkeys: what is known of a person's authenticators. The key that signs never leaves one of them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::Conn;
use crate::schema::passkeys;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone)]
#[diesel(table_name = passkeys, check_for_backend(diesel::pg::Pg))]
pub struct Passkey {
    pub id: Uuid,
    pub person_id: Uuid,
    /// As the authenticator knows it.
    pub credential_id: Vec<u8>,
    /// Public key, counter and flags.
    pub credential: Value,
    /// What its owner calls it.
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Passkey {
    /// Fails on `passkeys_credential_id_key` where it is somebody's already.
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(passkeys::table).values(self).execute(conn).await
    }

    /// The oldest first.
    pub async fn of_person(conn: &mut Conn, person_id: Uuid) -> QueryResult<Vec<Self>> {
        passkeys::table
            .filter(passkeys::person_id.eq(person_id))
            .order((passkeys::created_at, passkeys::id))
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// `None` for another's.
    pub async fn of(conn: &mut Conn, person_id: Uuid, id: Uuid) -> QueryResult<Option<Self>> {
        passkeys::table.find(id).filter(passkeys::person_id.eq(person_id)).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn count(conn: &mut Conn, person_id: Uuid) -> QueryResult<i64> {
        passkeys::table.filter(passkeys::person_id.eq(person_id)).count().get_result(conn).await
    }

    /// Whose it is, if anybody's.
    pub async fn owner(conn: &mut Conn, credential_id: &[u8]) -> QueryResult<Option<Uuid>> {
        passkeys::table.filter(passkeys::credential_id.eq(credential_id)).select(passkeys::person_id).first(conn).await.optional()
    }

    /// The row, locked until the transaction ends: of two answers with one counter one is too late.
    pub async fn lock(conn: &mut Conn, credential_id: &[u8]) -> QueryResult<Option<Self>> {
        passkeys::table
            .filter(passkeys::credential_id.eq(credential_id))
            .for_update()
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// It has answered: with the counter as it is now.
    pub async fn used(conn: &mut Conn, id: Uuid, credential: &Value, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(passkeys::table.find(id))
            .set((passkeys::credential.eq(credential), passkeys::last_used_at.eq(now)))
            .execute(conn)
            .await
    }

    /// False for another's.
    pub async fn rename(conn: &mut Conn, person_id: Uuid, id: Uuid, name: &str) -> QueryResult<bool> {
        let own = passkeys::table.find(id).filter(passkeys::person_id.eq(person_id));
        diesel::update(own).set(passkeys::name.eq(name)).execute(conn).await.map(|rows| rows == 1)
    }

    /// As it was; `None` for another's.
    pub async fn remove(conn: &mut Conn, person_id: Uuid, id: Uuid) -> QueryResult<Option<Self>> {
        let own = passkeys::table.find(id).filter(passkeys::person_id.eq(person_id));
        diesel::delete(own).returning(Self::as_select()).get_result(conn).await.optional()
    }

    /// All of a person's; how many it were.
    pub async fn remove_all(conn: &mut Conn, person_id: Uuid) -> QueryResult<usize> {
        diesel::delete(passkeys::table.filter(passkeys::person_id.eq(person_id))).execute(conn).await
    }
}
