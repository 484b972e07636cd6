//! Fifth step: what was found out, in the status; what stays the same is not written again.

use std::collections::BTreeMap;
use std::time::Duration;

use howdah_crd::{
    ExportConditionType, ExportOutcome, ExportProgress, ExportReport, MastodonExport, MastodonExportStatus, OPERATOR_FIELD_MANAGER, Reason,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Api, Patch, PatchParams};
use kube::{Resource as _, ResourceExt as _};
use serde_json::json;

use super::context::{Context, Written};
use crate::cache::is_older;
use crate::controllers::instance::conditions::{self, Verdict};
use crate::error::Error;

/// What one pass found out. A condition that it says nothing about stays as it was.
#[derive(Debug, Default)]
pub struct Findings {
    pub verdicts: BTreeMap<ExportConditionType, Verdict>,
    pub started_at: Option<Timestamp>,
    pub report: Option<ExportReport>,
    /// The run has ended.
    pub outcome: Option<ExportOutcome>,
    /// When to look again without cause.
    pub wake_in: Option<Duration>,
}

impl Findings {
    pub fn ready(&mut self, condition: ExportConditionType) {
        self.verdicts.insert(condition, Verdict::ready());
    }

    pub fn not(&mut self, condition: ExportConditionType, reason: Reason, message: impl Into<String>) {
        self.verdicts.insert(condition, Verdict::not(reason, message));
    }

    /// What has to be waited for; always false, which is what it is.
    pub fn wait(&mut self, condition: ExportConditionType, reason: Reason, message: String, after: Duration) -> bool {
        self.not(condition, reason, message);
        self.wake(after);
        false
    }

    pub fn wake(&mut self, after: Duration) {
        self.wake_in = Some(self.wake_in.map_or(after, |it| it.min(after)));
    }
}

/// Whole, or given up.
#[must_use]
pub fn is_over(status: &MastodonExportStatus) -> bool {
    status.finished_at.is_some()
}

/// Its keys are gone, and all that was made for it.
#[must_use]
pub fn is_put_away(status: &MastodonExportStatus) -> bool {
    let destination = status.conditions.iter().find(|it| it.type_ == ExportConditionType::DestinationReady.as_str());
    is_over(status) && destination.is_some_and(|it| it.reason == Reason::NotWanted.as_str())
}

pub async fn update_status(context: &Context, cr: &MastodonExport, findings: &Findings) -> Result<(), Error> {
    let before = current(context, cr);
    let status = next(cr, &before, findings, context.instances.now());
    if status == before {
        return Ok(());
    }
    let name = cr.name_any();
    let body = json!({
        "apiVersion": MastodonExport::api_version(&()),
        "kind": MastodonExport::kind(&()),
        // Never on one that was deleted, or changed by another operator, meanwhile.
        "metadata": {"name": name, "uid": cr.metadata.uid, "resourceVersion": version(context, cr)},
        "status": status,
    });
    let api: Api<MastodonExport> = Api::namespaced(context.instances.client.clone(), &cr.namespace().unwrap_or_default());
    let parameters = PatchParams::apply(OPERATOR_FIELD_MANAGER).force();
    let written =
        api.patch_status(&name, &parameters, &Patch::Apply(&body)).await.map_err(Error::kubernetes("write the status of", &name))?;
    let version = written.metadata.resource_version.unwrap_or_default();
    context.remember(cr, |it| it.written = Some(Written { version, status }));
    Ok(())
}

/// The status as it is known: our own last write is newer than the cache for a moment.
pub fn current(context: &Context, cr: &MastodonExport) -> MastodonExportStatus {
    match newer_than_seen(context, cr) {
        Some(Written { status, .. }) => status,
        None => cr.status.clone().unwrap_or_default(),
    }
}

/// The newest resourceVersion that is known of it.
pub fn version(context: &Context, cr: &MastodonExport) -> String {
    newer_than_seen(context, cr).map_or_else(|| cr.metadata.resource_version.clone().unwrap_or_default(), |it| it.version)
}

fn newer_than_seen(context: &Context, cr: &MastodonExport) -> Option<Written> {
    let seen = cr.metadata.resource_version.as_deref().unwrap_or_default();
    context.recall(cr).written.filter(|it| is_older(seen, &it.version))
}

fn next(cr: &MastodonExport, before: &MastodonExportStatus, findings: &Findings, now: Timestamp) -> MastodonExportStatus {
    let mut status = before.clone();
    status.observed_generation = cr.metadata.generation;
    status.started_at = before.started_at.clone().or_else(|| findings.started_at.map(Time));
    if let Some(report) = &findings.report {
        status.progress = Some(ExportProgress { report: report.clone(), at: Time(now) });
    }
    let mut verdicts = findings.verdicts.clone();
    if let Some(outcome) = &findings.outcome {
        status.finished_at = before.finished_at.clone().or(Some(Time(now)));
        let verdict = match outcome {
            ExportOutcome::Finished { size, content_digest } => {
                (status.size, status.content_digest) = (Some((*size).max(0)), Some(content_digest.chars().take(100).collect()));
                Verdict::ready()
            }
            ExportOutcome::Failed(failure) => {
                let mut failure = failure.clone();
                // They come from a pod that is a stranger's.
                failure.reason.truncate(failure.reason.floor_char_boundary(40));
                failure.message.truncate(failure.message.floor_char_boundary(1000));
                let verdict = Verdict::not(Reason::JobFailed, failure.message.clone());
                status.failure = Some(failure);
                verdict
            }
        };
        verdicts.insert(ExportConditionType::Complete, verdict);
    }
    status.conditions = conditions(cr, before, &verdicts, now);
    status
}

fn conditions(
    cr: &MastodonExport,
    before: &MastodonExportStatus,
    verdicts: &BTreeMap<ExportConditionType, Verdict>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for type_ in ExportConditionType::ALL {
        let old = before.conditions.iter().find(|it| it.type_ == type_.as_str());
        match (verdicts.get(type_), old) {
            (Some(verdict), old) => {
                let message = verdict.message.chars().take(1000).collect();
                let verdict = Verdict { message, ..verdict.clone() };
                conditions.push(conditions::condition(type_.as_str(), &verdict, old, cr.metadata.generation, now));
            }
            (None, Some(old)) => conditions.push(old.clone()),
            (None, None) => {
                let waiting = Verdict::not(Reason::Waiting, String::new());
                conditions.push(conditions::condition(type_.as_str(), &waiting, None, cr.metadata.generation, now));
            }
        }
    }
    conditions
}
