//! Fourth step: the keys for the destination, the opening in the walls, the Job; then what the Job says of itself. It waits for nothing.

use std::time::Duration;

use howdah_crd::{ExportConditionType, ExportFailure, ExportOutcome, FailureReason, Reason};

use super::build::Objects;
use super::context::Context;
use super::update_status::Findings;
use super::validate::Valid;
use super::{destination, progress};
use crate::cache::{ChildKey, Facts, JobFacts, JobOutcome, PodFacts, PodProblem};
use crate::controllers::instance::apply::children;
use crate::controllers::instance::conditions::{Verdict, newest_pod};
use crate::error::Error;

const COMPLETE: ExportConditionType = ExportConditionType::Complete;
/// The end of a pod is seen by another watch than its Job's, and so maybe after it.
const LATE: Duration = Duration::from_secs(30);

pub async fn apply(context: &Context, valid: &Valid<'_>, objects: Objects, findings: &mut Findings) -> Result<(), Error> {
    let Objects { policy, job } = objects;
    let instances = &context.instances;
    if !destination::ensure(context, valid, findings).await? {
        findings.not(COMPLETE, Reason::Waiting, String::new());
        return Ok(());
    }
    // Before the pod, which else reaches nobody.
    children::ensure(instances, &valid.server, &policy).await?;
    // What a Job runs can't be changed, and what changed meanwhile is for the next export.
    if !valid.server.children.contains_key(&job.key) {
        children::ensure(instances, &valid.server, &job).await?;
    }
    look(context, valid, &job.key, findings).await
}

async fn look(context: &Context, valid: &Valid<'_>, job: &ChildKey, findings: &mut Findings) -> Result<(), Error> {
    let children = context.instances.children.snapshot(valid.server.id);
    findings.not(COMPLETE, Reason::Progressing, String::new());
    let Some(child) = children.get(job) else { return Ok(()) };
    let Facts::Job(JobFacts { outcome, failed_for, .. }) = &child.facts else { return Ok(()) };
    findings.started_at = Some(child.created);
    let pod = newest_pod(&children, &job.name);
    match outcome {
        JobOutcome::Running => {
            if let Some(PodProblem { reason, message }) = pod.and_then(|it| it.problem.clone()) {
                findings.verdicts.insert(COMPLETE, Verdict::not(reason, message));
            }
            progress::ask(context, valid, pod, findings).await;
        }
        JobOutcome::Complete { at } => match last_words(pod) {
            Some(outcome) => findings.outcome = Some(outcome),
            None => {
                let waited = Duration::try_from(valid.server.now.duration_since(*at)).unwrap_or_default();
                match LATE.checked_sub(waited).filter(|it| !it.is_zero()) {
                    Some(left) => findings.wake(left),
                    // Whoever runs again finds the bundle whole, and says so.
                    None => children::delete(&context.instances, job, child).await?,
                }
            }
        },
        JobOutcome::Failed { .. } => findings.outcome = Some(ExportOutcome::Failed(failure(pod, failed_for.as_deref()))),
    }
    Ok(())
}

fn last_words(pod: Option<&PodFacts>) -> Option<ExportOutcome> {
    serde_json::from_str(pod?.message.as_deref()?.trim()).ok()
}

fn failure(pod: Option<&PodFacts>, failed_for: Option<&str>) -> ExportFailure {
    if failed_for == Some("DeadlineExceeded") {
        return ExportFailure::new(FailureReason::Deadline, "");
    }
    match last_words(pod) {
        Some(ExportOutcome::Failed(failure)) => failure,
        // Killed, for want of memory say, before it could speak; what it logged last is all that there is.
        Some(ExportOutcome::Finished { .. }) | None => {
            let words = pod.and_then(|it| it.message.as_deref()).map(crate::cache::clip).unwrap_or_default();
            ExportFailure::new(FailureReason::Interrupted, &words)
        }
    }
}
