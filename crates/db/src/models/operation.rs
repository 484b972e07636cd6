//! Operations: long work with a name, steps and an end. At most one is live in a lane of an instance, says an index.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::instance::Page;
use crate::Conn;
use crate::schema::{instances, operation_steps, operations};

const LIVE: [&str; 2] = ["queued", "running"];

#[derive(Queryable, Selectable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = operations, check_for_backend(diesel::pg::Pg))]
pub struct Operation {
    pub id: Uuid,
    pub instance_id: Uuid,
    /// `create`, `resize`, `upgrade`, `import`, `move_out`, `close`, `remove`, `export` or `task`.
    pub kind: String,
    /// `exclusive`, `export` or `task`.
    pub lane: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub state: String,
    pub requested_by: Option<Uuid>,
    pub failed_step: Option<String>,
    pub failed_reason: Option<String>,
    pub failed_detail: Option<String>,
    /// Rises with every change of the operation or one of its steps.
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// An operation is born queued, with all its steps waiting.
pub struct NewOperation<'a> {
    pub id: Uuid,
    pub instance_id: Uuid,
    pub kind: &'a str,
    pub lane: &'a str,
    pub requested_by: Option<Uuid>,
    pub steps: &'a [&'a str],
    pub created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = operation_steps, primary_key(operation_id, position), check_for_backend(diesel::pg::Pg))]
pub struct OperationStep {
    pub operation_id: Uuid,
    pub position: i16,
    pub name: String,
    /// `waiting`, `running`, `succeeded`, `failed` or `skipped`.
    pub state: String,
    /// What it waits for or fails on right now.
    pub reason: Option<String>,
    pub detail: Option<String>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// The end of an operation that failed for good.
pub struct Failed<'a> {
    pub step: Option<&'a str>,
    pub reason: &'a str,
    pub detail: Option<&'a str>,
}

impl NewOperation<'_> {
    /// Fails on `operations_one_live_a_lane` where the instance has a live operation in that lane.
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<Operation> {
        let operation = diesel::insert_into(operations::table)
            .values((
                operations::id.eq(self.id),
                operations::instance_id.eq(self.instance_id),
                operations::kind.eq(self.kind),
                operations::lane.eq(self.lane),
                operations::state.eq("queued"),
                operations::requested_by.eq(self.requested_by),
                operations::revision.eq(1),
                operations::created_at.eq(self.created_at),
            ))
            .returning(Operation::as_returning())
            .get_result(conn)
            .await?;
        let steps: Vec<_> = (0i16..)
            .zip(self.steps)
            .map(|(position, name)| {
                (
                    operation_steps::operation_id.eq(self.id),
                    operation_steps::position.eq(position),
                    operation_steps::name.eq(*name),
                    operation_steps::state.eq("waiting"),
                )
            })
            .collect();
        diesel::insert_into(operation_steps::table).values(steps).execute(conn).await?;
        Ok(operation)
    }
}

impl Operation {
    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        operations::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// As [`Self::by_id`], locked until the transaction ends.
    pub async fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        operations::table
            .find(id)
            .for_update()
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// `None` for an operation on another account's server, as if it did not exist.
    pub async fn of_account(conn: &mut Conn, account_id: Uuid, id: Uuid) -> QueryResult<Option<Self>> {
        operations::table
            .inner_join(instances::table)
            .filter(operations::id.eq(id))
            .filter(instances::account_id.eq(account_id))
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// A server's operations, the newest first.
    pub async fn page_of_instance(conn: &mut Conn, instance_id: Uuid, page: Page) -> QueryResult<Vec<Self>> {
        let mut query = operations::table.filter(operations::instance_id.eq(instance_id)).into_boxed();
        if let Some(before) = page.before {
            query = query.filter(operations::id.lt(before));
        }
        query
            .order(operations::id.desc())
            .limit(page.limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// The live operation in a lane of an instance, if there is one.
    pub async fn live(conn: &mut Conn, instance_id: Uuid, lane: &str) -> QueryResult<Option<Self>> {
        operations::table
            .filter(operations::instance_id.eq(instance_id))
            .filter(operations::lane.eq(lane))
            .filter(operations::state.eq_any(LIVE))
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// Live exclusive operations of these instances: for lists.
    pub async fn live_of(conn: &mut Conn, instance_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        operations::table
            .filter(operations::instance_id.eq_any(instance_ids))
            .filter(operations::lane.eq("exclusive"))
            .filter(operations::state.eq_any(LIVE))
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// The newest operation of a kind on an instance, whatever became of it.
    pub async fn latest_of_kind(conn: &mut Conn, instance_id: Uuid, kind: &str) -> QueryResult<Option<Self>> {
        operations::table
            .filter(operations::instance_id.eq(instance_id))
            .filter(operations::kind.eq(kind))
            .order(operations::id.desc())
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }

    /// All that is live, the oldest first: what a sweep looks after.
    pub async fn all_live(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Self>> {
        operations::table
            .filter(operations::state.eq_any(LIVE))
            .order(operations::created_at)
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// False where it was not queued any more.
    pub async fn start(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(operations::table.find(id).filter(operations::state.eq("queued")))
            .set((
                operations::state.eq("running"),
                operations::started_at.eq(now),
                operations::revision.eq(operations::revision + 1),
            ))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// False where it had ended already: an end is for ever.
    pub async fn succeed(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        Self::end(conn, id, "succeeded", None, now).await
    }

    /// False where it had ended already.
    pub async fn cancel(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        Self::end(conn, id, "cancelled", None, now).await
    }

    /// False where it had ended already.
    pub async fn fail(conn: &mut Conn, id: Uuid, failed: Failed<'_>, now: DateTime<Utc>) -> QueryResult<bool> {
        Self::end(conn, id, "failed", Some(failed), now).await
    }

    async fn end(conn: &mut Conn, id: Uuid, state: &str, failed: Option<Failed<'_>>, now: DateTime<Utc>) -> QueryResult<bool> {
        let failed = failed.as_ref();
        diesel::update(operations::table.find(id).filter(operations::state.eq_any(LIVE)))
            .set((
                operations::state.eq(state),
                operations::failed_step.eq(failed.and_then(|it| it.step)),
                operations::failed_reason.eq(failed.map(|it| it.reason)),
                operations::failed_detail.eq(failed.and_then(|it| it.detail)),
                operations::finished_at.eq(now),
                operations::revision.eq(operations::revision + 1),
            ))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }
}

impl OperationStep {
    /// In their order.
    pub async fn of(conn: &mut Conn, operation_id: Uuid) -> QueryResult<Vec<Self>> {
        operation_steps::table
            .filter(operation_steps::operation_id.eq(operation_id))
            .order(operation_steps::position)
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// Of several operations at once, in their order.
    pub async fn of_all(conn: &mut Conn, operation_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        operation_steps::table
            .filter(operation_steps::operation_id.eq_any(operation_ids))
            .order((operation_steps::operation_id, operation_steps::position))
            .select(Self::as_select())
            .load(conn)
            .await
    }

    /// Writes a step as it is now, and a new revision of its operation. False where nothing differs, so that an observer that
    /// looks often writes seldom.
    pub async fn put(&self, conn: &mut Conn) -> QueryResult<bool> {
        let stored: Self = operation_steps::table
            .find((self.operation_id, self.position))
            .for_update()
            .select(Self::as_select())
            .first(conn)
            .await?;
        if stored == *self {
            return Ok(false);
        }
        diesel::update(operation_steps::table.find((self.operation_id, self.position)))
            .set((
                operation_steps::state.eq(&self.state),
                operation_steps::reason.eq(&self.reason),
                operation_steps::detail.eq(&self.detail),
                operation_steps::started_at.eq(self.started_at),
                operation_steps::finished_at.eq(self.finished_at),
            ))
            .execute(conn)
            .await?;
        diesel::update(operations::table.find(self.operation_id))
            .set(operations::revision.eq(operations::revision + 1))
            .execute(conn)
            .await?;
        Ok(true)
    }
}
