//! Pulls: bundles that are fetched from where they lie, one at a time for each import. What leads there is sealed, and forgotten at the end.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::import::Import;
use super::secret::carries_secret;
use crate::Conn;
use crate::schema::{import_pulls, imports};
use crate::seal::{KeyRing, Wrapped};

const KIND: &str = "import_pull";
/// Another source is another pull's.
const VERSION: i32 = 1;

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug)]
#[diesel(table_name = import_pulls, primary_key(import_id), check_for_backend(diesel::pg::Pg))]
pub struct ImportPull {
    pub import_id: Uuid,
    /// As it is shown.
    pub source: String,
    /// By its name, as long as something of it may be there.
    pub cluster: Option<String>,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    key_sha256: Vec<u8>,
    kek_id: Option<String>,
    wrapped: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
    /// That have arrived, as its run told it last.
    pub files: i64,
    pub bytes: i64,
    pub told_at: Option<DateTime<Utc>>,
    /// Why it broke off.
    pub sentence: Option<String>,
    pub begun_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// What is new of one.
pub struct NewPull<'a> {
    pub import_id: Uuid,
    pub source: String,
    pub key_sha256: Vec<u8>,
    /// What leads to the source.
    pub secret: &'a [u8],
    pub begun_at: DateTime<Utc>,
}

impl ImportPull {
    /// In place of one that has ended.
    pub async fn begin(conn: &mut Conn, ring: &KeyRing, new: NewPull<'_>) -> QueryResult<()> {
        let NewPull { import_id, source, key_sha256, secret, begun_at } = new;
        let (data_key, Wrapped { kek_id, bytes }) = ring.new_data_key(import_id);
        let row = Self {
            import_id,
            source,
            cluster: None,
            state: "queued".to_owned(),
            key_sha256,
            kek_id: Some(kek_id),
            wrapped: Some(bytes),
            sealed: Some(data_key.seal(KIND, VERSION, secret)),
            files: 0,
            bytes: 0,
            told_at: None,
            sentence: None,
            begun_at,
            ended_at: None,
        };
        let ended = import_pulls::import_id.eq(import_id).and(import_pulls::ended_at.is_not_null());
        diesel::delete(import_pulls::table.filter(ended)).execute(conn).await?;
        diesel::insert_into(import_pulls::table).values(&row).execute(conn).await.map(drop)
    }

    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.ended_at.is_none()
    }

    pub async fn of(conn: &mut Conn, import_id: Uuid) -> QueryResult<Option<Self>> {
        import_pulls::table.find(import_id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn lock(conn: &mut Conn, import_id: Uuid) -> QueryResult<Option<Self>> {
        import_pulls::table.find(import_id).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    /// Of these imports.
    pub async fn of_imports(conn: &mut Conn, import_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        import_pulls::table.filter(import_pulls::import_id.eq_any(import_ids)).select(Self::as_select()).load(conn).await
    }

    /// The import that the run with this key brings, as long as it runs.
    pub async fn import_by_key(conn: &mut Conn, import_id: Uuid, key_sha256: &[u8]) -> QueryResult<Option<Import>> {
        imports::table
            .inner_join(import_pulls::table)
            .filter(imports::id.eq(import_id).and(import_pulls::key_sha256.eq(key_sha256)).and(import_pulls::ended_at.is_null()))
            .select(Import::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// Those that are on their way or left something in a cluster, the longest first.
    pub async fn not_put_away(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Uuid>> {
        import_pulls::table
            .filter(import_pulls::ended_at.is_null().or(import_pulls::cluster.is_not_null()))
            .order(import_pulls::begun_at)
            .limit(limit)
            .select(import_pulls::import_id)
            .load(conn)
            .await
    }

    /// It goes to this cluster.
    pub async fn sent(conn: &mut Conn, import_id: Uuid, cluster: &str) -> QueryResult<()> {
        let live = import_pulls::import_id.eq(import_id).and(import_pulls::ended_at.is_null());
        let set = (import_pulls::state.eq("running"), import_pulls::cluster.eq(cluster));
        diesel::update(import_pulls::table.filter(live)).set(set).execute(conn).await.map(drop)
    }

    /// Nothing of it is in its cluster any more.
    pub async fn put_away(conn: &mut Conn, import_id: Uuid) -> QueryResult<()> {
        let ended = import_pulls::import_id.eq(import_id).and(import_pulls::ended_at.is_not_null());
        diesel::update(import_pulls::table.filter(ended)).set(import_pulls::cluster.eq(None::<String>)).execute(conn).await.map(drop)
    }

    /// What its run says of itself.
    pub async fn told(conn: &mut Conn, id: Uuid, files: i64, bytes: i64, sentence: Option<&str>, at: DateTime<Utc>) -> QueryResult<()> {
        let set = (
            import_pulls::files.eq(files),
            import_pulls::bytes.eq(bytes),
            import_pulls::sentence.eq(sentence),
            import_pulls::told_at.eq(at),
        );
        let live = import_pulls::import_id.eq(id).and(import_pulls::ended_at.is_null());
        diesel::update(import_pulls::table.filter(live)).set(set).execute(conn).await.map(drop)
    }

    /// `done` or `failed`: what led to the source is forgotten. False where it had ended before.
    pub async fn end(conn: &mut Conn, import_id: Uuid, state: &str, sentence: Option<&str>, at: DateTime<Utc>) -> QueryResult<bool> {
        let live = import_pulls::import_id.eq(import_id).and(import_pulls::ended_at.is_null());
        let forgotten =
            (import_pulls::kek_id.eq(None::<String>), import_pulls::wrapped.eq(None::<Vec<u8>>), import_pulls::sealed.eq(None::<Vec<u8>>));
        let set = (forgotten, import_pulls::state.eq(state), import_pulls::sentence.eq(sentence), import_pulls::ended_at.eq(at));
        diesel::update(import_pulls::table.filter(live)).set(set).execute(conn).await.map(|it| it > 0)
    }
}

carries_secret!(
    ImportPull,
    import_pulls,
    import_id,
    /// What leads to the source; `None` once it is forgotten.
    secret
);
