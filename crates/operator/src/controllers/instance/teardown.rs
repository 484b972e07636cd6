//! A deleted resource, in the one order in which nothing is left and nothing is lost: route off, namespace deleted, waited until
//! it is gone (only then does nothing write any more), who read an import's bundle; then, and only where the teardown was confirmed and seen before the
//! deletion, database and role, bucket and S3 user; last the finalizer. Without that confirmation no data is touched.

use std::sync::Arc;
use std::time::{Duration, Instant};

use howdah_crd::{Bootstrap, ConditionType, MEDIA_NAMESPACE, MastodonInstance, OPERATOR_FIELD_MANAGER, PowerState, Reason, labels};
use howdah_domain::InstanceId;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::controller::Action;
use serde_json::json;

use super::apply;
use super::apply::outside::bulkhead;
use super::bulkhead::Place;
use super::conditions::Progress;
use super::context::Context;
use super::update_status::update_status;
use crate::cache::{Child, ChildKey, ChildKind, Snapshot};
use crate::error::{Error, chain, status_code};
use crate::provider::{DatabaseServer, ObjectStore, ObjectStoreError};

/// In case the event of its end is missed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
const AWAY: Duration = Duration::from_secs(3);

pub fn has_finalizer(cr: &MastodonInstance) -> bool {
    cr.finalizers().iter().any(|it| it == labels::FINALIZER)
}

/// Before anything is made: what is made has to be taken away again.
pub async fn add_finalizer(context: &Context, cr: &MastodonInstance) -> Result<(), Error> {
    let mut finalizers = cr.finalizers().to_vec();
    finalizers.push(labels::FINALIZER.to_owned());
    set_finalizers(context, cr, &finalizers).await
}

async fn set_finalizers(context: &Context, cr: &MastodonInstance, finalizers: &[String]) -> Result<(), Error> {
    let name = cr.name_any();
    let body = json!({
        "metadata": {"uid": cr.metadata.uid, "resourceVersion": cr.metadata.resource_version, "finalizers": finalizers},
    });
    let api: Api<MastodonInstance> = Api::all(context.client.clone());
    let parameters = PatchParams { field_manager: Some(OPERATOR_FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(&name, &parameters, &Patch::Merge(&body)).await {
        Ok(_) => Ok(()),
        Err(error) if status_code(&error) == Some(404) => Ok(()),
        Err(error) => Err(Error::kubernetes("set the finalizers of", &name)(error)),
    }
}

pub async fn teardown(context: &Context, cr: &Arc<MastodonInstance>, id: InstanceId) -> Result<Action, Error> {
    if !has_finalizer(cr) {
        return Ok(Action::await_change());
    }
    let children = context.children.snapshot(id);
    // Another resource that claims the same id keeps what is there.
    let shared = context.registry.is_shared(cr);
    route_off(context, cr, id, &children, shared).await?;
    if !namespace_gone(context, cr, id, &children).await? {
        return Ok(Action::requeue(LOOK_AGAIN));
    }
    if !shared {
        // Only now: whoever writes it may notice the end of its Ingress a moment later, and would write it anew.
        apply::delete_media_certificate(context, id).await?;
        // A configuration that has no bundles any more is no reason to keep what else there is.
        let has_reader = matches!(cr.spec.bootstrap, Bootstrap::Import(_)) && context.bundles().is_some();
        if has_reader && !apply::remove_reader(context, cr, id).await? {
            return Ok(Action::requeue(AWAY));
        }
    }
    if is_confirmed(cr) && !shared {
        let mut progress = Progress::default();
        let destroyed = destroy(context, cr, id, &mut progress).await;
        if !matches!(destroyed, Ok(true)) {
            update_status(context, cr, &mut progress).await?;
        }
        if !destroyed? {
            return Ok(Action::requeue(AWAY));
        }
        for name in apply::brief_secrets(&cr.spec) {
            apply::delete_from_inbox(context, id, name).await?;
        }
    }
    // The newest: a status may have been written since this one was seen.
    let now = apply::reread(context, cr).await?;
    let left: Vec<String> = now.finalizers().iter().filter(|it| *it != labels::FINALIZER).cloned().collect();
    set_finalizers(context, &now, &left).await?;
    context.forget(cr);
    tracing::info!(instance.id = %id, destroyed = is_confirmed(cr), "taken down");
    Ok(Action::await_change())
}

/// Was the confirmation seen, and recorded, before the deletion? The operator records it only on what isn't deleted yet. Of what has moved
/// out no deletion is waited for.
fn is_confirmed(cr: &MastodonInstance) -> bool {
    let Some(deleted) = cr.metadata.deletion_timestamp.as_ref() else {
        return cr.spec.power_state == PowerState::MovedOut && is_confirmation_seen(cr);
    };
    is_confirmation_seen(cr) && confirmation(cr).is_some_and(|it| it.last_transition_time.0 <= deleted.0)
}

/// An earlier pass has recorded it.
pub fn is_confirmation_seen(cr: &MastodonInstance) -> bool {
    let asked = cr.spec.teardown.as_ref().is_some_and(|it| it.confirm == cr.spec.id);
    asked && confirmation(cr).is_some_and(|it| it.status == "True")
}

fn confirmation(cr: &MastodonInstance) -> Option<&Condition> {
    cr.status.iter().flat_map(|it| &it.conditions).find(|it| it.type_ == ConditionType::TeardownConfirmed.as_str())
}

fn is_mine(child: &Child, cr: &MastodonInstance) -> bool {
    child.owner_uid.is_none() || child.owner_uid == cr.metadata.uid
}

async fn route_off(context: &Context, cr: &MastodonInstance, id: InstanceId, children: &Snapshot, shared: bool) -> Result<(), Error> {
    let home = ChildKey { kind: ChildKind::Namespace, namespace: None, name: id.resource_name() };
    let home_is_mine = children.get(&home).is_some_and(|it| is_mine(it, cr));
    let is_off = |key: &ChildKey, child: &Child| {
        let of_media = is_in_media(key) && is_mine(child, cr) && (child.owner_uid.is_some() || !shared);
        key.kind == ChildKind::Ingress && (of_media || (is_in(key, &home.name) && home_is_mine))
    };
    delete_all(context, children, is_off).await.map(drop)
}

/// True where there is none any more.
async fn delete_all(context: &Context, children: &Snapshot, which: impl Fn(&ChildKey, &Child) -> bool) -> Result<bool, Error> {
    let mut none = true;
    for (key, child) in children.iter().filter(|(key, child)| which(key, child)) {
        apply::delete(context, key, child).await?;
        none = false;
    }
    Ok(none)
}

fn is_in(key: &ChildKey, namespace: &str) -> bool {
    key.namespace.as_deref() == Some(namespace)
}

fn is_in_media(key: &ChildKey) -> bool {
    is_in(key, MEDIA_NAMESPACE)
}

/// Of what has moved out and is routed no more: true once nobody is led to the media gateway.
pub async fn media_off(context: &Context, cr: &MastodonInstance, children: &Snapshot) -> Result<bool, Error> {
    delete_all(context, children, |key, child| key.kind == ChildKind::Ingress && is_in_media(key) && is_mine(child, cr)).await
}

/// Of what has moved out: whoever comes to its web host is led nowhere before its namespace goes.
pub async fn web_off(context: &Context, cr: &MastodonInstance, id: InstanceId) -> Result<(), Error> {
    let home = id.resource_name();
    let is_web = |key: &ChildKey, child: &Child| key.kind == ChildKind::Ingress && is_in(key, &home) && is_mine(child, cr);
    delete_all(context, &context.children.snapshot(id), is_web).await.map(drop)
}

/// Deletes the namespace, after what has pods in it, and tells whether it is gone; asked of the API server itself, since what follows can't
/// be undone.
pub async fn namespace_gone(context: &Context, cr: &MastodonInstance, id: InstanceId, children: &Snapshot) -> Result<bool, Error> {
    let key = ChildKey { kind: ChildKind::Namespace, namespace: None, name: id.resource_name() };
    if let Some(child) = children.get(&key) {
        if !is_mine(child, cr) {
            return Ok(true);
        }
        // While it lasts there is nothing to ask: its end is an event.
        if child.leaving || !pods_gone(context, &key.name, children).await? {
            return Ok(false);
        }
    }
    let api: Api<Namespace> = Api::all(context.client.clone());
    let Some(namespace) = api.get_opt(&key.name).await.map_err(Error::kubernetes("read", &key))? else { return Ok(true) };
    let owner = namespace.owner_references().iter().find(|it| it.controller == Some(true)).map(|it| it.uid.clone());
    if owner.is_some() && owner != cr.metadata.uid {
        return Ok(true);
    }
    if namespace.metadata.deletion_timestamp.is_none() {
        let preconditions =
            Preconditions { uid: namespace.metadata.uid.clone(), resource_version: namespace.metadata.resource_version.clone() };
        let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match api.delete(&key.name, &parameters).await {
            Ok(_) => {}
            Err(error) if status_code(&error) == Some(404) => return Ok(true),
            Err(error) => return Err(Error::kubernetes("delete", &key)(error)),
        }
    }
    Ok(false)
}

/// Kubernetes looks at a namespace with pods again only after half of the longest grace period among them, though they end in seconds: what
/// has pods is deleted before it, and its end is an event.
async fn pods_gone(context: &Context, home: &str, children: &Snapshot) -> Result<bool, Error> {
    let has_pods = |key: &ChildKey| matches!(key.kind, ChildKind::Deployment | ChildKind::StatefulSet) && is_in(key, home);
    delete_all(context, children, |key, _| has_pods(key)).await
}

/// Database and role, then bucket and user. False where one of them is away.
pub async fn destroy(context: &Context, cr: &MastodonInstance, id: InstanceId, progress: &mut Progress) -> Result<bool, Error> {
    // Whoever was stopped for a while, and is no longer the leader, finds here that another has done it.
    let now = apply::reread(context, cr).await?;
    if !is_confirmed(&now) {
        return Err(Error::Superseded { name: now.name_any() });
    }
    let Some(database) = context.databases.get(&cr.spec.database.server) else {
        progress.not(ConditionType::DatabaseReady, Reason::UnknownDatabaseServer, &cr.spec.database.server);
        return Ok(false);
    };
    let Some(store) = context.stores.get(&cr.spec.object_storage.store) else {
        progress.not(ConditionType::BucketReady, Reason::UnknownObjectStore, &cr.spec.object_storage.store);
        return Ok(false);
    };
    // A store that gets slower the more is asked of it would answer none of a hundred that leave at once in time. Who waits says nothing of
    // it: a hundred would change their status with every turn.
    let bulkhead = bulkhead(context, &format!("store/{}", cr.spec.object_storage.store));
    let Ok(turn) = bulkhead.enter(Instant::now()) else { return Ok(false) };
    Ok(destroy_database(database, id, progress).await? && destroy_bucket(database, store, id, &turn, progress).await?)
}

async fn destroy_database(database: &DatabaseServer, id: InstanceId, progress: &mut Progress) -> Result<bool, Error> {
    match database.destroy(id).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_unavailable() => {
            progress.not(ConditionType::DatabaseReady, Reason::DatabaseServerUnavailable, chain(&error));
            Ok(false)
        }
        Err(error) => {
            progress.not(ConditionType::DatabaseReady, Reason::Error, chain(&error));
            Err(Error::Database { name: id.resource_name(), source: Box::new(error) })
        }
    }
}

async fn destroy_bucket(
    database: &DatabaseServer,
    store: &ObjectStore,
    id: InstanceId,
    turn: &Place<'_>,
    progress: &mut Progress,
) -> Result<bool, Error> {
    let away = |progress: &mut Progress, reason, words: String| {
        progress.not(ConditionType::BucketReady, reason, words);
        Ok(false)
    };
    let _lock = match database.lock(id).await {
        Ok(lock) => lock,
        Err(error) => return away(progress, Reason::DatabaseServerUnavailable, chain(&error)),
    };
    let result = store.destroy(id).await;
    turn.answered(!result.as_ref().is_err_and(ObjectStoreError::is_away), Instant::now());
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_unavailable() => away(progress, Reason::ObjectStoreUnavailable, chain(&error)),
        Err(error) => {
            progress.not(ConditionType::BucketReady, Reason::Error, chain(&error));
            Err(Error::ObjectStore { name: id.resource_name(), source: Box::new(error) })
        }
    }
}

#[cfg(test)]
#[path = "teardown_tests.rs"]
mod tests;
