//! Certificates that cert-manager brings: ordered in their turn, noticed when they are there, gone with their server.

use howdah_crd::{ConditionType, MEDIA_NAMESPACE, labels};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::names;
use super::super::world::{CR, Setup, World, secret, secret_path};
use crate::config::{CertificatesConfig, Issuer};

const WAITS: &str = "the order of a certificate waits for its turn";

fn setup(orders_per_hour: u16) -> Setup {
    let mut setup = Setup::default();
    setup.config.certificates =
        CertificatesConfig { platform_secret: None, issuer: Issuer::CertManager { cluster_issuer: "acme".to_owned(), orders_per_hour } };
    setup
}

impl World {
    fn ingresses(&self) -> [String; 2] {
        let home = self.id.resource_name();
        let path = |namespace: &str, name: &str| format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}");
        [path(&home, "web"), path(MEDIA_NAMESPACE, &home)]
    }

    fn certificates(&self) -> [String; 2] {
        [secret_path(&self.id.resource_name(), names::WEB_TLS), secret_path(MEDIA_NAMESPACE, &names::media_tls(self.id))]
    }

    /// How many of the two hosts ask cert-manager for a certificate.
    fn orders(&self) -> usize {
        let orders = |path: &String| {
            self.cluster.objects().get(path).is_some_and(|it| it["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "acme")
        };
        self.ingresses().iter().filter(|it| orders(it)).count()
    }

    /// As cert-manager writes both Secrets.
    fn certify(&self) {
        for path in self.certificates() {
            self.cluster.put(&path, issued(&path));
        }
        let media = self.cluster.object(&self.certificates()[1]);
        self.context.media.put(&serde_json::from_value(media).unwrap());
    }

    /// So many passes, one each so many seconds.
    async fn watch(&self, passes: u32, every: i64) {
        for _ in 0..passes {
            self.cluster.wait(SignedDuration::from_secs(every));
            self.pass().await;
        }
    }

    fn looks(&self) -> usize {
        let look = format!("GET {}", self.certificates()[0]);
        self.cluster.reads().iter().filter(|it| **it == look).count()
    }
}

/// With an issuer's mark, and no label of ours: before its version 1.15 it knew none.
fn issued(path: &str) -> Value {
    let parts: Vec<&str> = path.split('/').collect();
    let mut secret = secret(parts[4], parts[6], &[("tls.crt", "a certificate"), ("tls.key", "its key")]);
    secret["metadata"].as_object_mut().unwrap().remove("labels");
    secret["metadata"]["annotations"] = json!({"cert-manager.io/issuer-name": "acme"});
    secret
}

#[tokio::test]
async fn an_order_waits_for_its_turn() {
    let world = World::with(setup(1));
    world.settle().await;
    assert_eq!(world.orders(), 1, "one is all that an hour has");
    assert_eq!(world.condition(ConditionType::RouteReady), ("CertificatePending".to_owned(), WAITS.to_owned()));
    assert!(world.is_true(ConditionType::WorkloadsReady), "nothing else waits for it");
    world.watch(7, 500).await;
    assert_eq!(world.orders(), 1);
    world.watch(4, 50).await;
    assert_eq!(world.orders(), 2);
    assert_ne!(world.condition(ConditionType::RouteReady).1, WAITS);
    world.certify();
    world.watch(12, 50).await;
    assert!(world.is_true(ConditionType::Ready), "{:#}", world.cluster.object(CR)["status"]);
}

#[tokio::test]
async fn what_was_ordered_once_needs_no_other_turn() {
    let mut world = World::with(setup(2));
    world.settle().await;
    world.certify();
    world.watch(12, 50).await;
    assert_eq!(world.orders(), 2);
    // Somebody deletes a route and another is changed; and the operator starts anew.
    for remembers in [true, false] {
        let [web, media] = world.ingresses();
        world.cluster.remove(&media);
        let mut changed = world.cluster.object(&web);
        changed["spec"]["ingressClassName"] = json!("other");
        world.cluster.put(&web, changed);
        if !remembers {
            world.setup = setup(1);
            world.restart();
        }
        world.pass().await;
        world.pass().await;
        assert_eq!(world.orders(), 2, "remembers: {remembers}");
        assert_eq!(world.cluster.object(&web)["spec"]["ingressClassName"], "traefik", "remembers: {remembers}");
    }
}

#[tokio::test]
async fn another_issuer_is_asked_for_each_certificate_in_its_turn() {
    let mut world = World::new();
    world.settle().await;
    assert!(world.is_true(ConditionType::Ready));
    world.setup = setup(1);
    world.restart();
    world.settle().await;
    assert_eq!(world.orders(), 1);
    assert!(world.ingresses().iter().all(|it| world.cluster.has(it)), "what is routed stays routed");
}

/// Nothing tells of a Secret in a server's own namespace.
#[tokio::test]
async fn a_certificate_is_looked_for_soon_and_then_less_and_less() {
    let world = World::with(setup(2));
    world.settle().await;
    assert_eq!(world.orders(), 2);
    let before = world.looks();
    world.watch(180, 20).await;
    let looks = world.looks() - before;
    assert!((10..=16).contains(&looks), "{looks} looks in an hour");

    let world = World::with(setup(2));
    while world.orders() < 2 {
        world.cluster.wait(SignedDuration::from_secs(1));
        world.cluster.step();
        world.pass().await;
    }
    world.watch(4, 1).await;
    assert_eq!(world.looks(), 0);
    world.watch(1, 1).await;
    assert_eq!(world.looks(), 1);
    world.certify();
    world.watch(10, 1).await;
    assert!(world.is_true(ConditionType::Ready), "{:#}", world.cluster.object(CR)["status"]);
    assert_eq!(world.looks(), 2);
    let read = world.cluster.reads().len();
    world.watch(100, 1).await;
    assert_eq!(world.cluster.reads()[read..], [""; 0]);
}

#[tokio::test]
async fn cert_manager_is_told_whose_the_secret_is() {
    let world = World::with(setup(2));
    world.settle().await;
    for path in world.ingresses() {
        let ingress = world.cluster.object(&path);
        let template = ingress["metadata"]["annotations"]["cert-manager.io/secret-template"].as_str().unwrap();
        let template: Value = serde_json::from_str(template).unwrap();
        assert_eq!(template, json!({"labels": {labels::INSTANCE: world.id.to_string()}}));
    }
}

#[tokio::test]
async fn a_deleted_server_leaves_no_certificate_whoever_wrote_it() {
    let world = World::with(setup(2));
    world.settle().await;
    world.certify();
    world.watch(12, 50).await;
    let mut resource = world.cluster.object(CR);
    resource["metadata"]["deletionTimestamp"] = json!(world.cluster.now());
    world.cluster.put(CR, resource);
    let namespace = format!("/api/v1/namespaces/{}", world.id.resource_name());
    let [_, media] = world.certificates();
    // What has pods goes before the namespace.
    world.pass().await;
    // cert-manager, which has not noticed yet, would write it anew.
    world.pass().await;
    assert!(!world.cluster.has(&namespace) && world.cluster.has(&media), "it goes after its Ingress");
    world.pass().await;
    assert!(!world.cluster.has(&media));
    assert_eq!(world.cluster.object(CR)["metadata"]["finalizers"], json!([]));
}
