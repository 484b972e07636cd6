//! One operator and the cluster in memory that it works on: servers with the Secrets that they name, watches that catch up when
//! they are told to, and an operator that is started anew.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use howdah_crd::{Bootstrap, CERTIFICATES_NAMESPACE, ConditionType, INBOX_NAMESPACE, MEDIA_NAMESPACE, MastodonInstance, labels, secrets};
use howdah_domain::InstanceId;
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::DynamicObject;
use kube::core::Resource as _;
use kube::runtime::controller::Action;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector;
use kube::runtime::watcher::Event;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use super::build::connection_limit;
use super::bulkhead::Bulkhead;
use super::context::{Context, TOUCHED};
use super::fake_cluster::FakeCluster;
use super::fixture::{ID, config, database_server, dereferenced, object_store, resource};
use super::names;
use super::orders::Orders;
use super::places::Places;
use super::reconcile::{AT_ONCE, reconcile};
use super::registry::Registry;
use crate::cache::{ChildKind, Children, SecretStore};
use crate::config::OperatorConfig;
use crate::digest::Digest;
use crate::metrics::Metrics;
use crate::provider::{DatabaseServer, DatabaseServerSettings, ObjectStore, ObjectStoreSettings};

pub const CR: &str = "/apis/howdah.dev/v1alpha1/mastodoninstances/example";
/// Between two of the cluster's changes.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// What differs from one operator to the next.
pub struct Setup {
    pub config: OperatorConfig,
    /// By name.
    pub databases: BTreeMap<String, DatabaseServerSettings>,
    /// By name.
    pub stores: BTreeMap<String, ObjectStoreSettings>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            config: config(),
            databases: BTreeMap::from([("main".to_owned(), database_server())]),
            stores: BTreeMap::from([("main".to_owned(), object_store())]),
        }
    }
}

pub struct World {
    pub cluster: FakeCluster,
    pub context: Arc<Context>,
    /// Of the context's resources.
    writer: Mutex<reflector::store::Writer<MastodonInstance>>,
    /// Of the resource at [`CR`].
    pub id: InstanceId,
    pub setup: Setup,
    /// Of every resource.
    ids: Vec<InstanceId>,
    /// The version up to which the watches have caught up.
    delivered: AtomicU64,
}

pub fn cr_path(name: &str) -> String {
    format!("/apis/howdah.dev/v1alpha1/mastodoninstances/{name}")
}

pub fn secret_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/{name}")
}

pub fn secret(namespace: &str, name: &str, keys: &[(&str, &str)]) -> Value {
    let data: BTreeMap<&str, String> = keys.iter().map(|(key, value)| (*key, data_encoding::BASE64.encode(value.as_bytes()))).collect();
    json!({
        "apiVersion": "v1", "kind": "Secret", "data": data,
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{name}"), "labels": {labels::INSTANCE: ID}},
    })
}

/// A private CA's certificate and key.
fn authority() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2035, 1, 1);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

impl World {
    /// A new resource with the Secrets that it names.
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        Self::of(setup, resource())
    }

    pub fn of(setup: Setup, resource: Value) -> Self {
        let cluster = FakeCluster::new("2026-01-01T00:01:00Z".parse().unwrap());
        let (certificate, key) = authority();
        let ca = secret(CERTIFICATES_NAMESPACE, "private-ca", &[("tls.crt", &certificate), ("tls.key", &key)]);
        cluster.put(&secret_path(CERTIFICATES_NAMESPACE, "private-ca"), ca);
        let (context, writer) = context(&cluster, &setup);
        let id = resource["spec"]["id"].as_str().unwrap().parse().unwrap();
        let mut world = Self { cluster, context, writer: Mutex::new(writer), id, setup, ids: Vec::new(), delivered: AtomicU64::new(0) };
        world.add("example", resource);
        world.restart();
        world
    }

    /// One more resource with the Secrets that it names, for an operator that is started after. Database and bucket are there already,
    /// which the Secrets of their credentials say: providers are tested elsewhere.
    pub fn add(&mut self, name: &str, mut resource: Value) {
        // Usage is measured in the database.
        let usage = json!({"databaseBytes": 0, "ownMediaBytes": 0, "cachedMediaBytes": 0, "users": 0, "measuredAt": self.cluster.now()});
        resource["status"] = json!({"usage": usage, "conditions": []});
        self.cluster.put(&cr_path(name), resource.clone());

        let found = dereferenced(resource);
        let mine = |mut secret: Value| {
            secret["metadata"]["labels"][labels::INSTANCE] = json!(found.id.to_string());
            secret
        };
        let spec = &found.cr.spec;
        let bootstrap: (&str, &[&str]) = match &spec.bootstrap {
            Bootstrap::New { owner_secret_ref } => (&owner_secret_ref.name, &secrets::owner::REQUIRED),
            Bootstrap::Import(import) => (&import.key_secret_ref.name, &secrets::import::REQUIRED),
        };
        let inbox: [(&str, &[&str]); 3] =
            [(&spec.identity_secret_ref.name, &secrets::identity::REQUIRED), bootstrap, (&spec.smtp_ref.name, &secrets::smtp::REQUIRED)];
        for (name, keys) in inbox {
            let keys: Vec<_> = keys.iter().map(|key| (*key, "x")).collect();
            self.cluster.put(&secret_path(INBOX_NAMESPACE, name), mine(secret(INBOX_NAMESPACE, name, &keys)));
        }
        let limit = connection_limit(&spec.resources);
        let home = found.id.resource_name();
        let server = &spec.database.server;
        let ensured = [
            (names::DATABASE, vec![("DB_PASS", "x")], json!([server, limit, "uid-database"])),
            (names::OBJECT_STORE, vec![("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")], json!(["main"])),
        ];
        for (name, keys, what) in ensured {
            let mut secret = mine(secret(&home, name, &keys));
            secret["metadata"]["annotations"] = json!({labels::ENSURED: Digest::of(&what).short()});
            self.cluster.put(&secret_path(&home, name), secret);
        }
        self.ids.push(found.id);
    }

    /// An operator that was started anew: it remembers nothing.
    pub fn restart(&mut self) {
        let (context, writer) = context(&self.cluster, &self.setup);
        (self.context, self.writer) = (context, Mutex::new(writer));
        self.delivered = AtomicU64::new(0);
    }

    /// The watches catch up.
    pub fn deliver(&self) {
        let context = &self.context;
        let version = self.cluster.version();
        let before = self.delivered.swap(version, Ordering::Relaxed);
        if before == version {
            return;
        }
        for object in self.cluster.changed_since(before) {
            if object["kind"] == "MastodonInstance" {
                let cr: MastodonInstance = serde_json::from_value(object).unwrap();
                let event = Event::Apply(cr);
                self.writer.lock().unwrap().apply_watcher_event(&event);
                context.registry.take(&event);
            } else if let Some(kind) = ChildKind::ALL.into_iter().find(|it| it.resource().kind == object["kind"]) {
                context.children.put(kind, &serde_json::from_value(object).unwrap());
            }
        }
        for id in &self.ids {
            for (key, _) in context.children.snapshot(*id) {
                let resource = key.kind.resource();
                let path = format!("{}/{}", DynamicObject::url_path(&resource, key.namespace.as_deref()), key.name);
                if !self.cluster.has(&path) {
                    let mut gone = DynamicObject::new(&key.name, &resource);
                    gone.metadata.namespace = key.namespace;
                    gone.metadata.labels = Some(BTreeMap::from([(labels::INSTANCE.to_owned(), id.to_string())]));
                    gone.metadata.resource_version = Some(version.to_string());
                    context.children.remove(key.kind, &gone);
                }
            }
        }
    }

    pub fn resource(&self) -> MastodonInstance {
        serde_json::from_value(self.cluster.object(CR)).unwrap()
    }

    pub async fn pass(&self) -> Option<Action> {
        self.pass_of(CR).await
    }

    pub async fn pass_of(&self, path: &str) -> Option<Action> {
        self.deliver();
        let cr = serde_json::from_value(self.cluster.object(path)).unwrap();
        reconcile(Arc::new(cr), Arc::clone(&self.context)).await.ok()
    }

    /// Passes, one after each change that the cluster makes, until neither has anything to do.
    pub async fn settle(&self) {
        let mut idle = 0;
        for _ in 0..400 {
            let before = self.cluster.version();
            let action = self.pass().await;
            if action == Some(Action::requeue(AT_ONCE)) {
                continue;
            }
            self.cluster.wait(STEP);
            idle = if self.cluster.step() || self.cluster.version() != before || action.is_none() { 0 } else { idle + 1 };
            // Longer than anything that is put off.
            if idle > 4 {
                return;
            }
        }
        panic!("it does not settle: {:#}", self.cluster.object(CR)["status"]);
    }

    pub fn is_true(&self, condition: ConditionType) -> bool {
        super::conditions::is_true(&self.resource().status.unwrap(), condition)
    }

    /// Reason and words of a condition.
    pub fn condition(&self, condition: ConditionType) -> (String, String) {
        let conditions = self.resource().status.unwrap().conditions;
        let found = conditions.into_iter().find(|it| it.type_ == condition.as_str()).unwrap();
        (found.reason, found.message)
    }

    /// Everything that is there, but for what is different each time.
    pub fn content(&self) -> BTreeMap<String, Value> {
        let mut objects = self.cluster.objects();
        for object in objects.values_mut() {
            let metadata = object["metadata"].as_object_mut().unwrap();
            for key in ["uid", "resourceVersion", "generation", "creationTimestamp", "annotations"] {
                metadata.remove(key);
            }
            object.pointer_mut("/metadata/ownerReferences/0").map(|it| it["uid"].take());
            // Random, or with times in them.
            object["status"].take();
            if let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) {
                data.values_mut().for_each(|it| *it = Value::Null);
            }
            // Changes with the random ones.
            object.pointer_mut("/spec/template/metadata/annotations").map(Value::take);
        }
        objects
    }
}

fn context(cluster: &FakeCluster, setup: &Setup) -> (Arc<Context>, reflector::store::Writer<MastodonInstance>) {
    let (resources, writer) = reflector::store();
    let client = cluster.client();
    let inbox = Arc::new(SecretStore::new(INBOX_NAMESPACE));
    let media = Arc::new(SecretStore::new(MEDIA_NAMESPACE));
    let certificates = Arc::new(SecretStore::new(CERTIFICATES_NAMESPACE));
    for (path, object) in cluster.objects() {
        for (store, namespace) in [(&inbox, INBOX_NAMESPACE), (&media, MEDIA_NAMESPACE), (&certificates, CERTIFICATES_NAMESPACE)] {
            if path.starts_with(&secret_path(namespace, "")) {
                store.put(&serde_json::from_value::<Secret>(object.clone()).unwrap());
            }
        }
    }
    let clock = cluster.clone();
    let store = |(name, it): (&String, &ObjectStoreSettings)| (name.clone(), ObjectStore::new(it.clone()).unwrap());
    let database = |(name, it): (&String, &DatabaseServerSettings)| (name.clone(), DatabaseServer::new(it.clone()));
    let context = Context {
        recorder: Recorder::new(client.clone(), Reporter { controller: "test".to_owned(), instance: None }),
        client,
        databases: setup.databases.iter().map(database).collect(),
        stores: setup.stores.iter().map(store).collect(),
        bulkheads: setup.databases.keys().map(|it| (format!("database/{it}"), Bulkhead::default())).collect(),
        spare_bulkhead: Bulkhead::default(),
        children: Arc::new(Children::default()),
        inbox,
        media,
        certificates,
        registry: Arc::new(Registry::default()),
        resources,
        touched: broadcast::Sender::new(TOUCHED),
        listed: watch::Sender::new(true),
        metrics: Arc::new(Metrics::default()),
        memories: Mutex::default(),
        places: Places::new(setup.config.concurrency),
        orders: Orders::new(setup.config.certificates.issuer.orders_per_hour()),
        config: setup.config.clone(),
        clock: Box::new(move || clock.now()),
    };
    (Arc::new(context), writer)
}
