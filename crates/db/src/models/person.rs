//! People: who signs in. They own nothing themselves; their accounts do.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::people;

#[derive(Queryable, Selectable, Identifiable, Clone)]
#[diesel(table_name = people, check_for_backend(diesel::pg::Pg))]
pub struct Person {
    pub id: Uuid,
    /// Lower case.
    pub email: String,
    pub name: String,
    /// Of the platform.
    pub is_operator: bool,
    /// A PHC string.
    pub password_hash: Option<String>,
    pub created_at: DateTime<Utc>,
    pub erased_at: Option<DateTime<Utc>>,
}

#[derive(Insertable)]
#[diesel(table_name = people)]
pub struct NewPerson<'a> {
    pub id: Uuid,
    pub email: &'a str,
    pub name: &'a str,
    pub is_operator: bool,
    pub password_hash: Option<&'a str>,
    pub created_at: DateTime<Utc>,
}

impl NewPerson<'_> {
    /// Fails on the index `people_live_email` where somebody has this address.
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<Person> {
        diesel::insert_into(people::table).values(self).returning(Person::as_returning()).get_result(conn).await
    }
}

impl Person {
    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        people::table.find(id).filter(people::erased_at.is_null()).select(Self::as_select()).first(conn).await.optional()
    }

    /// Of several at once: for lists.
    pub async fn by_ids(conn: &mut Conn, ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        people::table.filter(people::id.eq_any(ids)).filter(people::erased_at.is_null()).select(Self::as_select()).load(conn).await
    }

    pub async fn by_email(conn: &mut Conn, email: &str) -> QueryResult<Option<Self>> {
        people::table
            .filter(people::email.eq(email))
            .filter(people::erased_at.is_null())
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    pub async fn set_password_hash(conn: &mut Conn, id: Uuid, hash: &str) -> QueryResult<bool> {
        diesel::update(people::table.find(id)).set(people::password_hash.eq(hash)).execute(conn).await.map(|rows| rows == 1)
    }

    /// The row, locked until the transaction ends.
    pub async fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        people::table.find(id).filter(people::erased_at.is_null()).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn rename(conn: &mut Conn, id: Uuid, name: &str) -> QueryResult<bool> {
        diesel::update(people::table.find(id)).set(people::name.eq(name)).execute(conn).await.map(|rows| rows == 1)
    }

    /// Fails on the index `people_live_email` where somebody has this address.
    pub async fn set_email(conn: &mut Conn, id: Uuid, email: &str) -> QueryResult<bool> {
        diesel::update(people::table.find(id)).set(people::email.eq(email)).execute(conn).await.map(|rows| rows == 1)
    }

    /// Nothing of them stays but that there was somebody.
    pub async fn erase(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(people::table.find(id))
            .set((
                people::email.eq("erased"),
                people::name.eq(""),
                people::is_operator.eq(false),
                people::password_hash.eq(None::<String>),
                people::erased_at.eq(now),
            ))
            .execute(conn)
            .await
    }
}
