//! Whole passes against an API server in memory: what they write, how often, and that they come to the same end whatever fails.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use howdah_crd::{CERTIFICATES_NAMESPACE, ConditionType, INBOX_NAMESPACE, MEDIA_NAMESPACE, labels, secrets};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::DynamicObject;
use kube::core::Resource as _;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::watcher::Event;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};

use super::super::build::connection_limit;
use super::super::bulkhead::Bulkhead;
use super::super::fake_cluster::{FakeCluster, Fault};
use super::super::fixture::{ID, config, dereferenced, resource};
use super::super::names;
use super::super::places::Places;
use super::super::registry::Registry;
use super::*;
use crate::cache::{ChildKind, Children, SecretStore};
use crate::digest::Digest;
use crate::metrics::Metrics;

const CR: &str = "/apis/howdah.dev/v1alpha1/mastodoninstances/example";
/// Between two of the cluster's changes.
const STEP: SignedDuration = SignedDuration::from_secs(1);

struct World {
    cluster: FakeCluster,
    context: Arc<Context>,
    id: InstanceId,
    /// The version up to which the watches have caught up.
    delivered: AtomicU64,
}

fn secret_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/{name}")
}

fn secret(namespace: &str, name: &str, keys: &[(&str, &str)]) -> Value {
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
    /// A new resource with the Secrets that it names. Database and bucket are there already, which the Secrets of their
    /// credentials say: providers are tested elsewhere.
    fn new() -> Self {
        let cluster = FakeCluster::new("2026-01-01T00:01:00Z".parse().unwrap());
        let mut resource = resource();
        // Usage is measured in the database.
        let usage = json!({"databaseBytes": 0, "ownMediaBytes": 0, "cachedMediaBytes": 0, "users": 0, "measuredAt": cluster.now()});
        resource["status"] = json!({"usage": usage, "conditions": []});
        cluster.put(CR, resource.clone());

        let inbox = |name: &str, keys: &[&str]| {
            let keys: Vec<_> = keys.iter().map(|key| (*key, "x")).collect();
            cluster.put(&secret_path(INBOX_NAMESPACE, name), secret(INBOX_NAMESPACE, name, &keys));
        };
        inbox("example-identity", &secrets::identity::REQUIRED);
        inbox("example-owner", &secrets::owner::REQUIRED);
        inbox("example-smtp", &secrets::smtp::REQUIRED);
        let (certificate, key) = authority();
        let ca = secret(CERTIFICATES_NAMESPACE, "private-ca", &[("tls.crt", &certificate), ("tls.key", &key)]);
        cluster.put(&secret_path(CERTIFICATES_NAMESPACE, "private-ca"), ca);

        let found = dereferenced(resource);
        let limit = connection_limit(&found.cr.spec.resources);
        let home = found.id.resource_name();
        let ensured = [
            (names::DATABASE, vec![("DB_PASS", "x")], json!(["main", limit, "uid-database"])),
            (names::OBJECT_STORE, vec![("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")], json!(["main"])),
        ];
        for (name, keys, what) in ensured {
            let mut secret = secret(&home, name, &keys);
            secret["metadata"]["annotations"] = json!({labels::ENSURED: Digest::of(&what).short()});
            cluster.put(&secret_path(&home, name), secret);
        }
        Self { context: Arc::new(context(&cluster, &found)), id: found.id, delivered: AtomicU64::new(0), cluster }
    }

    /// An operator that was started anew: it remembers nothing.
    fn restart(&mut self) {
        let found = dereferenced(self.cluster.object(CR));
        self.context = Arc::new(context(&self.cluster, &found));
        self.delivered = AtomicU64::new(0);
    }

    /// The watches catch up.
    fn deliver(&self) {
        let context = &self.context;
        let version = self.cluster.version();
        let before = self.delivered.swap(version, Ordering::Relaxed);
        if before == version {
            return;
        }
        for object in self.cluster.changed_since(before) {
            if let Some(kind) = ChildKind::ALL.into_iter().find(|it| it.resource().kind == object["kind"]) {
                context.children.put(kind, &serde_json::from_value(object).unwrap());
            }
        }
        for (key, _) in context.children.snapshot(self.id) {
            let resource = key.kind.resource();
            let path = format!("{}/{}", DynamicObject::url_path(&resource, key.namespace.as_deref()), key.name);
            if !self.cluster.has(&path) {
                let mut gone = DynamicObject::new(&key.name, &resource);
                gone.metadata.namespace = key.namespace;
                gone.metadata.labels = Some(BTreeMap::from([(labels::INSTANCE.to_owned(), ID.to_owned())]));
                gone.metadata.resource_version = Some(version.to_string());
                context.children.remove(key.kind, &gone);
            }
        }
        context.registry.take(&Event::Apply(self.resource()));
    }

    fn resource(&self) -> MastodonInstance {
        serde_json::from_value(self.cluster.object(CR)).unwrap()
    }

    async fn pass(&self) -> Option<Action> {
        self.deliver();
        reconcile(Arc::new(self.resource()), Arc::clone(&self.context)).await.ok()
    }

    /// Passes, one after each change that the cluster makes, until neither has anything to do.
    async fn settle(&self) {
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

    fn is_true(&self, condition: ConditionType) -> bool {
        super::super::conditions::is_true(&self.resource().status.unwrap(), condition)
    }

    fn status_writes(&self) -> usize {
        self.cluster.writes().iter().filter(|it| it.ends_with("/status")).count()
    }

    /// Everything that is there, but for what is different each time.
    fn content(&self) -> BTreeMap<String, Value> {
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

fn context(cluster: &FakeCluster, found: &super::super::dereference::Dereferenced) -> Context {
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
    Context {
        recorder: Recorder::new(client.clone(), Reporter { controller: "test".to_owned(), instance: None }),
        client,
        config: config(),
        databases: found.database.iter().map(|it| ("main".to_owned(), it.clone())).collect(),
        stores: found.store.iter().map(|it| ("main".to_owned(), it.clone())).collect(),
        bulkheads: HashMap::new(),
        spare_bulkhead: Bulkhead::default(),
        children: Arc::new(Children::default()),
        inbox,
        media,
        certificates,
        registry: Arc::new(Registry::default()),
        metrics: Arc::new(Metrics::default()),
        memories: Mutex::default(),
        places: Places::new(4),
        clock: Box::new(move || clock.now()),
    }
}

#[tokio::test]
async fn a_launch_writes_its_status_a_few_times() {
    let world = World::new();
    world.settle().await;
    assert!(world.is_true(ConditionType::Ready), "{:#}", world.cluster.object(CR)["status"]);
    assert_eq!(world.status_writes(), 5, "{:#?}", world.cluster.writes());
}

/// What was served once is never given to another, and nothing counts as served before it ran.
#[tokio::test]
async fn nobody_is_led_to_a_server_that_never_ran() {
    let world = World::new();
    world.settle().await;
    let writes = world.cluster.writes();
    let route = writes.iter().position(|it| it.contains("/ingresses/")).unwrap();
    let ready = world.cluster.became_ready("web").unwrap();
    assert!(route >= ready, "write {route} made the route, web was ready only before write {ready}");
}

#[tokio::test]
async fn what_is_as_wanted_is_written_no_more() {
    let mut world = World::new();
    world.settle().await;
    let written = world.cluster.writes().len();
    world.cluster.wait(SignedDuration::from_secs(60));
    assert!(world.pass().await.is_some());
    world.restart();
    world.settle().await;
    assert_eq!(world.cluster.writes()[written..], [""; 0]);
}

const ISSUED: &str = "2026-01-01T01:00:00Z";

impl World {
    /// The control plane sends a new token.
    fn send_link(&mut self) {
        let keys: Vec<_> = secrets::owner::LINK.iter().map(|key| (*key, "new")).collect();
        self.cluster.put(&secret_path(INBOX_NAMESPACE, "example-owner"), secret(INBOX_NAMESPACE, "example-owner", &keys));
        let mut resource = self.cluster.object(CR);
        resource["spec"]["ownerLink"] = json!({"secretRef": {"name": "example-owner"}, "issued": ISSUED});
        self.cluster.put(CR, resource);
        self.restart();
    }

    fn is_given(&self) -> bool {
        self.is_true(ConditionType::OwnerLinkReady) && self.cluster.object(CR)["status"]["ownerLinkIssued"] == ISSUED
    }
}

#[tokio::test]
async fn a_new_link_is_given_once_and_nothing_of_it_stays() {
    let mut world = World::new();
    world.settle().await;
    let home = world.id.resource_name();
    let identity = world.cluster.object(&secret_path(&home, names::IDENTITY));
    let before = world.content();
    world.send_link();
    world.settle().await;
    assert!(world.is_given(), "{:#}", world.cluster.object(CR)["status"]);
    assert_eq!(world.cluster.object(&secret_path(&home, names::IDENTITY)), identity);
    let mut after = world.content();
    after.get_mut(CR).unwrap()["spec"].as_object_mut().unwrap().remove("ownerLink");
    assert_eq!(after, before, "the Secrets and the Job are gone");

    let written = world.cluster.writes().len();
    world.restart();
    world.settle().await;
    assert_eq!(world.cluster.writes()[written..], [""; 0]);

    let mut resource = world.cluster.object(CR);
    resource["spec"].as_object_mut().unwrap().remove("ownerLink");
    world.cluster.put(CR, resource);
    world.settle().await;
    assert!(!world.cluster.object(CR)["status"]["conditions"].to_string().contains("OwnerLinkReady"));
}

#[tokio::test]
async fn whichever_write_of_a_new_link_fails_it_is_given() {
    let mut golden = World::new();
    golden.settle().await;
    let before = golden.cluster.writes().len();
    golden.send_link();
    golden.settle().await;
    let (wanted, writes) = (golden.content(), golden.cluster.writes().len() - before);
    assert!(writes >= 6, "{:#?}", &golden.cluster.writes()[before..]);
    for number in 0..writes {
        for fault in [Fault::AnswerLost, Fault::Refused(500)] {
            let mut world = World::new();
            world.settle().await;
            world.send_link();
            world.cluster.fail(number, fault);
            world.settle().await;
            assert!(world.is_given(), "{fault:?} at {number}");
            assert_eq!(world.content(), wanted, "{fault:?} at {number}");
        }
    }
}

/// The API server refuses, is away, or commits and is gone before it answers: at each write of a launch one of these.
#[tokio::test]
async fn whichever_write_fails_the_end_is_the_same() {
    let golden = World::new();
    golden.settle().await;
    let wanted = golden.content();
    let writes = golden.cluster.writes().len();
    for number in 0..writes {
        let fault = [Fault::AnswerLost, Fault::Refused(409), Fault::AnswerLost, Fault::Refused(429), Fault::Refused(500)][number % 5];
        let world = World::new();
        world.cluster.fail(number, fault);
        world.settle().await;
        let failed = &world.cluster.writes()[number];
        assert!(world.is_true(ConditionType::Ready), "{fault:?} at {failed}");
        assert_eq!(world.content(), wanted, "{fault:?} at {failed}");
        let asked = world.cluster.writes().len();
        assert!(asked <= 2 * writes, "{fault:?} at {failed}: {asked} writes instead of {writes}");
    }
}
