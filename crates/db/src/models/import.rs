//! Imports: bundles that are brought in, and the servers that they become. How far a launched one is, its operation says.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::instance::Page;
use crate::Conn;
use crate::schema::imports;

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = imports, check_for_backend(diesel::pg::Pg))]
pub struct Import {
    pub id: Uuid,
    pub account_id: Uuid,
    /// The server that it became.
    pub instance_id: Option<Uuid>,
    /// `upload`, or `export`: one that is kept here already.
    pub source: String,
    /// Where the bundle lies in the platform's bucket of bundles.
    pub prefix: String,
    /// What the last look into it found.
    pub seen: Option<Value>,
    pub seen_at: Option<DateTime<Utc>>,
    /// Of the bundle's manifest when the server was launched, in hexadecimal.
    pub manifest_sha256: Option<String>,
    pub pass: i32,
    /// The rehearsal is over.
    pub accepted_at: Option<DateTime<Utc>>,
    pub kept_until: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// That were there when they were counted last.
    pub counted_bytes: i64,
    /// That links were handed out for since, and when the last of them was.
    pub offered_bytes: i64,
    pub offered_at: Option<DateTime<Utc>>,
    /// Of the bundle that lies there, as whoever brings it says; in hexadecimal.
    pub preflight_sha256: Option<String>,
}

impl Import {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(imports::table).values(self).execute(conn).await.map(drop)
    }

    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        imports::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        imports::table.find(id).select(Self::as_select()).for_update().first(conn).await.optional()
    }

    pub async fn of_instance(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        imports::table.filter(imports::instance_id.eq(instance_id)).select(Self::as_select()).first(conn).await.optional()
    }

    /// The server that was made of this bundle before, thrown away and still on its way out, past the point where that could be undone.
    pub async fn going(&self, conn: &mut Conn) -> QueryResult<Option<Uuid>> {
        use crate::schema::instances;
        imports::table
            .inner_join(instances::table)
            .filter(imports::account_id.eq(self.account_id).and(imports::prefix.eq(&self.prefix)))
            .filter(imports::id.ne(self.id).and(imports::deleted_at.is_not_null()))
            .filter(instances::teardown_began_at.is_not_null().and(instances::tombstoned_at.is_null()))
            .order(imports::id.desc())
            .select(instances::id)
            .first(conn)
            .await
            .optional()
    }

    /// An account's, the newest first.
    pub async fn page_of_account(conn: &mut Conn, account_id: Uuid, page: Page) -> QueryResult<Vec<Self>> {
        let mut query = imports::table.filter(imports::account_id.eq(account_id)).into_boxed();
        if let Some(before) = page.before {
            query = query.filter(imports::id.lt(before));
        }
        query.order(imports::id.desc()).limit(page.limit).select(Self::as_select()).load(conn).await
    }

    /// Those that could still become a server.
    pub async fn open_of_account(conn: &mut Conn, account_id: Uuid, now: DateTime<Utc>) -> QueryResult<i64> {
        let open = imports::instance_id.is_null().and(imports::deleted_at.is_null()).and(imports::kept_until.gt(now));
        imports::table.filter(imports::account_id.eq(account_id).and(open)).count().get_result(conn).await
    }

    /// What lies here, or may come by links that were handed out, of all that somebody of the account brought: bytes.
    pub async fn bytes_of_account(conn: &mut Conn, account_id: Uuid) -> QueryResult<i64> {
        let brought = imports::account_id.eq(account_id).and(imports::source.eq("upload")).and(imports::deleted_at.is_null());
        let all: Vec<(i64, i64)> =
            imports::table.filter(brought).select((imports::counted_bytes, imports::offered_bytes)).load(conn).await?;
        Ok(all.into_iter().fold(0, |sum, (counted, offered)| sum.saturating_add(counted).saturating_add(offered)))
    }

    /// Links for so many bytes are handed out.
    pub async fn offered(conn: &mut Conn, id: Uuid, bytes: i64, at: DateTime<Utc>) -> QueryResult<()> {
        let set = (imports::offered_bytes.eq(imports::offered_bytes + bytes), imports::offered_at.eq(at));
        diesel::update(imports::table.find(id)).set(set).execute(conn).await.map(drop)
    }

    /// So much is there, and no link is valid any more that could bring something else: the last was handed out at `offered_at`. False where
    /// one was since.
    pub async fn counted(conn: &mut Conn, id: Uuid, bytes: i64, offered_at: Option<DateTime<Utc>>) -> QueryResult<bool> {
        let set = (imports::counted_bytes.eq(bytes), imports::offered_bytes.eq(0));
        let same = imports::id.eq(id).and(imports::offered_at.is_not_distinct_from(offered_at));
        diesel::update(imports::table.filter(same)).set(set).execute(conn).await.map(|rows| rows == 1)
    }

    /// From now on this bundle lies there.
    /// `left`: bytes of what lies there.
    pub async fn is_of(conn: &mut Conn, id: Uuid, preflight_sha256: &str, left: i64) -> QueryResult<()> {
        let set = (imports::preflight_sha256.eq(preflight_sha256), imports::counted_bytes.eq(left));
        diesel::update(imports::table.find(id)).set(set).execute(conn).await.map(drop)
    }

    pub async fn saw(conn: &mut Conn, id: Uuid, seen: &Value, at: DateTime<Utc>) -> QueryResult<()> {
        let set = (imports::seen.eq(seen), imports::seen_at.eq(at));
        diesel::update(imports::table.find(id)).set(set).execute(conn).await.map(drop)
    }

    pub async fn became(conn: &mut Conn, id: Uuid, instance_id: Uuid, manifest_sha256: &str) -> QueryResult<()> {
        let set = (imports::instance_id.eq(instance_id), imports::manifest_sha256.eq(manifest_sha256));
        diesel::update(imports::table.find(id)).set(set).execute(conn).await.map(drop)
    }

    /// The rehearsal is over: the bundle is loaded once more.
    pub async fn accept(conn: &mut Conn, id: Uuid, at: DateTime<Utc>, kept_until: DateTime<Utc>) -> QueryResult<()> {
        let set = (imports::accepted_at.eq(at), imports::pass.eq(imports::pass + 1), imports::kept_until.eq(kept_until));
        diesel::update(imports::table.find(id)).set(set).execute(conn).await.map(drop)
    }

    pub async fn keep_until(conn: &mut Conn, id: Uuid, until: DateTime<Utc>) -> QueryResult<()> {
        diesel::update(imports::table.find(id)).set(imports::kept_until.eq(until)).execute(conn).await.map(drop)
    }

    /// Nothing is left of the server that it became, so that nothing comes of it any more.
    pub async fn let_go(conn: &mut Conn, instance_id: Uuid, at: DateTime<Utc>) -> QueryResult<()> {
        let of_server = imports::instance_id.eq(instance_id).and(imports::deleted_at.is_null());
        diesel::update(imports::table.filter(of_server)).set(imports::kept_until.eq(at)).execute(conn).await.map(drop)
    }

    /// Whose time is over, and that no server is being made of.
    pub async fn no_longer_kept(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Self>> {
        use crate::schema::instances;
        let on_its_way = instances::table
            .filter(imports::instance_id.eq(instances::id.nullable()))
            .filter(instances::tombstoned_at.is_null())
            .filter(instances::launched_at.is_null());
        imports::table
            .filter(imports::kept_until.le(now).and(imports::deleted_at.is_null()))
            // A rehearsal takes as long as it takes, and so does loading it.
            .filter(diesel::dsl::not(diesel::dsl::exists(on_its_way)))
            .order(imports::kept_until)
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    pub async fn deleted(conn: &mut Conn, id: Uuid, at: DateTime<Utc>) -> QueryResult<()> {
        diesel::update(imports::table.find(id)).set(imports::deleted_at.eq(at)).execute(conn).await.map(drop)
    }
}
