//! The end of an export: of a run that is over, and of one that is cancelled, which is to delete it. Its Job first, so that nothing writes
//! any more; then its S3 user; last the finalizer. What was written stays where it is, and its Secret, policy and Job are the garbage
//! collector's where the export is deleted.

use std::sync::Arc;
use std::time::Duration;

use howdah_crd::{ExportConditionType, ExportDestination, MastodonExport, OPERATOR_FIELD_MANAGER, Reason, labels};
use howdah_domain::{ExportId, InstanceId};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::runtime::controller::Action;
use serde_json::json;

use super::context::Context;
use super::update_status::{Findings, update_status, version};
use crate::cache::{ChildKey, ChildKind, Facts, Snapshot};
use crate::controllers::instance::apply::children;
use crate::error::{Error, chain, status_code};

/// In case the event of a pod's end is missed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
const AWAY: Duration = Duration::from_secs(3);

pub fn has_finalizer(cr: &MastodonExport) -> bool {
    cr.finalizers().iter().any(|it| it == labels::EXPORT_FINALIZER)
}

/// Before anything is made: what is made has to be taken away again.
pub async fn hold(context: &Context, cr: &MastodonExport) -> Result<(), Error> {
    let mut finalizers = cr.finalizers().to_vec();
    finalizers.push(labels::EXPORT_FINALIZER.to_owned());
    set_finalizers(context, cr, &finalizers).await
}

/// Nothing is left to take away.
pub async fn let_go(context: &Context, cr: &MastodonExport) -> Result<(), Error> {
    if !has_finalizer(cr) {
        return Ok(());
    }
    let left: Vec<String> = cr.finalizers().iter().filter(|it| *it != labels::EXPORT_FINALIZER).cloned().collect();
    set_finalizers(context, cr, &left).await
}

async fn set_finalizers(context: &Context, cr: &MastodonExport, finalizers: &[String]) -> Result<(), Error> {
    let name = cr.name_any();
    let body = json!({"metadata": {"uid": cr.metadata.uid, "resourceVersion": version(context, cr), "finalizers": finalizers}});
    let parameters = PatchParams { field_manager: Some(OPERATOR_FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api(context, cr).patch(&name, &parameters, &Patch::Merge(&body)).await {
        Ok(_) => Ok(()),
        Err(error) if status_code(&error) == Some(404) => Ok(()),
        Err(error) => Err(Error::kubernetes("set the finalizers of", &name)(error)),
    }
}

fn api(context: &Context, cr: &MastodonExport) -> Api<MastodonExport> {
    Api::namespaced(context.instances.client.clone(), &cr.namespace().unwrap_or_default())
}

/// The export as it is now, past the cache: whoever was stopped for a while, and is no longer the leader, finds here that it is another.
pub async fn reread(context: &Context, cr: &MastodonExport) -> Result<MastodonExport, Error> {
    let name = cr.name_any();
    let now = api(context, cr).get(&name).await.map_err(Error::kubernetes("read", &name))?;
    let is_same = now.metadata.uid == cr.metadata.uid && now.metadata.deletion_timestamp == cr.metadata.deletion_timestamp;
    if is_same { Ok(now) } else { Err(Error::Superseded { name }) }
}

/// Of a run that is over: its keys, and all that was made for it but the Job, whose logs are there for a while.
pub async fn put_away(context: &Context, cr: &Arc<MastodonExport>, id: ExportId) -> Result<Action, Error> {
    if let Some(wait) = remove_user(context, cr, id).await? {
        return Ok(Action::requeue(wait));
    }
    let instances = &context.instances;
    let (name, home) = (id.resource_name(), cr.namespace().unwrap_or_default());
    if let Some(server) = InstanceId::from_resource_name(&home) {
        let policy = key(ChildKind::NetworkPolicy, &home, &name);
        if let Some(child) = instances.children.snapshot(server).get(&policy) {
            children::delete(instances, &policy, child).await?;
        }
        let secrets: Api<Secret> = Api::namespaced(instances.client.clone(), &home);
        match secrets.delete(&name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(error) if status_code(&error) == Some(404) => {}
            Err(error) => return Err(Error::kubernetes("delete the Secret", &name)(error)),
        }
        forget_secret(context, server, &name);
    }
    let mut findings = Findings::default();
    findings.not(ExportConditionType::DestinationReady, Reason::NotWanted, String::new());
    update_status(context, cr, &findings).await?;
    tracing::info!(export.id = %id, "an export is over");
    // The event of that brings the last pass.
    Ok(Action::requeue(LOOK_AGAIN))
}

/// Of a run that was deleted.
pub async fn cancel(context: &Context, cr: &Arc<MastodonExport>, id: ExportId) -> Result<Action, Error> {
    if !has_finalizer(cr) {
        return Ok(Action::await_change());
    }
    let home = cr.namespace().unwrap_or_default();
    if let Some(server) = InstanceId::from_resource_name(&home) {
        if !job_gone(context, server, &home, &id.resource_name()).await? {
            return Ok(Action::requeue(LOOK_AGAIN));
        }
        forget_secret(context, server, &id.resource_name());
    }
    if let Some(wait) = remove_user(context, cr, id).await? {
        return Ok(Action::requeue(wait));
    }
    let_go(context, &reread(context, cr).await?).await?;
    context.forget(cr);
    tracing::info!(export.id = %id, "an export is deleted");
    Ok(Action::await_change())
}

/// Deletes the Job, and tells whether its last pod is gone.
async fn job_gone(context: &Context, server: InstanceId, home: &str, name: &str) -> Result<bool, Error> {
    let children = context.instances.children.snapshot(server);
    let job = key(ChildKind::Job, home, name);
    // Else the namespace's own end takes them, and the operator's rights in it may have gone before.
    if !is_terminating(&children, home)
        && let Some(child) = children.get(&job)
    {
        children::delete(&context.instances, &job, child).await?;
    }
    let is_its_pod = |facts: &Facts| matches!(facts, Facts::Pod(pod) if pod.job.as_deref() == Some(name) && pod.holds.is_some());
    Ok(!children.values().any(|it| is_its_pod(&it.facts)))
}

fn is_terminating(children: &Snapshot, home: &str) -> bool {
    let key = ChildKey { kind: ChildKind::Namespace, namespace: None, name: home.to_owned() };
    children.get(&key).is_none_or(|it| it.facts == (Facts::Namespace { terminating: true }))
}

fn key(kind: ChildKind, home: &str, name: &str) -> ChildKey {
    ChildKey { kind, namespace: Some(home.to_owned()), name: name.to_owned() }
}

/// It is gone, or goes with the export.
fn forget_secret(context: &Context, server: InstanceId, name: &str) {
    if let Some(server) = context.instances.instance(server) {
        context.instances.memory(&server).lock().deleted(name);
    }
}

/// The S3 user of a kept one. How long to wait, where that can't be done now.
async fn remove_user(context: &Context, cr: &MastodonExport, id: ExportId) -> Result<Option<Duration>, Error> {
    if !matches!(cr.spec.destination, ExportDestination::Kept {}) {
        return Ok(None);
    }
    let (instances, name) = (&context.instances, id.resource_name());
    let server = cr.namespace().as_deref().and_then(InstanceId::from_resource_name);
    let held = server.and_then(|id| Some((id, instances.instance(id)?)));
    let database = held.as_ref().and_then(|(id, cr)| Some((*id, instances.databases.get(&cr.spec.database.server)?)));
    let Some((_, store)) = instances.bundles() else {
        tracing::warn!(export.id = %id, "the operator's configuration has no place for bundles any more: the S3 user stays until it has");
        return Ok(Some(LOOK_AGAIN));
    };
    // As where it was made. A server that is gone has no lock any more, and nobody who would make the user anew.
    let _lock = match database {
        Some((id, database)) => match database.lock(id).await {
            Ok(lock) => Some(lock),
            Err(error) => {
                tracing::warn!(export.id = %cr.spec.id, error = chain(&error), "the database server is away");
                return Ok(Some(AWAY));
            }
        },
        None => None,
    };
    reread(context, cr).await?;
    match store.remove_limited(&name).await {
        Ok(()) => Ok(None),
        Err(error) if error.is_unavailable() => {
            tracing::warn!(export.id = %id, error = chain(&error), "the object store is away");
            Ok(Some(AWAY))
        }
        Err(error) => Err(Error::S3User { name, source: Box::new(error) }),
    }
}
