//! First step: everything that the spec refers to, and what is there. Reads from memory, and the database server's authorities
//! from their file; one LIST of the server's Secrets at its first pass and at each resync is the only call.

use std::sync::Arc;
use std::time::Instant;

use howdah_crd::{Bootstrap, MastodonInstance, PowerState, Reason};
use howdah_domain::InstanceId;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams};

use super::context::{Context, Listed};
use super::names;
use crate::cache::{ChildKey, ChildKind, SecretSeen, Secrets, Snapshot};
use crate::error::Error;
use crate::provider::{DatabaseServer, ObjectStore};

/// A resource that has the same id or host, and is older.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rivalry {
    pub reason: Reason,
    pub other: String,
}

pub struct Dereferenced {
    pub cr: Arc<MastodonInstance>,
    pub id: InstanceId,
    pub rivalry: Option<Rivalry>,
    pub database: Option<DatabaseServer>,
    /// Who signed the database server's certificate, in PEM; `None` where pods know that by themselves.
    pub database_ca: Option<String>,
    pub store: Option<ObjectStore>,
    /// Of the operator's configuration: where bundles lie.
    pub bundle_store: Option<ObjectStore>,
    /// Of the inbox.
    pub identity: Option<SecretSeen>,
    pub owner: Option<SecretSeen>,
    /// What opens the bundle of an import.
    pub bundle_key: Option<SecretSeen>,
    pub owner_link: Option<SecretSeen>,
    pub smtp: Option<SecretSeen>,
    /// Of the server's own namespace; empty before the operator has rights there.
    pub secrets: Secrets,
    /// Whether `secrets` was read at all.
    pub secrets_known: bool,
    pub children: Snapshot,
    pub now: Timestamp,
}

pub async fn dereference(context: &Context, cr: Arc<MastodonInstance>, id: InstanceId) -> Result<Dereferenced, Error> {
    let children = context.children.snapshot(id);
    let has_moved_out = cr.spec.power_state == PowerState::MovedOut;
    // In a namespace that is deleted nobody may read to the end.
    let secrets = if has_moved_out { None } else { secrets(context, &cr, id, &children).await? };
    let (owner, bundle_key) = match &cr.spec.bootstrap {
        Bootstrap::New { owner_secret_ref } => (context.inbox.get(&owner_secret_ref.name), None),
        Bootstrap::Import(import) => (None, context.inbox.get(&import.key_secret_ref.name)),
    };
    let database = context.databases.get(&cr.spec.database.server);
    let unreadable = |source| Error::Database { name: id.resource_name(), source: Box::new(source) };
    Ok(Dereferenced {
        id,
        rivalry: context.registry.rivalry(&cr),
        database_ca: database.filter(|_| !has_moved_out).map_or(Ok(None), DatabaseServer::authorities).map_err(unreadable)?,
        database: database.cloned(),
        store: context.stores.get(&cr.spec.object_storage.store).cloned(),
        bundle_store: context.bundles().map(|(_, store)| store.clone()),
        identity: context.inbox.get(&cr.spec.identity_secret_ref.name),
        owner,
        bundle_key,
        owner_link: cr.spec.owner_link.as_ref().and_then(|it| context.inbox.get(&it.secret_ref.name)),
        smtp: context.inbox.get(&cr.spec.smtp_ref.name),
        secrets_known: secrets.is_some(),
        secrets: secrets.unwrap_or_default(),
        children,
        now: context.now(),
        cr,
    })
}

/// `None` where the operator has no rights in the namespace yet.
async fn secrets(context: &Context, cr: &MastodonInstance, id: InstanceId, children: &Snapshot) -> Result<Option<Secrets>, Error> {
    let namespace = id.resource_name();
    let key = |kind, parent: Option<&str>, name: &str| ChildKey { kind, namespace: parent.map(str::to_owned), name: name.to_owned() };
    let Some(home) = children.get(&key(ChildKind::Namespace, None, &namespace)) else { return Ok(None) };
    if !children.contains_key(&key(ChildKind::RoleBinding, Some(&namespace), names::ACCESS)) {
        return Ok(None);
    }
    let memory = context.memory(cr);
    if let Some(secrets) = memory.lock().secrets_of(&home.uid, context.resync()) {
        return Ok(Some(secrets));
    }
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &namespace);
    let list = api.list(&ListParams::default()).await.map_err(Error::kubernetes("list the Secrets of", &namespace))?;
    let named = |secret: &Secret| Some((secret.metadata.name.clone()?, SecretSeen::of(secret)?));
    let secrets: Secrets = list.items.iter().filter_map(named).collect();
    memory.lock().listed = Some(Listed { at: Instant::now(), namespace_uid: home.uid.clone(), secrets: secrets.clone() });
    Ok(Some(secrets))
}
