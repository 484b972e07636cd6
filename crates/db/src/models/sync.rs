//! What the last sync of a server came to.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::lifecycle::clip;
use crate::Conn;
use crate::schema::instance_syncs;

#[derive(Queryable, Selectable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = instance_syncs, primary_key(instance_id), check_for_backend(diesel::pg::Pg))]
pub struct InstanceSync {
    pub instance_id: Uuid,
    /// That was sent, or tried to be.
    pub revision: i64,
    /// Why it was not taken; `None` where it was.
    pub reason: Option<String>,
    pub detail: Option<String>,
    pub tried_at: DateTime<Utc>,
    /// UID of the custom resource that the teardown was confirmed in.
    pub torn_down_uid: Option<String>,
    /// Both specs, where the cluster's revision was ahead of the record's, until an operator has decided.
    pub divergence: Option<Value>,
}

/// Why a sync was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble<'a> {
    pub reason: &'a str,
    pub detail: Option<&'a str>,
    pub divergence: Option<&'a Value>,
}

impl InstanceSync {
    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        instance_syncs::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn of_all(conn: &mut Conn, instance_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        instance_syncs::table.filter(instance_syncs::instance_id.eq_any(instance_ids)).select(Self::as_select()).load(conn).await
    }

    /// Something is about to be sent: without this row nothing ever was.
    pub async fn begin(conn: &mut Conn, instance_id: Uuid, revision: i64, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::insert_into(instance_syncs::table)
            .values((instance_syncs::instance_id.eq(instance_id), instance_syncs::revision.eq(revision), instance_syncs::tried_at.eq(now)))
            .on_conflict_do_nothing()
            .execute(conn)
            .await
    }

    /// How it ended. False where it ended so before. A divergence stays through every other trouble, until an
    /// operator has [`decided`](InstanceSync::decided) or a sync was taken: then there is nothing left that differs.
    pub async fn end(
        conn: &mut Conn,
        instance_id: Uuid,
        revision: i64,
        trouble: Option<Trouble<'_>>,
        now: DateTime<Utc>,
    ) -> QueryResult<bool> {
        let reason = trouble.map(|it| clip(it.reason, 63));
        let detail = trouble.and_then(|it| it.detail).map(|it| clip(it, 2000));
        let divergence = match trouble {
            None => Some(None),
            Some(trouble) => trouble.divergence.cloned().map(Some),
        };
        let changed = instance_syncs::revision
            .ne(revision)
            .or(instance_syncs::reason.is_distinct_from(reason.clone()))
            .or(instance_syncs::detail.is_distinct_from(detail.clone()));
        diesel::update(instance_syncs::table.find(instance_id).filter(changed))
            .set((
                instance_syncs::revision.eq(revision),
                instance_syncs::reason.eq(&reason),
                instance_syncs::detail.eq(&detail),
                divergence.map(|it| instance_syncs::divergence.eq(it)),
                instance_syncs::tried_at.eq(now),
            ))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// An operator has said which of the two specs holds.
    pub async fn decided(conn: &mut Conn, instance_id: Uuid) -> QueryResult<usize> {
        let nothing = (
            instance_syncs::reason.eq(None::<String>),
            instance_syncs::detail.eq(None::<String>),
            instance_syncs::divergence.eq(None::<Value>),
        );
        diesel::update(instance_syncs::table.find(instance_id)).set(nothing).execute(conn).await
    }

    /// The teardown was confirmed in the custom resource with this UID.
    pub async fn torn_down(conn: &mut Conn, instance_id: Uuid, uid: &str) -> QueryResult<usize> {
        diesel::update(instance_syncs::table.find(instance_id)).set(instance_syncs::torn_down_uid.eq(uid)).execute(conn).await
    }
}
