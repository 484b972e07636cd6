//! What every pass has at hand, and what is remembered of each server between passes. All memory can be lost: it is read anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use howdah_crd::{MastodonInstance, MastodonInstanceStatus};
use howdah_domain::InstanceId;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::Store;
use tokio::sync::{Notify, broadcast, watch};

use super::bulkhead::Bulkhead;
use super::orders::Orders;
use super::places::Places;
use super::registry::Registry;
use crate::cache::{ChildKey, Children, SecretSeen, SecretStore, Secrets};
use crate::config::{BundlesConfig, OperatorConfig};
use crate::metrics::Metrics;
use crate::provider::{DatabaseServer, ObjectStore};

pub struct Context {
    pub client: Client,
    pub config: OperatorConfig,
    pub databases: BTreeMap<String, DatabaseServer>,
    pub stores: BTreeMap<String, ObjectStore>,
    /// One for each database server and object store, by `database/NAME` and `store/NAME`.
    pub bulkheads: HashMap<String, Bulkhead>,
    /// For a name without one of its own, which the configuration rules out.
    pub spare_bulkhead: Bulkhead,
    pub children: Arc<Children>,
    pub inbox: Arc<SecretStore>,
    pub media: Arc<SecretStore>,
    /// The platform's wildcard and authority.
    pub certificates: Arc<SecretStore>,
    pub registry: Arc<Registry>,
    /// The resources themselves, as last seen.
    pub resources: Store<MastodonInstance>,
    /// Told of each server whose children changed.
    pub touched: broadcast::Sender<InstanceId>,
    /// Whether every kind was listed once: before that, what is absent from memory may well be there.
    pub listed: watch::Sender<bool>,
    pub metrics: Arc<Metrics>,
    pub recorder: Recorder,
    /// By uid: a resource made anew has no past.
    pub memories: Mutex<HashMap<String, Arc<Memory>>>,
    pub places: Places,
    pub orders: Orders,
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

/// Changes that may be told before one is heard of.
pub const TOUCHED: usize = 1024;

impl Context {
    /// The resource that has this id: of several, the older one.
    #[must_use]
    pub fn instance(&self, id: InstanceId) -> Option<Arc<MastodonInstance>> {
        let named = self.registry.of(id).into_iter().filter_map(|it| self.resources.get(&it));
        named.min_by_key(|it| it.seniority())
    }

    /// Where bundles lie, and how that is reached.
    #[must_use]
    pub fn bundles(&self) -> Option<(&BundlesConfig, &ObjectStore)> {
        let bundles = self.config.bundles.as_ref()?;
        Some((bundles, self.stores.get(&bundles.store)?))
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    #[must_use]
    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.config.resync_seconds)
    }

    #[must_use]
    pub fn memory(&self, cr: &MastodonInstance) -> Arc<Memory> {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(memories.entry(cr.metadata.uid.clone().unwrap_or_default()).or_default())
    }

    pub fn forget(&self, cr: &MastodonInstance) {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).remove(cr.metadata.uid.as_deref().unwrap_or_default());
    }
}

#[derive(Default)]
pub struct Memory {
    inner: Mutex<Remembered>,
    /// Tells a pass that stands in line that somebody waits for it now.
    pub hurry: Notify,
}

#[derive(Default)]
pub struct Remembered {
    pub listed: Option<Listed>,
    /// Passes in a row that failed.
    pub failures: u32,
    pub written: Option<Written>,
    /// Not before then is usage measured again.
    pub usage_not_before: Option<Instant>,
    /// By Ingress: when it may order its certificate, until it has.
    pub turns: BTreeMap<ChildKey, Timestamp>,
    /// Of a certificate that somebody else is to write in the server's namespace.
    pub awaited: Option<Awaited>,
}

/// The status as last written.
pub struct Written {
    /// The resourceVersion that the resource got by it.
    pub version: String,
    pub status: MastodonInstanceStatus,
    pub at: Timestamp,
}

/// What is asked for again and again until it is there.
pub struct Awaited {
    /// How often it was asked for in vain.
    pub asked: u32,
    pub next: Timestamp,
}

/// The Secrets of a namespace as last listed, and as changed by ourselves since.
pub struct Listed {
    pub at: Instant,
    pub namespace_uid: String,
    pub secrets: Secrets,
}

impl Memory {
    pub fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    #[must_use]
    pub fn secrets_of(&self, namespace_uid: &str, fresh: Duration) -> Option<Secrets> {
        let listed = self.listed.as_ref().filter(|it| it.namespace_uid == namespace_uid && it.at.elapsed() < fresh)?;
        Some(listed.secrets.clone())
    }

    /// Takes in what the API server answered to our own write.
    pub fn wrote(&mut self, secret: &Secret) {
        if let (Some(listed), Some(name), Some(seen)) = (&mut self.listed, &secret.metadata.name, SecretSeen::of(secret)) {
            listed.secrets.insert(name.clone(), seen);
        }
    }

    pub fn deleted(&mut self, name: &str) {
        if let Some(listed) = &mut self.listed {
            listed.secrets.remove(name);
        }
    }

    /// What is there is not what was remembered.
    pub fn doubt(&mut self) {
        self.listed = None;
    }
}
