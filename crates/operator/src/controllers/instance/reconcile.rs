//! One pass over one server: its five steps in their order, and what comes after.

use std::sync::Arc;
use std::time::{Duration, Instant};

use howdah_crd::{ConditionType, MastodonInstance, PowerState, Reason};
use howdah_domain::InstanceId;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;

use super::conditions::Progress;
use super::context::Context;
use super::dereference::Dereferenced;
use super::update_status::{self, current};
use super::{apply, build, dereference, moved_out, places, teardown, usage, validate};
use crate::error::{Error, chain};

/// So that whatever hangs holds no place among the workers for longer.
const LONGEST_PASS: Duration = Duration::from_secs(120);
/// A pass that changed what objects are built from is followed by the next at once.
pub const AT_ONCE: Duration = Duration::from_millis(1);
/// A rival may end its claim in ways that no event tells.
const REFUSED: Duration = Duration::from_secs(60);

pub async fn reconcile(cr: Arc<MastodonInstance>, context: Arc<Context>) -> Result<Action, Error> {
    let memory = context.memory(&cr);
    let place =
        if places::is_awaited(&cr) { Some(context.places.awaited().await) } else { context.places.bulk(memory.hurry.notified()).await };
    // The resource has changed while it stood in line: the pass is one of the newest.
    let Some(_place) = place else { return Ok(Action::requeue(AT_ONCE)) };
    let begun = Instant::now();
    let name = cr.name_any();
    let result = match cr.spec.id.parse::<InstanceId>() {
        // Thousands may stand in line: what a pass itself needs is asked for only once it begins.
        Ok(id) => Box::pin(within(&context, cr, id)).await,
        // The definition's own rules let none through.
        Err(error) => {
            tracing::error!(instance.name = name, error = chain(&error), "a resource has no id");
            Ok(Action::await_change())
        }
    };
    context.metrics.reconciled(begun.elapsed());
    result
}

async fn within(context: &Context, cr: Arc<MastodonInstance>, id: InstanceId) -> Result<Action, Error> {
    let name = cr.name_any();
    let memory = context.memory(&cr);
    let result = tokio::time::timeout(LONGEST_PASS, pass(context, cr, id)).await.unwrap_or(Err(Error::TooLong { name }));
    if result.is_ok() {
        memory.lock().failures = 0;
    }
    result
}

async fn pass(context: &Context, mut cr: Arc<MastodonInstance>, id: InstanceId) -> Result<Action, Error> {
    if cr.metadata.deletion_timestamp.is_some() {
        return teardown::teardown(context, &cr, id).await;
    }
    if !teardown::has_finalizer(&cr) {
        teardown::add_finalizer(context, &cr).await?;
        // Its event brings the next pass.
        return Ok(Action::requeue(Duration::from_secs(5)));
    }
    Arc::make_mut(&mut cr).status = Some(current(context, &cr));
    let found = dereference::dereference(context, Arc::clone(&cr), id).await?;
    let mut progress = Progress::default();
    // Also of a spec that is refused: what can't run can still be closed. Not of an id that is another's.
    let is_rival = found.rivalry.as_ref().is_some_and(|it| it.reason == Reason::IdConflict);
    if cr.spec.teardown.as_ref().is_some_and(|it| it.confirm == cr.spec.id) && !is_rival {
        progress.ready(ConditionType::TeardownConfirmed);
    }
    let outcome = match judge(&found, context) {
        Ok(judged) => {
            progress.ready(ConditionType::Accepted);
            match judged {
                Judged::MovedOut(site) => moved_out::bring_about(context, &site, &mut progress).await,
                Judged::Here(valid) => bring_about(context, &valid, &mut progress).await,
            }
        }
        Err(refusal) => {
            tracing::warn!(instance.id = %id, reason = %refusal.reason, message = refusal.message, "a spec is refused");
            update_status::refused(refusal, &mut progress);
            progress.wake(REFUSED);
            Ok(())
        }
    };
    if let Err(error) = &outcome {
        // The next pass is not at once.
        progress.again = false;
        update_status::failed(error, &cr.spec, &mut progress);
    }
    update_status::update_status(context, &cr, &mut progress).await?;
    outcome?;
    Ok(next_look(context, id, &progress))
}

enum Judged<'a> {
    MovedOut(validate::Site<'a>),
    Here(Box<validate::Valid<'a>>),
}

fn judge<'a>(found: &'a Dereferenced, context: &'a Context) -> Result<Judged<'a>, validate::Refusal> {
    match found.cr.spec.power_state {
        PowerState::MovedOut => validate::site(found, &context.config).map(Judged::MovedOut),
        _ => validate::validate(found, &context.config).map(|it| Judged::Here(Box::new(it))),
    }
}

async fn bring_about(context: &Context, valid: &validate::Valid<'_>, progress: &mut Progress) -> Result<(), Error> {
    let prepared = build::build(valid);
    let Some(applied) = apply::apply(context, valid, prepared, progress).await? else { return Ok(()) };
    apply::prune(context, valid, applied).await?;
    apply::forget_owner(context, valid).await?;
    apply::put_away(context, valid, progress).await?;
    usage::measure(context, valid, progress).await
}

/// Resyncs are spread, so that a restart doesn't make them all fall together for ever.
fn next_look(context: &Context, id: InstanceId, progress: &Progress) -> Action {
    if progress.again {
        return Action::requeue(AT_ONCE);
    }
    let jitter = u32::from(id.as_uuid().as_bytes()[14]);
    let resync = context.resync() + context.resync() * jitter / 2560;
    Action::requeue(progress.wake_in.map_or(resync, |it| it.min(resync)))
}

pub fn after_error(cr: Arc<MastodonInstance>, error: &Error, context: Arc<Context>) -> Action {
    let cause = error.cause();
    context.metrics.failed(cause);
    let failures = {
        let memory = context.memory(&cr);
        let mut remembered = memory.lock();
        remembered.failures = remembered.failures.saturating_add(1);
        remembered.failures
    };
    let wait = error.backoff(failures);
    let name = cr.name_any();
    tracing::warn!(
        instance.id = cr.spec.id,
        instance.name = name,
        error.cause = cause.as_str(),
        error = chain(error),
        retry_in_ms = wait.as_millis(),
        "a pass failed"
    );
    Action::requeue(wait)
}

#[cfg(test)]
#[path = "certificates_tests.rs"]
mod certificates_tests;
#[cfg(test)]
#[path = "fairness_tests.rs"]
mod fairness_tests;
#[cfg(test)]
#[path = "import_reconcile_tests.rs"]
mod import_tests;
#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
