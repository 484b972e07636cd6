//! One pass over one export: its five steps in their order, and what comes after.

use std::sync::Arc;
use std::time::{Duration, Instant};

use howdah_crd::{ExportConditionType, MastodonExport, Reason};
use howdah_domain::ExportId;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;

use super::context::Context;
use super::update_status::{self, Findings, current, is_over, is_put_away};
use super::{apply, build, dereference, teardown, validate};
use crate::controllers::instance::validate::Refusal;
use crate::error::{Cause, Error, chain};

const LONGEST_PASS: Duration = Duration::from_secs(120);
/// A server that is not ready yet gets so without an event of the export's.
const REFUSED: Duration = Duration::from_secs(10);

pub async fn reconcile(cr: Arc<MastodonExport>, context: Arc<Context>) -> Result<Action, Error> {
    let begun = Instant::now();
    let name = cr.name_any();
    let result = match cr.spec.id.parse::<ExportId>() {
        Ok(id) => {
            let pass = Box::pin(pass(&context, Arc::clone(&cr), id));
            tokio::time::timeout(LONGEST_PASS, pass).await.unwrap_or(Err(Error::TooLong { name }))
        }
        // The definition's own rules let none through.
        Err(error) => {
            tracing::error!(export.name = name, error = chain(&error), "an export has no id");
            Ok(Action::await_change())
        }
    };
    if result.is_ok() && context.recall(&cr).failures > 0 {
        context.remember(&cr, |it| it.failures = 0);
    }
    context.instances.metrics.reconciled(begun.elapsed());
    result
}

async fn pass(context: &Context, mut cr: Arc<MastodonExport>, id: ExportId) -> Result<Action, Error> {
    Arc::make_mut(&mut cr).status = Some(current(context, &cr));
    let status = cr.status.clone().unwrap_or_default();
    if cr.metadata.deletion_timestamp.is_some() {
        return teardown::cancel(context, &cr, id).await;
    }
    if is_put_away(&status) {
        teardown::let_go(context, &cr).await?;
        context.forget(&cr);
        return Ok(Action::await_change());
    }
    if is_over(&status) {
        return teardown::put_away(context, &cr, id).await;
    }
    if !teardown::has_finalizer(&cr) {
        teardown::hold(context, &cr).await?;
        // Its event brings the next pass.
        return Ok(Action::requeue(Duration::from_secs(5)));
    }
    run(context, cr, id).await
}

async fn run(context: &Context, cr: Arc<MastodonExport>, id: ExportId) -> Result<Action, Error> {
    let found = dereference::dereference(context, Arc::clone(&cr), id).await?;
    let mut findings = Findings::default();
    let outcome = match validate::validate(&found, &context.instances.config) {
        Ok(valid) => {
            findings.ready(ExportConditionType::Accepted);
            let objects = build::build(&valid);
            apply::apply(context, &valid, objects, &mut findings).await
        }
        Err(Refusal { reason, message }) => {
            findings.wait(ExportConditionType::Accepted, reason, message, REFUSED);
            Ok(())
        }
    };
    if let Err(error) = &outcome {
        // The others are over in a moment: no news for anyone.
        if !matches!(error.cause(), Cause::Conflict | Cause::Forbidden) {
            findings.not(ExportConditionType::Complete, Reason::Error, chain(error));
        }
    }
    update_status::update_status(context, &cr, &findings).await?;
    outcome?;
    if findings.outcome.is_some() {
        return teardown::put_away(context, &cr, id).await;
    }
    Ok(findings.wake_in.map_or_else(|| Action::requeue(context.instances.resync()), Action::requeue))
}

pub fn after_error(cr: Arc<MastodonExport>, error: &Error, context: Arc<Context>) -> Action {
    let cause = error.cause();
    context.instances.metrics.failed(cause);
    let failures = context.remember(&cr, |it| it.failures = it.failures.saturating_add(1)).failures;
    let wait = error.backoff(failures);
    tracing::warn!(
        export.id = cr.spec.id,
        export.name = cr.name_any(),
        error.cause = cause.as_str(),
        error = chain(error),
        retry_in_ms = wait.as_millis(),
        "a pass over an export failed"
    );
    Action::requeue(wait)
}
