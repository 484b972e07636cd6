//! The first owner of a server and their way in: the link that came with the launch, or the newest of those made since.

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
/// Of the link that comes with the launch.
pub const FIRST: i32 = 1;

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
    /// The owner's account, or the new token in it, was seen to be there: the time that the link is good for runs from here.
    pub applied_at: Option<DateTime<Utc>>,
    pub shown_at: Option<DateTime<Utc>>,
    /// `None` for the first link.
    pub asked_by: Option<Uuid>,
    /// Nothing came of a new link.
    pub failed_reason: Option<String>,
}

/// A link that takes the place of the one before.
pub struct NewLink<'a> {
    /// Raw, as the link will carry it.
    pub token: &'a [u8],
    pub asked_by: Uuid,
    pub issued_at: DateTime<Utc>,
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
                owner_bootstrap::version.eq(FIRST),
                owner_bootstrap::sealed_token.eq(key.seal(KIND, FIRST, self.token)),
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

    /// A new link that Mastodon doesn't take yet.
    #[must_use]
    pub fn is_on_its_way(&self) -> bool {
        self.version > FIRST && self.applied_at.is_none() && self.failed_reason.is_none()
    }

    /// Ids of the servers with a new link on its way, the longest waiting first.
    pub async fn on_their_way(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Uuid>> {
        owner_bootstrap::table
            .filter(owner_bootstrap::version.gt(FIRST))
            .filter(owner_bootstrap::applied_at.is_null())
            .filter(owner_bootstrap::failed_reason.is_null())
            .order(owner_bootstrap::issued_at)
            .limit(limit)
            .select(owner_bootstrap::instance_id)
            .load(conn)
            .await
    }

    /// Takes the place of this one. False where somebody was faster.
    pub async fn reissue(&self, conn: &mut Conn, ring: &KeyRing, link: &NewLink<'_>) -> Result<bool, SealedError> {
        let key = existing_data_key(conn, ring, self.instance_id).await?;
        let version = self.version + 1;
        let rows = diesel::update(owner_bootstrap::table.find(self.instance_id).filter(owner_bootstrap::version.eq(self.version)))
            .set((
                owner_bootstrap::version.eq(version),
                owner_bootstrap::sealed_token.eq(key.seal(KIND, version, link.token)),
                owner_bootstrap::issued_at.eq(link.issued_at),
                owner_bootstrap::applied_at.eq(None::<DateTime<Utc>>),
                owner_bootstrap::shown_at.eq(None::<DateTime<Utc>>),
                owner_bootstrap::asked_by.eq(link.asked_by),
                owner_bootstrap::failed_reason.eq(None::<String>),
            ))
            .execute(conn)
            .await?;
        Ok(rows == 1)
    }

    /// Nothing came of this version.
    pub async fn failed(conn: &mut Conn, instance_id: Uuid, version: i32, reason: &str) -> QueryResult<()> {
        diesel::update(owner_bootstrap::table.find(instance_id).filter(owner_bootstrap::version.eq(version)))
            .set(owner_bootstrap::failed_reason.eq(reason))
            .execute(conn)
            .await
            .map(drop)
    }

    /// Mastodon takes this version. The first time counts.
    pub async fn applied(conn: &mut Conn, instance_id: Uuid, version: i32, now: DateTime<Utc>) -> QueryResult<bool> {
        let is_meant = owner_bootstrap::version.eq(version).and(owner_bootstrap::applied_at.is_null());
        diesel::update(owner_bootstrap::table.find(instance_id).filter(is_meant))
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
