//! Exports: runs that take a server along. How far one is, and who asked for it, its operation says.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::instance::Page;
use super::operation::Operation;
use crate::Conn;
use crate::schema::{exports, final_bundles, imports, instances, operations};

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = exports, check_for_backend(diesel::pg::Pg))]
pub struct Export {
    pub id: Uuid,
    pub instance_id: Uuid,
    pub operation_id: Uuid,
    /// `live`, `drained` or `stopped`.
    pub mode: String,
    /// `kept`, or `bucket`: one of the customer's.
    pub destination: String,
    /// age public keys, with a space between two.
    pub recipients: String,
    pub progress: Option<Value>,
    pub size: Option<i64>,
    pub content_digest: Option<String>,
    pub kept_until: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Of one of the recipients, sealed with a phrase or a passphrase: an age file.
    pub recovery_key: Option<Vec<u8>>,
    /// When it was due, where the platform began it by itself.
    pub scheduled_for: Option<DateTime<Utc>>,
}

/// An export with its operation.
pub type WithOperation = (Export, Operation);

impl Export {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(exports::table).values(self).execute(conn).await.map(drop)
    }

    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<WithOperation>> {
        exports::table
            .inner_join(operations::table)
            .filter(exports::id.eq(id))
            .select((Self::as_select(), Operation::as_select()))
            .first(conn)
            .await
            .optional()
    }

    /// A server's, the newest first.
    pub async fn page_of_instance(conn: &mut Conn, instance_id: Uuid, page: Page) -> QueryResult<Vec<WithOperation>> {
        let mut query = exports::table.inner_join(operations::table).filter(exports::instance_id.eq(instance_id)).into_boxed();
        if let Some(before) = page.before {
            query = query.filter(exports::id.lt(before));
        }
        query.order(exports::id.desc()).limit(page.limit).select((Self::as_select(), Operation::as_select())).load(conn).await
    }

    /// Those that run or wait to: what a tick looks after.
    pub async fn live(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Uuid>> {
        exports::table
            .inner_join(operations::table)
            .filter(operations::state.eq_any(["queued", "running"]))
            .order(exports::id)
            .limit(limit)
            .select(exports::id)
            .load(conn)
            .await
    }

    /// Those whose time is over; but a final one never before all else of its server is gone, however long that takes.
    pub async fn no_longer_kept(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Self>> {
        let is_leaving = instances::desired_kind.eq("deleted").and(instances::tombstoned_at.is_null());
        let is_final = exists(final_bundles::table.filter(final_bundles::export_id.eq(exports::id)));
        // What a server here is being made of is not taken away under it.
        let prefix = sql::<Text>("(exports.instance_id::text || '/' || exports.id::text)");
        let imported = imports::table.filter(imports::source.eq("export")).filter(imports::deleted_at.is_null());
        let is_imported = exists(imported.filter(imports::instance_id.is_not_null()).filter(imports::prefix.eq(prefix)));
        exports::table
            .inner_join(instances::table)
            .filter(not(is_imported))
            .filter(exports::kept_until.le(now).and(exports::deleted_at.is_null()))
            .filter(not(exports::size.is_not_null().and(is_final).and(is_leaving)))
            .order(exports::kept_until)
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// What the last whole one is sealed with that one of these people began: its recipients, and the key that a phrase opens.
    pub async fn last_seal(conn: &mut Conn, instance_id: Uuid, people: &[Uuid]) -> QueryResult<Option<(String, Option<Vec<u8>>)>> {
        exports::table
            .inner_join(operations::table)
            .filter(exports::instance_id.eq(instance_id))
            .filter(exports::size.is_not_null())
            .filter(operations::requested_by.eq_any(people))
            .order(exports::id.desc())
            .select((exports::recipients, exports::recovery_key))
            .first(conn)
            .await
            .optional()
    }

    /// Those by schedule of a server that are whole and lie here, the newest first.
    pub async fn scheduled(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Vec<Uuid>> {
        exports::table
            .filter(exports::instance_id.eq(instance_id).and(exports::scheduled_for.is_not_null()))
            .filter(exports::size.is_not_null().and(exports::deleted_at.is_null()))
            .order(exports::id.desc())
            .select(exports::id)
            .load(conn)
            .await
    }

    pub async fn keep_until(conn: &mut Conn, id: Uuid, until: DateTime<Utc>) -> QueryResult<()> {
        diesel::update(exports::table.find(id)).set(exports::kept_until.eq(until)).execute(conn).await.map(drop)
    }

    pub async fn deleted(conn: &mut Conn, id: Uuid, at: DateTime<Utc>) -> QueryResult<()> {
        diesel::update(exports::table.find(id)).set(exports::deleted_at.eq(at)).execute(conn).await.map(drop)
    }

    pub async fn told(conn: &mut Conn, id: Uuid, progress: &Value) -> QueryResult<()> {
        diesel::update(exports::table.find(id)).set(exports::progress.eq(progress)).execute(conn).await.map(drop)
    }

    pub async fn whole(conn: &mut Conn, id: Uuid, size: i64, content_digest: &str, kept_until: Option<DateTime<Utc>>) -> QueryResult<()> {
        diesel::update(exports::table.find(id))
            .set((exports::size.eq(size), exports::content_digest.eq(content_digest), exports::kept_until.eq(kept_until)))
            .execute(conn)
            .await
            .map(drop)
    }
}
