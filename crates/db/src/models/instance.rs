//! Servers: what the business wants of each, what billing says, and where it is.
//!
//! `desired` is written by use cases only, `standing` by billing events and grants only; what people see is computed from both
//! and the observation, and never stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::instances;

#[derive(Queryable, Selectable, Identifiable, Clone, Debug)]
#[diesel(table_name = instances, check_for_backend(diesel::pg::Pg))]
pub struct Instance {
    pub id: Uuid,
    pub account_id: Uuid,
    pub slug: String,
    /// In people's handles. ASCII, lower case.
    pub domain: String,
    pub web_domain: String,
    pub media_domain: String,
    pub on_platform_domain: bool,
    pub plan: String,
    pub version: String,
    pub image_mastodon: String,
    pub image_streaming: String,
    #[diesel(embed)]
    pub desired: DesiredColumns,
    #[diesel(embed)]
    pub standing: StandingColumns,
    pub revision: i64,
    pub cluster_id: Uuid,
    pub database_server_id: Uuid,
    pub object_store_id: Uuid,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// A Create has succeeded.
    pub launched_at: Option<DateTime<Utc>>,
    pub first_answered_at: Option<DateTime<Utc>>,
    pub farewell_began_at: Option<DateTime<Utc>>,
    pub teardown_began_at: Option<DateTime<Utc>>,
    pub tombstoned_at: Option<DateTime<Utc>>,
    /// Whoever closed it wanted no final bundle.
    pub final_bundle_declined_at: Option<DateTime<Utc>>,
    /// Another host serves its address.
    pub handed_over_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = instances, treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct DesiredColumns {
    pub desired_kind: String,
    pub desired_hold: Option<String>,
    pub desired_deletion: Option<String>,
    pub desired_after: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = instances, treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub struct StandingColumns {
    pub standing_kind: String,
    pub standing_until: Option<DateTime<Utc>>,
    pub standing_since: Option<DateTime<Utc>>,
    pub standing_by: Option<String>,
}

/// What a row takes over of a custom resource that is ahead of it.
#[derive(AsChangeset, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = instances)]
pub struct Adopted {
    pub version: String,
    pub image_mastodon: String,
    pub image_streaming: String,
    pub plan: String,
}

#[derive(Insertable)]
#[diesel(table_name = instances)]
pub struct NewInstance<'a> {
    pub id: Uuid,
    pub account_id: Uuid,
    pub slug: &'a str,
    pub domain: &'a str,
    pub web_domain: &'a str,
    pub media_domain: &'a str,
    pub on_platform_domain: bool,
    pub plan: &'a str,
    pub version: &'a str,
    pub image_mastodon: &'a str,
    pub image_streaming: &'a str,
    #[diesel(embed)]
    pub desired: DesiredColumns,
    #[diesel(embed)]
    pub standing: StandingColumns,
    pub revision: i64,
    pub cluster_id: Uuid,
    pub database_server_id: Uuid,
    pub object_store_id: Uuid,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NewInstance<'_> {
    /// Fails on `instances_live_slug` where a live instance has this slug.
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<Instance> {
        diesel::insert_into(instances::table).values(self).returning(Instance::as_returning()).get_result(conn).await
    }
}

/// Which page of a list: at most `limit` rows older than `before`.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub before: Option<Uuid>,
    pub limit: i64,
}

impl Instance {
    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        instances::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// As [`Self::by_id`], locked until the transaction ends.
    pub async fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        instances::table.find(id).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    /// `None` for another account's, as if it did not exist.
    pub async fn of_account(conn: &mut Conn, account_id: Uuid, id: Uuid) -> QueryResult<Option<Self>> {
        instances::table.find(id).filter(instances::account_id.eq(account_id)).select(Self::as_select()).first(conn).await.optional()
    }

    /// An account's servers without its tombstones, the newest first.
    pub async fn page_of_account(conn: &mut Conn, account_id: Uuid, page: Page) -> QueryResult<Vec<Self>> {
        let mut query =
            instances::table.filter(instances::account_id.eq(account_id)).filter(instances::tombstoned_at.is_null()).into_boxed();
        if let Some(before) = page.before {
            query = query.filter(instances::id.lt(before));
        }
        query.order(instances::id.desc()).limit(page.limit).select(Self::as_select()).load(conn).await
    }

    /// Everybody's servers without the tombstones, the newest first: for operators.
    pub async fn page_of_fleet(conn: &mut Conn, page: Page) -> QueryResult<Vec<Self>> {
        let mut query = instances::table.filter(instances::tombstoned_at.is_null()).into_boxed();
        if let Some(before) = page.before {
            query = query.filter(instances::id.lt(before));
        }
        query.order(instances::id.desc()).limit(page.limit).select(Self::as_select()).load(conn).await
    }

    /// How many servers an account has that are not tombstones. True until the transaction ends only under
    /// [`super::account::Account::lock`].
    pub async fn count_of_account(mut conn: &Conn, account_id: Uuid) -> QueryResult<i64> {
        instances::table
            .filter(instances::account_id.eq(account_id))
            .filter(instances::tombstoned_at.is_null())
            .count()
            .get_result(&mut conn)
            .await
    }

    /// A live server by the address it is called by in the dashboard.
    pub async fn by_slug(conn: &mut Conn, slug: &str) -> QueryResult<Option<Self>> {
        instances::table
            .filter(instances::slug.eq(slug))
            .filter(instances::tombstoned_at.is_null())
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// Ids of all that is not a tombstone, after `after` in their order: what a resync walks through.
    pub async fn live_ids(conn: &mut Conn, cluster_id: Option<Uuid>, after: Option<Uuid>, limit: i64) -> QueryResult<Vec<Uuid>> {
        let mut query = instances::table.filter(instances::tombstoned_at.is_null()).into_boxed();
        if let Some(cluster_id) = cluster_id {
            query = query.filter(instances::cluster_id.eq(cluster_id));
        }
        if let Some(after) = after {
            query = query.filter(instances::id.gt(after));
        }
        query.order(instances::id).limit(limit).select(instances::id).load(conn).await
    }

    /// Servers whose grace period is over and that are not tombstones yet.
    pub async fn due_for_deletion(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Self>> {
        instances::table
            .filter(instances::desired_kind.eq("deleted"))
            .filter(instances::desired_after.le(now))
            .filter(instances::tombstoned_at.is_null())
            .order(instances::desired_after)
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// Servers that billing holds back, whole or from writing, the oldest first.
    pub async fn held_by_billing(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Self>> {
        instances::table
            .filter(instances::desired_kind.eq_any(["suspended", "read_only"]))
            .filter(instances::desired_hold.eq("billing"))
            .filter(instances::tombstoned_at.is_null())
            .order(instances::id)
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// Servers whose standing ends, or has ended, and that stay so far: page by page in the order of ids.
    pub async fn ending(conn: &mut Conn, after: Uuid, limit: i64) -> QueryResult<Vec<Uuid>> {
        let is_granted_for_a_time = instances::standing_kind.eq("granted").and(instances::standing_until.is_not_null());
        instances::table
            .filter(instances::standing_kind.eq_any(["past_due", "lapsed", "cancelled"]).or(is_granted_for_a_time))
            .filter(instances::desired_kind.ne("deleted"))
            .filter(instances::tombstoned_at.is_null())
            .filter(instances::id.gt(after))
            .order(instances::id)
            .limit(limit)
            .select(instances::id)
            .load(conn)
            .await
    }

    /// Servers of own domains that nobody ever proved or reached, and of which nothing has changed since `before`.
    pub async fn never_proven_since(conn: &mut Conn, before: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Uuid>> {
        use crate::schema::{domains, imports};
        let is_unproven = diesel::dsl::exists(
            domains::table
                .filter(domains::account_id.eq(instances::account_id))
                .filter(domains::name.eq(instances::domain).or(domains::name.eq(instances::web_domain)))
                .filter(domains::proven_at.is_null()),
        );
        // Nobody proves anything for a rehearsal: it waits for a decision.
        let rehearsals = imports::table.filter(imports::instance_id.eq(instances::id.nullable())).filter(imports::accepted_at.is_null());
        instances::table
            .filter(diesel::dsl::not(diesel::dsl::exists(rehearsals)))
            .filter(instances::on_platform_domain.eq(false))
            .filter(instances::desired_kind.ne("deleted"))
            .filter(instances::tombstoned_at.is_null())
            .filter(instances::first_answered_at.is_null())
            .filter(instances::updated_at.le(before))
            .filter(is_unproven)
            .order(instances::id)
            .limit(limit)
            .select(instances::id)
            .load(conn)
            .await
    }

    /// Servers of an account at this name, for handles or for the server, without the tombstones.
    pub async fn of_account_at(conn: &mut Conn, account_id: Uuid, name: &str) -> QueryResult<Vec<Self>> {
        instances::table
            .filter(instances::account_id.eq(account_id))
            .filter(instances::domain.eq(name).or(instances::web_domain.eq(name)))
            .filter(instances::tombstoned_at.is_null())
            .order(instances::id)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// Whether a server that is gone said farewell from one of these names: other servers were told that its accounts are no more.
    pub async fn said_farewell_from(conn: &mut Conn, names: &[&str]) -> QueryResult<bool> {
        let is_there = instances::table
            .filter(instances::domain.eq_any(names).or(instances::web_domain.eq_any(names)))
            .filter(instances::farewell_began_at.is_not_null())
            .filter(instances::tombstoned_at.is_not_null());
        diesel::select(diesel::dsl::exists(is_there)).get_result(conn).await
    }

    /// Launched servers that nobody has looked at from outside since `looked_before`, the longest ago first; those that never
    /// answered, and those whose farewell may be due, whatever the time of the last look.
    pub async fn to_look_at(conn: &mut Conn, looked_before: DateTime<Utc>, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Self>> {
        use crate::schema::{imports, probes};
        // Whether its old one still answers.
        let rehearsals = imports::table.filter(imports::instance_id.eq(instances::id.nullable())).filter(imports::accepted_at.is_null());
        let is_rehearsing = diesel::dsl::exists(rehearsals);
        let is_leaving = instances::desired_kind.eq("deleted").and(instances::desired_after.le(now).assume_not_null());
        let is_old = probes::probed_at.is_null().or(probes::probed_at.lt(looked_before)).assume_not_null();
        instances::table
            .left_join(probes::table)
            .filter(instances::tombstoned_at.is_null())
            .filter(instances::teardown_began_at.is_null())
            .filter(instances::launched_at.is_not_null().or(is_rehearsing))
            // Another host's: what is seen there is that host's matter.
            .filter(instances::handed_over_at.is_null())
            .filter(instances::first_answered_at.is_null().or(is_leaving).or(is_old))
            .order((probes::probed_at.asc().nulls_first(), instances::id))
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// Their names in addresses.
    pub async fn slugs(mut conn: &Conn, ids: &[Uuid]) -> QueryResult<Vec<(Uuid, String)>> {
        instances::table.filter(instances::id.eq_any(ids)).select((instances::id, instances::slug)).load(&mut conn).await
    }

    /// Their plans.
    pub async fn plans_of(mut conn: &Conn, ids: &[Uuid]) -> QueryResult<Vec<(Uuid, String)>> {
        instances::table.filter(instances::id.eq_any(ids)).select((instances::id, instances::plan)).load(&mut conn).await
    }

    /// `None` where `revision` is no longer the row's.
    pub async fn set_desired(
        conn: &mut Conn,
        id: Uuid,
        revision: i64,
        desired: &DesiredColumns,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id).filter(instances::revision.eq(revision)))
            .set((desired, instances::revision.eq(revision + 1), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }

    /// `None` where `revision` is no longer the row's.
    pub async fn set_standing(
        conn: &mut Conn,
        id: Uuid,
        revision: i64,
        standing: &StandingColumns,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id).filter(instances::revision.eq(revision)))
            .set((standing, instances::revision.eq(revision + 1), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }

    /// `None` where `revision` is no longer the row's.
    pub async fn set_plan(conn: &mut Conn, id: Uuid, revision: i64, plan: &str, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id).filter(instances::revision.eq(revision)))
            .set((instances::plan.eq(plan), instances::revision.eq(revision + 1), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }

    /// The row as it is, at a higher revision. `None` where `revision` is no longer the row's.
    pub async fn raise(conn: &mut Conn, id: Uuid, revision: i64, to: i64, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id).filter(instances::revision.eq(revision)))
            .set((instances::revision.eq(to), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }

    /// The revision stays: see [`Self::raise`].
    pub async fn adopt(conn: &mut Conn, id: Uuid, adopted: &Adopted) -> QueryResult<usize> {
        diesel::update(instances::table.find(id)).set(adopted).execute(conn).await
    }

    /// Something that the next sync has to carry down changed elsewhere (a domain was proven, say): a new revision without
    /// another change. `None` where the instance is gone.
    pub async fn touch(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id))
            .set((instances::revision.eq(instances::revision + 1), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }

    /// The launch succeeded. What is wanted stays as it was, and so does the revision.
    pub async fn launched(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(instances::table.find(id).filter(instances::launched_at.is_null()))
            .set(instances::launched_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// The first successful look from outside; later ones change nothing. An observation, so the revision stays.
    pub async fn answered(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(instances::table.find(id).filter(instances::first_answered_at.is_null()))
            .set(instances::first_answered_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// Whether a final bundle is to be made of it is the record's own matter, so the revision stays. `at`: when none was wanted.
    pub async fn decline_final_bundle(conn: &mut Conn, id: Uuid, at: Option<DateTime<Utc>>) -> QueryResult<()> {
        diesel::update(instances::table.find(id)).set(instances::final_bundle_declined_at.eq(at)).execute(conn).await.map(drop)
    }

    /// From here on a Close can't be undone. `None` where `revision` is no longer the row's.
    pub async fn begin_farewell(conn: &mut Conn, id: Uuid, revision: i64, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id).filter(instances::revision.eq(revision)))
            .set((instances::farewell_began_at.eq(now), instances::revision.eq(revision + 1), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }

    /// From here on a MoveOut can't be undone. `None` where `revision` is no longer the row's.
    pub async fn hand_over(conn: &mut Conn, id: Uuid, revision: i64, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id).filter(instances::revision.eq(revision)))
            .set((instances::handed_over_at.eq(now), instances::revision.eq(revision + 1), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }

    /// From here on nothing can be undone. `None` where `revision` is no longer the row's.
    pub async fn begin_teardown(conn: &mut Conn, id: Uuid, revision: i64, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id).filter(instances::revision.eq(revision)))
            .set((instances::teardown_began_at.eq(now), instances::revision.eq(revision + 1), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }

    /// Nothing of the server is left. `None` where `revision` is no longer the row's.
    pub async fn bury(conn: &mut Conn, id: Uuid, revision: i64, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        diesel::update(instances::table.find(id).filter(instances::revision.eq(revision)))
            .set((instances::tombstoned_at.eq(now), instances::revision.eq(revision + 1), instances::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }
}
