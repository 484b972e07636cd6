//! The final bundle of a server that is closed or moves out: begun once its grace period is over, or once it is stopped, and all else waits for
//! it. One that fails is begun anew after a while; an owner who wants none takes the closing back, and closes without one.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::Conn;
use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::{Operation as OperationRow, OperationStep};
use howdah_domain::lifecycle::{Cause, StepFact};
use howdah_domain::{Lane, Operation, OperationKind, OperationState, StepState};

use crate::exports;
use crate::worker::{WorkError, Worker};

/// Before one that failed is begun anew.
const PAUSE: TimeDelta = TimeDelta::minutes(15);

/// Begins it where it is time for that, and says how far it is. `leaves_by`: the live operation; `is_stopped`: nothing of the server runs.
pub async fn follow(
    worker: &Worker,
    conn: &mut Conn,
    server: &Instance,
    leaves_by: Option<&OperationRow>,
    is_stopped: bool,
    now: DateTime<Utc>,
) -> Result<StepFact, WorkError> {
    let Some((leaves_by, kind)) = leaves_by.and_then(|it| Some((it, OperationKind::parse(&it.kind)?))) else {
        return Ok(StepFact::Skipped);
    };
    if !matches!(kind, OperationKind::MoveOut | OperationKind::Close) {
        return Ok(StepFact::Skipped);
    }
    // One whose time was over before anything began is made anew.
    let is_over = |export: &Export| export.deleted_at.is_some() && server.begun().is_none();
    let found = match FinalBundle::newest_for(conn, leaves_by.id).await?.filter(|(export, _)| !is_over(export)) {
        Some((export, row)) => {
            let steps = OperationStep::of(conn, row.id).await?;
            Some((export, row.with_steps(&steps)?))
        }
        None => None,
    };
    let is_whole = found.as_ref().is_some_and(|(_, it)| it.state == OperationState::Succeeded);
    if is_whole {
        return Ok(StepFact::Done);
    }
    if server.begun().is_some() || !exports::keeps_final(&worker.app, server) {
        return Ok(StepFact::Skipped);
    }
    if let Some(fact) = found.as_ref().and_then(|(_, run)| of_run(run, now)) {
        return Ok(fact);
    }
    if kind == OperationKind::MoveOut && found.is_none() && !is_stopped {
        return Ok(StepFact::Waiting);
    }
    if OperationRow::live(conn, server.id, Lane::Export.as_str()).await?.is_some() {
        return Ok(StepFact::Running(Some(Cause::new("Waiting", Some("after the export that is under way".to_owned())))));
    }
    if let Some((export, _)) = &found {
        exports::discard_final(&worker.app, conn, export.id).await?;
    }
    exports::begin_final(&worker.app, conn, server, leaves_by).await?;
    Ok(StepFact::Running(None))
}

/// `None` where it is to be begun anew.
fn of_run(run: &Operation, now: DateTime<Utc>) -> Option<StepFact> {
    match (run.state, &run.failure, run.finished_at) {
        (OperationState::Failed, Some((_, cause)), Some(at)) if now < at + PAUSE => Some(StepFact::Failing(cause.clone())),
        (OperationState::Failed | OperationState::Cancelled, ..) => None,
        (OperationState::Succeeded, ..) => Some(StepFact::Done),
        (OperationState::Queued | OperationState::Running, ..) => {
            let step = run.current_step()?;
            Some(match (step.state, step.cause.clone()) {
                (StepState::Failed, Some(cause)) => StepFact::Failing(cause),
                (_, cause) => StepFact::Running(cause),
            })
        }
    }
}
