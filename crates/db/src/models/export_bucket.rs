//! Buckets of customers' own that exports go to, and the keys to them, sealed, until the run has ended.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::secret::carries_secret;
use crate::Conn;
use crate::schema::export_buckets;
use crate::seal::{KeyRing, Wrapped};

const KIND: &str = "export_bucket";
/// Other keys are another export's.
const VERSION: i32 = 1;

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone)]
#[diesel(table_name = export_buckets, primary_key(export_id), check_for_backend(diesel::pg::Pg))]
pub struct ExportBucket {
    pub export_id: Uuid,
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
    /// Without slashes at its ends; empty for the bucket's root.
    pub prefix: String,
    pub virtual_hosted: bool,
    kek_id: Option<String>,
    wrapped: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
}

/// Where it is.
#[derive(Debug, Clone, Copy)]
pub struct Whereabouts<'a> {
    pub endpoint: &'a str,
    pub region: &'a str,
    pub bucket: &'a str,
    pub prefix: &'a str,
    pub virtual_hosted: bool,
}

impl ExportBucket {
    /// Of an export that was begun in the same transaction.
    #[must_use]
    pub fn new(ring: &KeyRing, export_id: Uuid, at: Whereabouts<'_>, keys: &[u8]) -> Self {
        let (data_key, Wrapped { kek_id, bytes }) = ring.new_data_key(export_id);
        let Whereabouts { endpoint, region, bucket, prefix, virtual_hosted } = at;
        Self {
            export_id,
            endpoint: endpoint.to_owned(),
            region: region.to_owned(),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            virtual_hosted,
            kek_id: Some(kek_id),
            wrapped: Some(bytes),
            sealed: Some(data_key.seal(KIND, VERSION, keys)),
        }
    }

    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(export_buckets::table).values(self).execute(conn).await.map(drop)
    }

    pub async fn by_export(conn: &mut Conn, export_id: Uuid) -> QueryResult<Option<Self>> {
        export_buckets::table.find(export_id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn of_exports(conn: &mut Conn, export_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        export_buckets::table.filter(export_buckets::export_id.eq_any(export_ids)).select(Self::as_select()).load(conn).await
    }

    pub async fn forget_keys(conn: &mut Conn, export_id: Uuid) -> QueryResult<()> {
        let nothing = (export_buckets::kek_id.eq(None::<String>), export_buckets::wrapped.eq(None::<Vec<u8>>));
        diesel::update(export_buckets::table.find(export_id))
            .set((nothing, export_buckets::sealed.eq(None::<Vec<u8>>)))
            .execute(conn)
            .await
            .map(drop)
    }
}

carries_secret!(
    ExportBucket,
    export_buckets,
    export_id,
    /// `None` once the run has ended.
    keys
);
