//! Second factors: a secret that a person's app shares with us, sealed with a data key of the person's own; and the codes that take the
//! place of whatever is lost, the app or a passkey.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretSlice;
use uuid::Uuid;

use super::identity::SealedError;
use crate::Conn;
use crate::schema::{recovery_codes, second_factors};
use crate::seal::{KeyRing, SealError, Wrapped};

const KIND: &str = "totp";
/// Another secret is another row.
const VERSION: i32 = 1;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone)]
#[diesel(table_name = second_factors, primary_key(person_id), check_for_backend(diesel::pg::Pg))]
pub struct SecondFactor {
    pub person_id: Uuid,
    kek_id: String,
    wrapped: Vec<u8>,
    sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
    /// A right code was given: it is asked for from here on. `None` while it is being set up.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Of the last code that was taken.
    pub last_step: Option<i64>,
}

impl SecondFactor {
    /// To be set up, with this secret in place of one that was never confirmed. Fails on `second_factors_pkey` where one is on.
    pub async fn begin(conn: &mut Conn, ring: &KeyRing, person_id: Uuid, secret: &[u8], now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::delete(second_factors::table.find(person_id).filter(second_factors::confirmed_at.is_null())).execute(conn).await?;
        let (key, Wrapped { kek_id, bytes }) = ring.new_data_key(person_id);
        let sealed = key.seal(KIND, VERSION, secret);
        let row = Self { person_id, kek_id, wrapped: bytes, sealed, created_at: now, confirmed_at: None, last_step: None };
        diesel::insert_into(second_factors::table).values(row).execute(conn).await
    }

    pub async fn of(conn: &mut Conn, person_id: Uuid) -> QueryResult<Option<Self>> {
        second_factors::table.find(person_id).select(Self::as_select()).first(conn).await.optional()
    }

    /// The row, locked until the transaction ends: of two that give one code one is too late.
    pub async fn lock(conn: &mut Conn, person_id: Uuid) -> QueryResult<Option<Self>> {
        second_factors::table.find(person_id).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    /// Whether a code is asked for.
    pub async fn is_on(conn: &mut Conn, person_id: Uuid) -> QueryResult<bool> {
        Ok(Self::of(conn, person_id).await?.is_some_and(|it| it.confirmed_at.is_some()))
    }

    pub fn secret(&self, ring: &KeyRing) -> Result<SecretSlice<u8>, SealError> {
        let wrapped = Wrapped { kek_id: self.kek_id.clone(), bytes: self.wrapped.clone() };
        ring.unwrap(self.person_id, &wrapped)?.open(KIND, VERSION, &self.sealed)
    }

    /// A right code was given for the first time.
    pub async fn confirm(conn: &mut Conn, person_id: Uuid, step: i64, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(second_factors::table.find(person_id))
            .set((second_factors::confirmed_at.eq(now), second_factors::last_step.eq(step)))
            .execute(conn)
            .await
    }

    /// A code was taken: neither it nor one before it is taken again.
    pub async fn took(conn: &mut Conn, person_id: Uuid, step: i64) -> QueryResult<usize> {
        diesel::update(second_factors::table.find(person_id)).set(second_factors::last_step.eq(step)).execute(conn).await
    }

    /// False where none was on.
    pub async fn remove(conn: &mut Conn, person_id: Uuid) -> QueryResult<bool> {
        let on = second_factors::table.find(person_id).filter(second_factors::confirmed_at.is_not_null());
        diesel::delete(on).execute(conn).await.map(|rows| rows == 1)
    }

    /// Deletes those that somebody began to set up before `before` and never confirmed.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        let begun = second_factors::table.filter(second_factors::confirmed_at.is_null()).filter(second_factors::created_at.lt(before));
        diesel::delete(begun).execute(conn).await
    }

    /// Wraps up to `limit` people's data keys anew that another than the current key-encryption key wraps; how many it were.
    pub async fn rewrap(conn: &mut Conn, ring: &KeyRing, limit: i64) -> Result<usize, SealedError> {
        let stale: Vec<Self> = second_factors::table
            .filter(second_factors::kek_id.ne(ring.current()))
            .limit(limit)
            .for_update()
            .skip_locked()
            .select(Self::as_select())
            .load(conn)
            .await?;
        for Self { person_id, kek_id, wrapped, .. } in &stale {
            let key = ring.unwrap(*person_id, &Wrapped { kek_id: kek_id.clone(), bytes: wrapped.clone() })?;
            let Wrapped { kek_id, bytes } = ring.wrap(&key);
            diesel::update(second_factors::table.find(person_id))
                .set((second_factors::kek_id.eq(kek_id), second_factors::wrapped.eq(bytes)))
                .execute(conn)
                .await?;
        }
        Ok(stale.len())
    }
}

/// A code that is taken once in place of one of the app's, or of a passkey, by its digest.
pub struct RecoveryCode;

impl RecoveryCode {
    /// These from here on, and none of those before.
    pub async fn replace(conn: &mut Conn, person_id: Uuid, digests: &[Vec<u8>]) -> QueryResult<()> {
        Self::remove_all(conn, person_id).await?;
        let rows: Vec<_> = digests.iter().map(|it| (recovery_codes::person_id.eq(person_id), recovery_codes::digest.eq(it))).collect();
        diesel::insert_into(recovery_codes::table).values(rows).execute(conn).await?;
        Ok(())
    }

    /// Of somebody who has no second factor any more.
    pub async fn remove_all(conn: &mut Conn, person_id: Uuid) -> QueryResult<usize> {
        diesel::delete(recovery_codes::table.filter(recovery_codes::person_id.eq(person_id))).execute(conn).await
    }

    /// False where it is none of the person's, or was used before.
    pub async fn use_up(conn: &mut Conn, person_id: Uuid, digest: &[u8], now: DateTime<Utc>) -> QueryResult<bool> {
        let unused = recovery_codes::table.find((person_id, digest)).filter(recovery_codes::used_at.is_null());
        diesel::update(unused).set(recovery_codes::used_at.eq(now)).execute(conn).await.map(|rows| rows == 1)
    }

    /// How many were not used yet.
    pub async fn left(conn: &mut Conn, person_id: Uuid) -> QueryResult<i64> {
        recovery_codes::table
            .filter(recovery_codes::person_id.eq(person_id))
            .filter(recovery_codes::used_at.is_null())
            .count()
            .get_result(conn)
            .await
    }
}
