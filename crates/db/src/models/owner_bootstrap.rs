//! The first owner of a server and their way in, until their account is made and the link is used up.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretSlice;
use uuid::Uuid;

use super::identity::{SealedError, data_key, existing_data_key};
use crate::Conn;
use crate::schema::owner_bootstrap;
use crate::seal::KeyRing;

const KIND: &str = "owner_token";

#[derive(Queryable, Selectable, Identifiable, Clone)]
#[diesel(table_name = owner_bootstrap, primary_key(instance_id), check_for_backend(diesel::pg::Pg))]
pub struct OwnerBootstrap {
    pub instance_id: Uuid,
    pub username: String,
    pub email: String,
    /// Rises with each re-issue of the token.
    pub version: i32,
    sealed_token: Vec<u8>,
    pub issued_at: DateTime<Utc>,
    /// The owner's account was seen to exist: the time that the link is good for runs from here.
    pub applied_at: Option<DateTime<Utc>>,
    pub shown_at: Option<DateTime<Utc>>,
}

pub struct NewOwnerBootstrap<'a> {
    pub instance_id: Uuid,
    pub username: &'a str,
    pub email: &'a str,
    /// Raw, as the link will carry it.
    pub token: &'a [u8],
    pub issued_at: DateTime<Utc>,
}

impl NewOwnerBootstrap<'_> {
    pub async fn insert(&self, conn: &mut Conn, ring: &KeyRing) -> Result<(), SealedError> {
        let key = data_key(conn, ring, self.instance_id, self.issued_at).await?;
        diesel::insert_into(owner_bootstrap::table)
            .values((
                owner_bootstrap::instance_id.eq(self.instance_id),
                owner_bootstrap::username.eq(self.username),
                owner_bootstrap::email.eq(self.email),
                owner_bootstrap::version.eq(1),
                owner_bootstrap::sealed_token.eq(key.seal(KIND, 1, self.token)),
                owner_bootstrap::issued_at.eq(self.issued_at),
            ))
            .execute(conn)
            .await?;
        Ok(())
    }
}

impl OwnerBootstrap {
    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        owner_bootstrap::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn token(&self, conn: &mut Conn, ring: &KeyRing) -> Result<SecretSlice<u8>, SealedError> {
        let key = existing_data_key(conn, ring, self.instance_id).await?;
        Ok(key.open(KIND, self.version, &self.sealed_token)?)
    }

    /// The first time counts.
    pub async fn applied(conn: &mut Conn, instance_id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(owner_bootstrap::table.find(instance_id).filter(owner_bootstrap::applied_at.is_null()))
            .set(owner_bootstrap::applied_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// The link is shown once: true for whoever comes first.
    pub async fn show(conn: &mut Conn, instance_id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(owner_bootstrap::table.find(instance_id).filter(owner_bootstrap::shown_at.is_null()))
            .set(owner_bootstrap::shown_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// Nothing of the owner stays with us.
    pub async fn erase(conn: &mut Conn, instance_id: Uuid) -> QueryResult<usize> {
        diesel::delete(owner_bootstrap::table.find(instance_id)).execute(conn).await
    }
}
