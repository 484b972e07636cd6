//! Fifth step: writes what the pass found out, if that is news, and tells of it by an Event.
//!
//! A write costs the API server and whoever watches. What others act on is written at once; the steps on the way are for eyes,
//! and those that follow each other quickly are written together. Nothing is lost by that: what is not written is found out
//! again by the next pass.

use std::time::Duration;

use howdah_crd::{
    ConditionType, Endpoints, MastodonInstance, MastodonInstanceSpec, MastodonInstanceStatus, OPERATOR_FIELD_MANAGER, PowerState, Reason,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use kube::{Resource as _, ResourceExt as _};
use serde_json::json;

use super::conditions::{self, Progress, Verdict};
use super::context::{Context, Written};
use super::import;
use super::validate::Refusal;
use crate::cache::is_older;
use crate::error::{Error, chain};

/// The order in which conditions stand in the status.
const ORDER: [ConditionType; 18] = [
    ConditionType::Ready,
    ConditionType::Accepted,
    ConditionType::NamespaceReady,
    ConditionType::SecretsReady,
    ConditionType::DatabaseReady,
    ConditionType::BucketReady,
    ConditionType::CacheReady,
    ConditionType::DataLoaded,
    ConditionType::SchemaReady,
    ConditionType::OwnerReady,
    ConditionType::Configured,
    ConditionType::WorkloadsReady,
    ConditionType::Stopped,
    ConditionType::RouteReady,
    ConditionType::OwnerLinkReady,
    ConditionType::FarewellComplete,
    ConditionType::DataDestroyed,
    ConditionType::TeardownConfirmed,
];
/// Others act on these.
const ACTED_ON: [ConditionType; 8] = [
    ConditionType::Ready,
    ConditionType::DataLoaded,
    ConditionType::WorkloadsReady,
    ConditionType::Stopped,
    ConditionType::OwnerLinkReady,
    ConditionType::FarewellComplete,
    ConditionType::DataDestroyed,
    ConditionType::TeardownConfirmed,
];
/// Between two writes of what is for eyes only.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);
/// The API server's limit is 32 KiB; nobody reads so much.
const MESSAGE_LIMIT: usize = 1000;
const EVENT_LIMIT: Duration = Duration::from_secs(5);

/// A refused spec: nothing else is known of it, and what was known stays.
pub fn refused(refusal: Refusal, progress: &mut Progress) {
    let Refusal { reason, message } = refusal;
    if matches!(reason, Reason::SecretNotFound | Reason::SecretIncomplete) {
        progress.not(ConditionType::SecretsReady, reason, &message);
    }
    progress.not(ConditionType::Accepted, reason, message);
}

/// An error that ended the pass belongs to the step that it was in: the first one that nothing is known of yet.
pub fn failed(error: &Error, spec: &MastodonInstanceSpec, progress: &mut Progress) {
    if matches!(error.cause(), crate::error::Cause::Conflict | crate::error::Cause::Forbidden) {
        // Over in a moment: no news for anyone.
        return;
    }
    let reason = match error.refusal() {
        Some(words) if words.contains("exceeded quota") => Reason::QuotaExceeded,
        _ => Reason::Error,
    };
    if let Some(step) = conditions::launch(spec).find(|it| !progress.is_ready(*it)) {
        progress.verdicts.entry(step).or_insert_with(|| Verdict::not(reason, chain(error)));
    }
}

/// What can wait is left to the next pass, which `progress` then asks for.
pub async fn update_status(context: &Context, cr: &MastodonInstance, progress: &mut Progress) -> Result<(), Error> {
    let before = current(context, cr);
    let now = context.now();
    let status = next(cr, &before, progress, now);
    if status == before {
        return Ok(());
    }
    if ACTED_ON.iter().all(|it| conditions::is_true(&before, *it) == conditions::is_true(&status, *it)) {
        if progress.again {
            return Ok(());
        }
        if let Some(rest) = rest_of_pause(context, cr, now) {
            progress.wake(rest);
            return Ok(());
        }
    }
    let name = cr.name_any();
    let body = json!({
        "apiVersion": MastodonInstance::api_version(&()),
        "kind": MastodonInstance::kind(&()),
        // Never on a resource that was deleted, or changed by another operator, meanwhile.
        "metadata": {"name": name, "uid": cr.metadata.uid, "resourceVersion": version(context, cr)},
        "status": status,
    });
    let api: Api<MastodonInstance> = Api::all(context.client.clone());
    let parameters = PatchParams::apply(OPERATOR_FIELD_MANAGER).force();
    let written =
        api.patch_status(&name, &parameters, &Patch::Apply(&body)).await.map_err(Error::kubernetes("write the status of", &name))?;
    let written_version = written.metadata.resource_version.unwrap_or_default();
    context.memory(cr).lock().written = Some(Written { version: written_version, status: status.clone(), at: now });
    tell(context, cr, &before, &status).await;
    Ok(())
}

fn rest_of_pause(context: &Context, cr: &MastodonInstance, now: Timestamp) -> Option<Duration> {
    let since = context.memory(cr).lock().written.as_ref().map(|it| now.duration_since(it.at))?;
    // A clock that was set back is no reason to keep silent.
    let rests = !since.is_negative() && since < PAUSE;
    rests.then(|| (PAUSE - since).unsigned_abs())
}

/// The status as it is known: our own last write is newer than the cache for a moment.
pub fn current(context: &Context, cr: &MastodonInstance) -> MastodonInstanceStatus {
    let memory = context.memory(cr);
    let remembered = memory.lock();
    match &remembered.written {
        Some(Written { version, status, .. }) if is_older(cr.metadata.resource_version.as_deref().unwrap_or_default(), version) => {
            status.clone()
        }
        _ => cr.status.clone().unwrap_or_default(),
    }
}

/// The newest resourceVersion that is known of the resource.
fn version(context: &Context, cr: &MastodonInstance) -> String {
    let cached = cr.metadata.resource_version.clone().unwrap_or_default();
    match &context.memory(cr).lock().written {
        Some(Written { version, .. }) if is_older(&cached, version) => version.clone(),
        _ => cached,
    }
}

fn next(cr: &MastodonInstance, before: &MastodonInstanceStatus, progress: &Progress, now: Timestamp) -> MastodonInstanceStatus {
    let spec = &cr.spec;
    let mark = import::mark(spec);
    let mut conditions = Vec::new();
    for type_ in ORDER {
        let old = before.conditions.iter().find(|it| it.type_ == type_.as_str());
        let verdict = match type_ {
            ConditionType::Ready => Some(overall(spec, before, progress)),
            ConditionType::DataLoaded if mark.is_none() => Some(Verdict::not(Reason::NotWanted, String::new())),
            _ => progress.verdicts.get(&type_).cloned(),
        };
        match (verdict, old) {
            (Some(mut verdict), old) => {
                verdict.message = verdict.message.chars().take(MESSAGE_LIMIT).collect();
                conditions.push(conditions::condition(type_.as_str(), &verdict, old, cr.metadata.generation, now));
            }
            // Asked for no longer.
            (None, Some(_)) if type_ == ConditionType::TeardownConfirmed && spec.teardown.is_none() => {}
            (None, Some(_)) if type_ == ConditionType::Stopped && spec.power_state != PowerState::Suspended => {}
            (None, Some(_)) if type_ == ConditionType::DataDestroyed && spec.power_state != PowerState::MovedOut => {}
            (None, Some(_)) if type_ == ConditionType::OwnerLinkReady && spec.owner_link.is_none() => {}
            (None, Some(old)) => conditions.push(old.clone()),
            (None, None) if ConditionType::LAUNCH.contains(&type_) => {
                let waiting = Verdict::not(Reason::Waiting, String::new());
                conditions.push(conditions::condition(type_.as_str(), &waiting, None, cr.metadata.generation, now));
            }
            (None, None) => {}
        }
    }
    let loaded = match progress.verdicts.get(&ConditionType::DataLoaded) {
        Some(verdict) => mark.clone().filter(|_| verdict.is_true()),
        None => before.loaded.clone(),
    };
    // Of what is still to be loaded nothing was ever served.
    let served = before.version.clone().filter(|_| mark.is_none() || loaded.is_some());
    let runs = conditions.iter().any(|it| it.type_ == ConditionType::WorkloadsReady.as_str() && it.status == "True");
    MastodonInstanceStatus {
        observed_generation: cr.metadata.generation,
        observed_revision: Some(spec.revision),
        loaded,
        schema_version: progress.schema_version.clone().or_else(|| before.schema_version.clone()),
        owner_link_issued: progress.owner_link_issued.clone().or_else(|| before.owner_link_issued.clone()),
        version: if runs && progress.is_ready(ConditionType::WorkloadsReady) { Some(spec.version.clone()) } else { served },
        endpoints: spec
            .routing
            .enabled
            .then(|| Endpoints { web: format!("https://{}", spec.web_domain()), media: format!("https://{}", spec.media_domain()) }),
        usage: progress.usage.clone().or_else(|| before.usage.clone()),
        farewell: progress.farewell.clone().or_else(|| before.farewell.clone()),
        conditions,
    }
}

/// Ready is the first step that isn't.
fn overall(spec: &MastodonInstanceSpec, before: &MastodonInstanceStatus, progress: &Progress) -> Verdict {
    let has_route = spec.routing.enabled || spec.power_state == PowerState::Rehearsal;
    let route = has_route.then_some(ConditionType::RouteReady);
    let steps: Vec<ConditionType> = match spec.power_state {
        PowerState::MovedOut => vec![ConditionType::DataDestroyed],
        _ => conditions::launch(spec).collect(),
    };
    let mut waits = None;
    for type_ in [ConditionType::Accepted].into_iter().chain(steps).chain(route) {
        let verdict = match progress.verdicts.get(&type_) {
            Some(verdict) => verdict.clone(),
            None => remembered(type_, before),
        };
        match verdict {
            verdict if verdict.is_true() => {}
            // Something else holds it up, and says so.
            Verdict { reason: Reason::Waiting, .. } => waits = waits.or(Some(verdict)),
            Verdict { reason, message, truth } => {
                let message = if message.is_empty() { type_.to_string() } else { format!("{type_}: {message}") };
                return Verdict { truth, reason, message };
            }
        }
    }
    waits.unwrap_or_else(Verdict::ready)
}

fn remembered(type_: ConditionType, before: &MastodonInstanceStatus) -> Verdict {
    let old = before.conditions.iter().find(|it| it.type_ == type_.as_str());
    match old {
        Some(Condition { status, .. }) if status == "True" => Verdict::ready(),
        Some(Condition { reason, message, .. }) => Verdict::not(Reason::parse(reason).unwrap_or(Reason::Error), message),
        None => Verdict::not(Reason::Waiting, String::new()),
    }
}

/// An Event where Ready has another reason than before. That it can't be written is no failure of the server's.
async fn tell(context: &Context, cr: &MastodonInstance, before: &MastodonInstanceStatus, after: &MastodonInstanceStatus) {
    let ready = |status: &MastodonInstanceStatus| {
        let found = status.conditions.iter().find(|it| it.type_ == ConditionType::Ready.as_str());
        found.map(|it| (it.reason.clone(), it.message.clone()))
    };
    let Some((reason, note)) = ready(after) else { return };
    if ready(before).is_some_and(|(old, _)| old == reason) {
        return;
    }
    let quiet = [Reason::Ready, Reason::Progressing, Reason::Waiting].map(Reason::as_str);
    let type_ = if quiet.contains(&reason.as_str()) { EventType::Normal } else { EventType::Warning };
    let event = Event { type_, reason, note: Some(note), action: "Reconcile".to_owned(), secondary: None };
    let published = tokio::time::timeout(EVENT_LIMIT, context.recorder.publish(&event, &cr.object_ref(&()))).await;
    match published {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = chain(&error), "an Event could not be written"),
        Err(_) => tracing::debug!("an Event was not written in time"),
    }
}

#[cfg(test)]
#[path = "update_status_tests.rs"]
mod tests;
