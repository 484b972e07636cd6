//! Final bundles: exports that the platform begins by itself, of servers that leave; and the keys that it keeps to some of them, sealed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::export::{Export, WithOperation};
use super::operation::Operation;
use super::secret::carries_secret;
use crate::Conn;
use crate::schema::{exports, final_bundles, operations};
use crate::seal::{KeyRing, Wrapped};

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

    /// The newest of a server, begun after that time, as an export.
    pub async fn newest_of(conn: &mut Conn, instance_id: Uuid, begun_after: DateTime<Utc>) -> QueryResult<Option<WithOperation>> {
        let all = final_bundles::table.select(final_bundles::export_id);
        exports::table
            .inner_join(operations::table)
            .filter(exports::id.eq_any(all))
            .filter(exports::instance_id.eq(instance_id))
            .filter(exports::created_at.ge(begun_after))
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

    /// Where this export is final: there is nothing left that its key opens.
    pub async fn forget_key(conn: &mut Conn, export_id: Uuid) -> QueryResult<()> {
        let nothing = (final_bundles::kek_id.eq(None::<String>), final_bundles::wrapped.eq(None::<Vec<u8>>));
        diesel::update(final_bundles::table.find(export_id))
            .set((nothing, final_bundles::sealed.eq(None::<Vec<u8>>)))
            .execute(conn)
            .await
            .map(drop)
    }
}

carries_secret!(
    FinalBundle,
    final_bundles,
    export_id,
    /// `None` where it is sealed to keys of its owners' alone.
    key
);
