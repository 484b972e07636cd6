//! Secrets as far as the reconciler compares them: which keys they have and a digest of what is in them, never the content
//! (a certificate, which is public, excepted).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{Stream, StreamExt as _, stream};
use howdah_crd::labels;
use howdah_domain::InstanceId;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, Preconditions};
use kube::runtime::{WatchStreamExt as _, watcher};

use crate::digest::Digest;

/// cert-manager's own, on each Secret that it writes.
const ISSUER: &str = "cert-manager.io/issuer-name";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSeen {
    pub uid: String,
    pub resource_version: String,
    pub instance: Option<InstanceId>,
    /// Keys with something in them.
    pub keys: BTreeSet<String>,
    pub digest: Digest,
    pub ensured: Option<String>,
    /// `tls.crt`, in PEM.
    pub certificate: Option<Arc<str>>,
    /// The issuer whose certificate cert-manager put there.
    pub issuer: Option<String>,
}

impl SecretSeen {
    #[must_use]
    pub fn of(secret: &Secret) -> Option<Self> {
        let data = secret.data.clone().unwrap_or_default();
        let label = |key: &str| secret.metadata.labels.as_ref().and_then(|it| it.get(key));
        let annotation = |key: &str| secret.metadata.annotations.as_ref().and_then(|it| it.get(key)).cloned();
        let certificate = data.get("tls.crt").and_then(|it| std::str::from_utf8(&it.0).ok()).map(Arc::from);
        Some(Self {
            uid: secret.metadata.uid.clone()?,
            resource_version: secret.metadata.resource_version.clone()?,
            instance: label(labels::INSTANCE).and_then(|it| it.parse().ok()),
            keys: data.iter().filter(|(_, value)| !value.0.is_empty()).map(|(key, _)| key.clone()).collect(),
            digest: content(&data),
            ensured: annotation(labels::ENSURED),
            certificate,
            issuer: annotation(ISSUER),
        })
    }

    #[must_use]
    pub fn preconditions(&self) -> Preconditions {
        Preconditions { uid: Some(self.uid.clone()), resource_version: Some(self.resource_version.clone()) }
    }

    /// Of `wanted`, the keys that are missing or empty.
    #[must_use]
    pub fn lacks<'a>(&self, wanted: &[&'a str]) -> Vec<&'a str> {
        wanted.iter().copied().filter(|it| !self.keys.contains(*it)).collect()
    }
}

/// Digest of a Secret's data.
fn content(data: &BTreeMap<String, k8s_openapi::ByteString>) -> Digest {
    let mut bytes = Vec::new();
    for (key, value) in data {
        for part in [key.as_bytes(), &value.0] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
    }
    Digest::of_bytes(&bytes)
}

pub type Secrets = BTreeMap<String, SecretSeen>;

/// The Secrets of one namespace that the operator may watch: the inbox, the media gateway's, and the certificates'.
pub struct SecretStore {
    namespace: &'static str,
    seen: Mutex<Secrets>,
    ready: tokio::sync::watch::Sender<bool>,
}

/// Which Secret changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretChange {
    pub name: String,
    /// Whose it says to be.
    pub instance: Option<InstanceId>,
}

impl SecretStore {
    #[must_use]
    pub fn new(namespace: &'static str) -> Self {
        Self { namespace, seen: Mutex::default(), ready: tokio::sync::watch::Sender::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<SecretSeen> {
        self.lock().get(name).cloned()
    }

    /// Takes in what the API server answered to the operator's own write.
    pub fn put(&self, secret: &Secret) {
        if let (Some(name), Some(seen)) = (&secret.metadata.name, SecretSeen::of(secret)) {
            self.lock().insert(name.clone(), seen);
        }
    }

    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Returns once the first list is in.
    pub async fn wait(&self) {
        let mut ready = self.ready.subscribe();
        // The sender lives as long as `self`: this can't end otherwise.
        let _ready = ready.wait_for(|it| *it).await;
    }

    pub fn changes(self: &Arc<Self>, client: Client) -> impl Stream<Item = SecretChange> + Send + use<> {
        let store = Arc::clone(self);
        let mut listed = Secrets::new();
        watcher(Api::<Secret>::namespaced(client, store.namespace), watcher::Config::default())
            .default_backoff()
            .map(move |event| match event {
                Ok(event) => store.take(event, &mut listed),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(namespace = store.namespace, error, "the watch on Secrets was lost and is taken up again");
                    Vec::new()
                }
            })
            .flat_map(stream::iter)
    }

    fn take(&self, event: watcher::Event<Secret>, listed: &mut Secrets) -> Vec<SecretChange> {
        match event {
            watcher::Event::Init => listed.clear(),
            watcher::Event::InitApply(secret) => {
                if let (Some(name), Some(seen)) = (&secret.metadata.name, SecretSeen::of(&secret)) {
                    listed.insert(name.clone(), seen);
                }
            }
            watcher::Event::InitDone => {
                let new = std::mem::take(listed);
                let old = std::mem::replace(&mut *self.lock(), new.clone());
                self.ready.send_replace(true);
                let changed = new.iter().filter(|(name, seen)| old.get(*name) != Some(*seen));
                let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
                return changed.chain(gone).map(|(name, seen)| change(name, seen)).collect();
            }
            watcher::Event::Apply(secret) => {
                if let (Some(name), Some(seen)) = (&secret.metadata.name, SecretSeen::of(&secret)) {
                    let known = self.lock().insert(name.clone(), seen.clone());
                    return if known.as_ref() == Some(&seen) { vec![] } else { vec![change(name, &seen)] };
                }
            }
            watcher::Event::Delete(secret) => {
                let name = secret.metadata.name.as_deref().unwrap_or_default();
                return self.lock().remove(name).iter().map(|seen| change(name, seen)).collect();
            }
        }
        Vec::new()
    }
}

fn change(name: &str, seen: &SecretSeen) -> SecretChange {
    SecretChange { name: name.to_owned(), instance: seen.instance }
}
