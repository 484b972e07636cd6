//! Operations: long work with a name, steps and an end. At most one is live in a lane of an instance, says an index.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use howdah_domain as domain;
use uuid::Uuid;

use super::instance::Page;
use super::lifecycle::clip;
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

/// An operation is born queued, with all the steps of its kind waiting.
pub struct NewOperation {
    pub id: Uuid,
    pub instance_id: Uuid,
    pub kind: domain::OperationKind,
    pub requested_by: Option<Uuid>,
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

/// An operation with its steps in their order.
pub type WithSteps = (Operation, Vec<OperationStep>);

/// Rows of one operation follow each other. None is without steps.
fn grouped(rows: Vec<(Operation, OperationStep)>) -> Vec<WithSteps> {
    let mut all: Vec<WithSteps> = Vec::new();
    for (operation, step) in rows {
        match all.last_mut() {
            Some((last, steps)) if last.id == operation.id => steps.push(step),
            _ => all.push((operation, vec![step])),
        }
    }
    all
}

impl NewOperation {
    /// Fails on `operations_one_live_a_lane` where the instance has a live operation in that lane.
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<Operation> {
        let row = diesel::insert_into(operations::table)
            .values((
                operations::id.eq(self.id),
                operations::instance_id.eq(self.instance_id),
                operations::kind.eq(self.kind.as_str()),
                operations::lane.eq(self.kind.lane().as_str()),
                operations::state.eq(domain::OperationState::Queued.as_str()),
                operations::requested_by.eq(self.requested_by),
                operations::revision.eq(1),
                operations::created_at.eq(self.created_at),
            ))
            .returning(Operation::as_returning())
            .get_result(conn)
            .await?;
        let operation = domain::Operation::new(self.kind, self.created_at);
        let steps: Vec<OperationStep> =
            (0i16..).zip(&operation.steps).map(|(position, step)| OperationStep::from_domain(self.id, position, step)).collect();
        diesel::insert_into(operation_steps::table).values(steps).execute(conn).await?;
        Ok(row)
    }
}

impl Operation {
    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        operations::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// As [`Self::by_id`], locked until the transaction ends.
    pub async fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        operations::table.find(id).for_update().select(Self::as_select()).first(conn).await.optional()
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
        query.order(operations::id.desc()).limit(page.limit).select(Self::as_select()).load(conn).await
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

    /// Live exclusive operations of these instances, with their steps in their order: for lists.
    pub async fn live_of(mut conn: &Conn, instance_ids: &[Uuid]) -> QueryResult<Vec<WithSteps>> {
        let rows = operations::table
            .inner_join(operation_steps::table)
            .filter(operations::instance_id.eq_any(instance_ids))
            .filter(operations::lane.eq("exclusive"))
            .filter(operations::state.eq_any(LIVE))
            .order((operations::id, operation_steps::position))
            .select((Self::as_select(), OperationStep::as_select()))
            .load(&mut conn)
            .await?;
        Ok(grouped(rows))
    }

    /// The newest exclusive operation of an instance, live or ended, with its steps in their order.
    pub async fn latest(mut conn: &Conn, instance_id: Uuid) -> QueryResult<Option<WithSteps>> {
        let newest = diesel::alias!(operations as newest);
        let latest = newest
            .filter(newest.field(operations::instance_id).eq(instance_id))
            .filter(newest.field(operations::lane).eq("exclusive"))
            .order(newest.field(operations::id).desc())
            .limit(1)
            .select(newest.field(operations::id));
        let rows = operations::table
            .inner_join(operation_steps::table)
            .filter(operations::id.eq_any(latest))
            .order(operation_steps::position)
            .select((Self::as_select(), OperationStep::as_select()))
            .load(&mut conn)
            .await?;
        Ok(grouped(rows).pop())
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

    /// Writes an operation and its steps as they are now; only what differs is written, and all of it is one new revision.
    /// `None` where `revision` is no longer the row's. The steps are those it was made with.
    pub async fn save(conn: &mut Conn, id: Uuid, revision: i64, operation: &domain::Operation) -> QueryResult<Option<Self>> {
        let failure = operation.failure.as_ref();
        let saved: Option<Self> = diesel::update(operations::table.find(id).filter(operations::revision.eq(revision)))
            .set((
                operations::state.eq(operation.state.as_str()),
                operations::failed_step.eq(failure.map(|(step, _)| step.as_str())),
                operations::failed_reason.eq(failure.map(|(_, cause)| clip(&cause.reason, 63))),
                operations::failed_detail.eq(failure.and_then(|(_, cause)| cause.detail.as_deref()).map(|it| clip(it, 2000))),
                operations::started_at.eq(operation.started_at),
                operations::finished_at.eq(operation.finished_at),
                operations::revision.eq(revision + 1),
            ))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()?;
        if saved.is_some() {
            let stored = OperationStep::of(conn, id).await?;
            for (position, step) in (0i16..).zip(&operation.steps) {
                let step = OperationStep::from_domain(id, position, step);
                if !stored.contains(&step) {
                    step.write(conn).await?;
                }
            }
        }
        Ok(saved)
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

    async fn write(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::update(operation_steps::table.find((self.operation_id, self.position)))
            .set((
                operation_steps::state.eq(&self.state),
                operation_steps::reason.eq(&self.reason),
                operation_steps::detail.eq(&self.detail),
                operation_steps::started_at.eq(self.started_at),
                operation_steps::finished_at.eq(self.finished_at),
            ))
            .execute(conn)
            .await
    }
}
