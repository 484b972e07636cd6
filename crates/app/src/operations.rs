//! Operations as people see them, and what use cases and jobs share in changing them.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::instance::Page;
use howdah_db::models::operation::{NewOperation, Operation as Row, OperationStep};
use howdah_domain::{Failure, InstanceId, Lane, Operation, OperationId, OperationKind, OperationState, PersonId, Step, StepState, failure};

use crate::{Actor, App, Error, exports, instances};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationView {
    pub id: OperationId,
    pub instance: InstanceId,
    pub kind: OperationKind,
    pub state: OperationState,
    pub steps: Vec<StepView>,
    /// What ended it, or holds it up now: then it is still running, and goes on by itself once the cause is gone.
    pub failure: Option<Failure>,
    /// What the failing part said: for operators only.
    pub detail: Option<String>,
    /// Rises with every change.
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    pub name: &'static str,
    pub state: StepState,
    pub failure: Option<Failure>,
    /// How far it is, where it can say so.
    pub progress: Option<String>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// # Errors
/// [`Error::NotFound`] for an operation that is not the account's.
pub async fn get(app: &App, actor: &Actor, id: OperationId) -> Result<OperationView, Error> {
    actor.may_read()?;
    seen_by(&mut *app.conn().await?, actor, id).await
}

/// The operation, where the actor may see it.
pub(crate) async fn seen_by(conn: &mut Conn, actor: &Actor, id: OperationId) -> Result<OperationView, Error> {
    let row = if actor.operates() {
        Row::by_id(conn, id.as_uuid()).await?
    } else {
        Row::of_account(conn, actor.account.as_uuid(), id.as_uuid()).await?
    };
    let row = row.ok_or(Error::NotFound { what: "operation" })?;
    let steps = OperationStep::of(conn, row.id).await?;
    view(&row, &steps, actor.operates())
}

/// A server's operations, the newest first.
///
/// # Errors
/// [`Error::NotFound`] for a server that is not the account's.
pub async fn list(app: &App, actor: &Actor, instance: InstanceId, page: Page) -> Result<Vec<OperationView>, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    instances::seen_by(&mut conn, actor, instance).await?;
    let rows = Row::page_of_instance(&mut conn, instance.as_uuid(), page).await?;
    let ids: Vec<_> = rows.iter().map(|it| it.id).collect();
    let steps = OperationStep::of_all(&mut conn, &ids).await?;
    let steps_of = |row: &Row| steps.iter().filter(|it| it.operation_id == row.id).cloned().collect::<Vec<_>>();
    rows.iter().map(|row| view(row, &steps_of(row), actor.operates())).collect()
}

/// `with_details`: the reader is an operator.
pub(crate) fn view(row: &Row, steps: &[OperationStep], with_details: bool) -> Result<OperationView, Error> {
    let operation = row.with_steps(steps)?;
    let trouble = operation.trouble();
    Ok(OperationView {
        id: OperationId::from_uuid(row.id),
        instance: InstanceId::from_uuid(row.instance_id),
        kind: operation.kind,
        state: operation.state,
        failure: trouble.map(|(step, cause)| failure::explain(step, cause)),
        detail: trouble.and_then(|(_, cause)| cause.detail.clone()).filter(|_| with_details),
        steps: operation.steps.iter().map(step_view).collect(),
        revision: row.revision,
        created_at: operation.created_at,
        started_at: operation.started_at,
        finished_at: operation.finished_at,
    })
}

fn step_view(step: &Step) -> StepView {
    let has_failed = step.state == StepState::Failed;
    let cause = step.cause.as_ref();
    StepView {
        name: step.name.as_str(),
        state: step.state,
        failure: cause.filter(|_| has_failed).map(|it| failure::explain(step.name, it)),
        progress: cause.filter(|_| !has_failed).and_then(|it| it.detail.clone()),
        started_at: step.started_at,
        finished_at: step.finished_at,
    }
}

/// A row with what it says.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub row: Row,
    pub operation: Operation,
}

/// The live operation of the exclusive lane.
pub(crate) async fn live(conn: &mut Conn, instance: InstanceId) -> Result<Option<Recorded>, Error> {
    let Some(row) = Row::live(conn, instance.as_uuid(), Lane::Exclusive.as_str()).await? else { return Ok(None) };
    let steps = OperationStep::of(conn, row.id).await?;
    let operation = row.with_steps(&steps)?;
    Ok(Some(Recorded { row, operation }))
}

/// Begins one, queued.
pub(crate) async fn begin(
    app: &App,
    conn: &mut Conn,
    instance: InstanceId,
    kind: OperationKind,
    requested_by: Option<PersonId>,
) -> Result<OperationId, Error> {
    let now = app.now();
    let id = OperationId::generate(now, &*app.randomness);
    let requested_by = requested_by.map(PersonId::as_uuid);
    let new = NewOperation { id: id.as_uuid(), instance_id: instance.as_uuid(), kind, requested_by, created_at: now };
    new.insert(conn).await?;
    Ok(id)
}

/// Writes what became of one, if anything did. A conflict means that somebody else was faster: whoever sees it looks again.
pub(crate) async fn save(conn: &mut Conn, recorded: &Recorded, operation: &Operation) -> Result<(), Error> {
    if recorded.operation == *operation {
        return Ok(());
    }
    let saved = Row::save(conn, recorded.row.id, recorded.row.revision, operation).await?;
    saved.map(drop).ok_or(Error::PreconditionFailed)
}

/// Cancels the live operation, if there is one, with the final bundle that is being made for it.
pub(crate) async fn cancel_live(app: &App, conn: &mut Conn, instance: InstanceId) -> Result<(), Error> {
    let Some(recorded) = live(conn, instance).await? else { return Ok(()) };
    exports::cancel_final(app, conn, recorded.row.id).await?;
    let cancelled = recorded.operation.clone().cancel(app.now())?;
    save(conn, &recorded, &cancelled).await
}

/// Whether the server is being taken along right now.
pub(crate) async fn has_live_export(conn: &mut Conn, instance: uuid::Uuid) -> Result<bool, Error> {
    Ok(Row::live(conn, instance, Lane::Export.as_str()).await?.is_some())
}
