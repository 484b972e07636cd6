//! Final bundles: exports that the platform begins by itself, of servers that leave; and the keys that it keeps to some of them, sealed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretSlice;
use uuid::Uuid;

use super::export::{Export, WithOperation};
use super::identity::SealedError;
use super::operation::Operation;
use crate::Conn;
use crate::schema::{exports, final_bundles, operations};
use crate::seal::{KeyRing, SealError, Wrapped};

const KIND: &str = "final_bundle";
/// Another key is another export's.
const VERSION: i32 = 1;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone)]
#[diesel(table_name = final_bundles, primary_key(export_id), check_for_backend(diesel::pg::Pg))]
pub struct FinalBundle {
    pub export_id: Uuid,
    /// By which the server leaves.
    pub operation_id: Uuid,
    kek_id: Option<String>,
    wrapped: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
}

impl FinalBundle {
    /// Of an export that was begun in the same transaction. `key`: that was made for it.
    #[must_use]
    pub fn new(ring: &KeyRing, export_id: Uuid, operation_id: Uuid, key: Option<&[u8]>) -> Self {
        let Some(key) = key else { return Self { export_id, operation_id, kek_id: None, wrapped: None, sealed: None } };
        let (data_key, Wrapped { kek_id, bytes }) = ring.new_data_key(export_id);
        let sealed = data_key.seal(KIND, VERSION, key);
        Self { export_id, operation_id, kek_id: Some(kek_id), wrapped: Some(bytes), sealed: Some(sealed) }
    }

    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(final_bundles::table).values(self).execute(conn).await.map(drop)
    }

    pub async fn by_export(conn: &mut Conn, export_id: Uuid) -> QueryResult<Option<Self>> {
        final_bundles::table.find(export_id).select(Self::as_select()).first(conn).await.optional()
    }

    /// Of these exports, those that are final.
    pub async fn of_exports(conn: &mut Conn, export_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        final_bundles::table.filter(final_bundles::export_id.eq_any(export_ids)).select(Self::as_select()).load(conn).await
    }

    /// The newest that was begun for this operation, as an export.
    pub async fn newest_for(conn: &mut Conn, operation_id: Uuid) -> QueryResult<Option<WithOperation>> {
        let begun = final_bundles::table.filter(final_bundles::operation_id.eq(operation_id)).select(final_bundles::export_id);
        exports::table
            .inner_join(operations::table)
            .filter(exports::id.eq_any(begun))
            .order(exports::id.desc())
            .select((Export::as_select(), Operation::as_select()))
            .first(conn)
            .await
            .optional()
    }

    /// Somebody can be shown it.
    #[must_use]
    pub const fn has_key(&self) -> bool {
        self.sealed.is_some()
    }

    /// `None` where it is sealed to keys of its owners' alone.
    pub fn key(&self, ring: &KeyRing) -> Result<Option<SecretSlice<u8>>, SealError> {
        let (Some(kek_id), Some(bytes), Some(sealed)) = (&self.kek_id, &self.wrapped, &self.sealed) else { return Ok(None) };
        let wrapped = Wrapped { kek_id: kek_id.clone(), bytes: bytes.clone() };
        ring.unwrap(self.export_id, &wrapped)?.open(KIND, VERSION, sealed).map(Some)
    }

    /// Where this export is final: there is nothing left that its key opens.
    pub async fn forget_key(conn: &mut Conn, export_id: Uuid) -> QueryResult<()> {
        let nothing = (final_bundles::kek_id.eq(None::<String>), final_bundles::wrapped.eq(None::<Vec<u8>>));
        diesel::update(final_bundles::table.find(export_id))
            .set((nothing, final_bundles::sealed.eq(None::<Vec<u8>>)))
            .execute(conn)
            .await
            .map(drop)
    }

    /// Wraps up to `limit` data keys anew that another than the current key-encryption key wraps; how many it were.
    pub async fn rewrap(conn: &mut Conn, ring: &KeyRing, limit: i64) -> Result<usize, SealedError> {
        let stale: Vec<Self> = final_bundles::table
            .filter(final_bundles::kek_id.ne(ring.current()))
            .limit(limit)
            .for_update()
            .skip_locked()
            .select(Self::as_select())
            .load(conn)
            .await?;
        for Self { export_id, kek_id, wrapped, .. } in &stale {
            let before = Wrapped { kek_id: kek_id.clone().unwrap_or_default(), bytes: wrapped.clone().unwrap_or_default() };
            let Wrapped { kek_id, bytes } = ring.wrap(&ring.unwrap(*export_id, &before)?);
            diesel::update(final_bundles::table.find(export_id))
                .set((final_bundles::kek_id.eq(kek_id), final_bundles::wrapped.eq(bytes)))
                .execute(conn)
                .await?;
        }
        Ok(stale.len())
    }
}
