//! Sealed secrets of an instance, and the data keys that they are sealed with.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretSlice;
use uuid::Uuid;

use crate::schema::{data_keys, identity_secrets};
use crate::seal::{DataKey, KeyRing, SealError, Wrapped};
use crate::{Conn, QueryError};

/// The row or the seal was the matter.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A server's identity: written once, never changed, never made anew.
pub struct IdentitySecret;

impl IdentitySecret {
    /// Fails on `identity_secrets_pkey` where this version is there already: nothing ever regenerates an identity.
    pub async fn insert(
        conn: &mut Conn,
        ring: &KeyRing,
        instance_id: Uuid,
        kind: &str,
        version: i32,
        plain: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), SealedError> {
        let key = data_key(conn, ring, instance_id, now).await?;
        diesel::insert_into(identity_secrets::table)
            .values((
                identity_secrets::instance_id.eq(instance_id),
                identity_secrets::kind.eq(kind),
                identity_secrets::version.eq(version),
                identity_secrets::sealed.eq(key.seal(kind, version, plain)),
                identity_secrets::created_at.eq(now),
            ))
            .execute(conn)
            .await?;
        Ok(())
    }

    /// The newest version of that kind.
    pub async fn open(conn: &mut Conn, ring: &KeyRing, instance_id: Uuid, kind: &str) -> Result<Option<SecretSlice<u8>>, SealedError> {
        let found: Option<(i32, Vec<u8>)> = identity_secrets::table
            .filter(identity_secrets::instance_id.eq(instance_id))
            .filter(identity_secrets::kind.eq(kind))
            .order(identity_secrets::version.desc())
            .select((identity_secrets::version, identity_secrets::sealed))
            .first(conn)
            .await
            .optional()?;
        let Some((version, sealed)) = found else { return Ok(None) };
        let key = existing_data_key(conn, ring, instance_id).await?;
        Ok(Some(key.open(kind, version, &sealed)?))
    }

    /// All versions of one kind: what it was for is done.
    pub async fn forget(conn: &mut Conn, instance_id: Uuid, kind: &str) -> QueryResult<usize> {
        let of_kind = identity_secrets::instance_id.eq(instance_id).and(identity_secrets::kind.eq(kind));
        diesel::delete(identity_secrets::table.filter(of_kind)).execute(conn).await
    }

    /// With its data key gone, no copy of what was sealed opens any more.
    pub async fn destroy(conn: &mut Conn, instance_id: Uuid) -> QueryResult<()> {
        diesel::delete(identity_secrets::table.filter(identity_secrets::instance_id.eq(instance_id))).execute(conn).await?;
        diesel::delete(data_keys::table.find(instance_id)).execute(conn).await?;
        Ok(())
    }
}

/// The instance's data key; made where there is none yet.
pub(super) async fn data_key(conn: &mut Conn, ring: &KeyRing, instance_id: Uuid, now: DateTime<Utc>) -> Result<DataKey, SealedError> {
    let (_, wrapped) = ring.new_data_key(instance_id);
    diesel::insert_into(data_keys::table)
        .values((
            data_keys::instance_id.eq(instance_id),
            data_keys::kek_id.eq(&wrapped.kek_id),
            data_keys::wrapped.eq(&wrapped.bytes),
            data_keys::created_at.eq(now),
            data_keys::wrapped_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    existing_data_key(conn, ring, instance_id).await
}

pub(super) async fn existing_data_key(conn: &mut Conn, ring: &KeyRing, instance_id: Uuid) -> Result<DataKey, SealedError> {
    let (kek_id, bytes) = data_keys::table.find(instance_id).select((data_keys::kek_id, data_keys::wrapped)).first(conn).await?;
    Ok(ring.unwrap(instance_id, &Wrapped { kek_id, bytes })?)
}

/// Wraps up to `limit` data keys anew that another than the current key-encryption key wraps; how many it were. What is sealed
/// with them is not touched.
pub async fn rewrap_data_keys(conn: &mut Conn, ring: &KeyRing, now: DateTime<Utc>, limit: i64) -> Result<usize, SealedError> {
    let stale: Vec<(Uuid, String, Vec<u8>)> = data_keys::table
        .filter(data_keys::kek_id.ne(ring.current()))
        .limit(limit)
        .for_update()
        .skip_locked()
        .select((data_keys::instance_id, data_keys::kek_id, data_keys::wrapped))
        .load(conn)
        .await?;
    let count = stale.len();
    for (instance_id, kek_id, bytes) in stale {
        let wrapped = ring.wrap(&ring.unwrap(instance_id, &Wrapped { kek_id, bytes })?);
        diesel::update(data_keys::table.find(instance_id))
            .set((data_keys::kek_id.eq(wrapped.kek_id), data_keys::wrapped.eq(wrapped.bytes), data_keys::wrapped_at.eq(now)))
            .execute(conn)
            .await?;
    }
    Ok(count)
}
