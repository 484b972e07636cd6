//! Who answers for a server at each moment on its way to a pause and back, by what is there.

use howdah_crd::labels::process;
use howdah_crd::{PowerState, labels};
use serde_json::{Value, json};

use super::tests::{all, environment, find};
use super::*;
use crate::cache::{ChildKind, Children};
use crate::config::OperatorConfig;
use crate::controllers::instance::fixture::{CONFIG, ID, config, dereferenced, resource, with_true};
use crate::controllers::instance::validate::validate;

/// What is in the cluster, and the objects that are built from that.
struct Cluster {
    children: Children,
    config: OperatorConfig,
    version: u32,
    now: &'static str,
    /// Since when it is known that it is to stop.
    asked: Option<&'static str>,
}

impl Cluster {
    fn new() -> Self {
        Self { children: Children::default(), config: config(), version: 0, now: "2026-01-01T00:01:00Z", asked: None }
    }

    fn build(&self, power: PowerState) -> Objects<Prepared> {
        let mut resource = with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]);
        resource["spec"]["powerState"] = json!(power);
        if let Some(asked) = self.asked {
            let waits = json!({"type": "Stopped", "status": "False", "reason": "Progressing", "message": "", "lastTransitionTime": asked});
            resource["status"]["conditions"].as_array_mut().unwrap().push(waits);
        }
        let mut found = dereferenced(resource);
        found.children = self.children.snapshot(ID.parse().unwrap());
        found.now = self.now.parse().unwrap();
        build(&validate(&found, &self.config).map_err(|it| it.message).unwrap())
    }

    fn put(&mut self, kind: ChildKind, mut body: Value) {
        self.version += 1;
        body["metadata"]["uid"] = json!(format!("uid-{}", body["metadata"]["name"]));
        body["metadata"]["resourceVersion"] = json!(self.version.to_string());
        body["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:30Z");
        self.children.put(kind, &serde_json::from_value(body).unwrap());
    }

    /// Applies what has these names; a Deployment's pods are as many as it wants, or none.
    fn apply(&mut self, objects: &Objects<Prepared>, names: &[&str], ready: bool) {
        for desired in all(objects).into_iter().filter(|it| names.contains(&it.key.name.as_str())) {
            let mut body = desired.body.clone();
            if desired.key.kind == ChildKind::Deployment {
                let pods = if ready { body["spec"]["replicas"].clone() } else { json!(0) };
                body["status"] = json!({"replicas": pods, "updatedReplicas": pods, "readyReplicas": pods});
            } else if desired.key.kind != ChildKind::Service {
                continue;
            }
            self.put(desired.key.kind, body);
        }
    }

    /// A server that runs.
    fn running() -> Self {
        let mut cluster = Self::new();
        let objects = cluster.build(PowerState::Running);
        cluster.apply(&objects, &["web", "streaming", "sidekiq", "scheduler"], true);
        cluster
    }

    fn remove(&mut self, kind: ChildKind, name: &str) {
        self.version += 1;
        let home = dereferenced(resource()).id.resource_name();
        let metadata =
            json!({"name": name, "namespace": home, "resourceVersion": self.version.to_string(), "labels": {labels::INSTANCE: ID}});
        let gone = json!({"apiVersion": kind.resource().api_version, "kind": kind.resource().kind, "metadata": metadata});
        self.children.remove(kind, &serde_json::from_value(gone).unwrap());
    }
}

/// To whom web's and streaming's Services lead.
fn led(objects: &Objects<Prepared>) -> [String; 2] {
    [process::WEB, process::STREAMING].map(|it| {
        let spec = &find(objects, ChildKind::Service, it)["spec"];
        let target = &spec["ports"][0]["targetPort"];
        let process = spec["selector"][labels::PROCESS].as_str().unwrap();
        assert_eq!(*target, if process.ends_with("gate") { 8080 } else { spec["ports"][0]["port"].as_u64().unwrap() });
        process.to_owned()
    })
}

fn has(objects: &Objects<Prepared>, kind: ChildKind, name: &str) -> bool {
    all(objects).iter().any(|it| it.key.kind == kind && it.key.name == name)
}

fn replicas(objects: &Objects<Prepared>) -> [u64; 4] {
    ["web", "streaming", "sidekiq", "scheduler"].map(|it| find(objects, ChildKind::Deployment, it)["spec"]["replicas"].as_u64().unwrap())
}

fn arguments(objects: &Objects<Prepared>, gate: &str) -> String {
    find(objects, ChildKind::Deployment, gate)["spec"]["template"]["spec"]["containers"][0]["args"].to_string()
}

#[test]
fn a_server_that_runs_has_no_gate() {
    let cluster = Cluster::running();
    let objects = cluster.build(PowerState::Running);
    assert_eq!(led(&objects), ["web", "streaming"]);
    for gate in [process::GATE, process::READ_ONLY_GATE] {
        assert!(!has(&objects, ChildKind::Deployment, gate) && !has(&objects, ChildKind::NetworkPolicy, gate));
    }
    assert!(!has(&objects, ChildKind::Service, "origin"));
}

#[test]
fn somebody_answers_at_every_moment_of_a_pause() {
    let mut cluster = Cluster::running();
    // The gate comes first; what ran runs on, but for Sidekiq.
    let first = cluster.build(PowerState::Suspended);
    assert_eq!((led(&first), replicas(&first)), (["web", "streaming"].map(str::to_owned), [2, 1, 0, 0]));
    assert!(first.front.retry_in.is_some() && !arguments(&first, "gate").contains("--origin"));
    cluster.apply(&first, &["gate"], false);
    assert_eq!(led(&cluster.build(PowerState::Suspended)), ["web", "streaming"], "it is not ready");
    // It is ready: the Services turn, and are written before the workloads stop.
    cluster.apply(&first, &["gate"], true);
    let second = cluster.build(PowerState::Suspended);
    assert_eq!((led(&second), replicas(&second)), (["gate", "gate"].map(str::to_owned), [0; 4]));
    assert_eq!(second.front.retry_in, None);
    cluster.apply(&second, &["web", "streaming", "sidekiq", "scheduler"], true);
    // A gate that is not ready for a moment starts nothing again.
    cluster.apply(&first, &["gate"], false);
    let third = cluster.build(PowerState::Suspended);
    assert_eq!((led(&third), replicas(&third)), (["gate", "gate"].map(str::to_owned), [0; 4]));
    cluster.apply(&first, &["gate"], true);

    // And back: each Service once somebody is there behind it.
    let back = cluster.build(PowerState::Running);
    assert_eq!((led(&back), replicas(&back)), (["gate", "gate"].map(str::to_owned), [2, 1, 1, 1]));
    cluster.apply(&back, &["web", "streaming", "gate"], false);
    assert!(has(&cluster.build(PowerState::Running), ChildKind::Deployment, "gate"));
    cluster.apply(&back, &["web"], true);
    let web_is_back = cluster.build(PowerState::Running);
    assert_eq!(led(&web_is_back), ["web", "gate"]);
    assert!(has(&web_is_back, ChildKind::Deployment, "gate"));
    for desired in &web_is_back.front.services {
        cluster.put(ChildKind::Service, desired.body.clone());
    }
    let streaming = back.workloads.iter().find(|it| it.key.name == "streaming").unwrap();
    let mut body = streaming.body.clone();
    body["status"] = json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1});
    cluster.put(ChildKind::Deployment, body);
    let last = cluster.build(PowerState::Running);
    assert_eq!(led(&last), ["web", "streaming"]);
    assert!(!has(&last, ChildKind::Deployment, "gate"), "nobody is led to it any more");
}

#[test]
fn a_gate_that_does_not_start_keeps_nothing_running_for_long() {
    let mut cluster = Cluster::running();
    let first = cluster.build(PowerState::Suspended);
    assert_eq!(first.front.retry_in, Some(Duration::from_secs(60)));
    cluster.asked = Some("2026-01-01T00:00:30Z");
    cluster.apply(&first, &["gate"], false);
    cluster.now = "2026-01-01T00:01:29Z";
    let waits = cluster.build(PowerState::Suspended);
    assert_eq!((replicas(&waits), waits.front.retry_in), ([2, 1, 0, 0], Some(Duration::from_secs(1))));
    cluster.now = "2026-01-01T00:01:30Z";
    let stops = cluster.build(PowerState::Suspended);
    assert_eq!((replicas(&stops), stops.front.retry_in), ([0; 4], None));
    cluster.config = OperatorConfig::parse(&CONFIG.replace("bundles:", "#")).unwrap();
    let without = cluster.build(PowerState::Suspended);
    assert_eq!((replicas(&without), led(&without)), ([0; 4], ["web", "streaming"].map(str::to_owned)), "the ingress answers");
}

#[test]
fn read_only_is_a_gate_before_web_alone() {
    let mut cluster = Cluster::running();
    let first = cluster.build(PowerState::ReadOnly);
    assert_eq!((led(&first), replicas(&first)), (["web", "streaming"].map(str::to_owned), [2, 1, 1, 1]));
    let arguments = arguments(&first, "read-only-gate");
    assert!(arguments.contains("\"--origin\",\"origin:3000\""), "{arguments}");
    cluster.apply(&first, &["read-only-gate", "origin"], true);
    let second = cluster.build(PowerState::ReadOnly);
    assert_eq!((led(&second), replicas(&second)), (["read-only-gate", "streaming"].map(str::to_owned), [2, 1, 1, 1]));
    assert!(!has(&second, ChildKind::Deployment, "gate"));
    assert_eq!(find(&second, ChildKind::Service, "origin")["spec"]["selector"][labels::PROCESS], "web");
    cluster.apply(&second, &["web", "streaming"], true);
    // Back at once, and whoever is at the gate still finds web.
    let back = cluster.build(PowerState::Running);
    assert_eq!(led(&back), ["web", "streaming"]);
    assert!(!has(&back, ChildKind::Deployment, "read-only-gate") && has(&back, ChildKind::Service, "origin"));
    cluster.remove(ChildKind::Deployment, "read-only-gate");
    assert!(!has(&cluster.build(PowerState::Running), ChildKind::Service, "origin"));
}

impl Cluster {
    /// A server that has been read-only for a day.
    fn read_only() -> Self {
        let mut cluster = Self::running();
        let first = cluster.build(PowerState::ReadOnly);
        cluster.apply(&first, &["read-only-gate", "origin"], true);
        let second = cluster.build(PowerState::ReadOnly);
        cluster.apply(&second, &["web", "streaming"], true);
        cluster.now = "2026-01-02T00:00:00Z";
        cluster
    }
}

/// The gate before web is no reason to stop before the other one answers, and what it needed goes with it.
#[test]
fn from_read_only_to_a_pause_somebody_answers_at_every_moment() {
    let mut cluster = Cluster::read_only();
    let first = cluster.build(PowerState::Suspended);
    assert_eq!((led(&first), replicas(&first)), (["read-only-gate", "streaming"].map(str::to_owned), [2, 1, 0, 0]));
    assert!(has(&first, ChildKind::Deployment, "gate") && has(&first, ChildKind::Deployment, "read-only-gate"));
    cluster.apply(&first, &["gate"], false);
    let waits = cluster.build(PowerState::Suspended);
    assert_eq!((led(&waits), replicas(&waits)), (["read-only-gate", "streaming"].map(str::to_owned), [2, 1, 0, 0]));
    cluster.apply(&first, &["gate"], true);
    let turned = cluster.build(PowerState::Suspended);
    assert_eq!((led(&turned), replicas(&turned)), (["gate", "gate"].map(str::to_owned), [0; 4]));
    cluster.apply(&turned, &["web", "streaming"], true);
    // Whoever is still at the one that goes finds web, until it is gone.
    let goes = cluster.build(PowerState::Suspended);
    assert!(!has(&goes, ChildKind::Deployment, "read-only-gate") && has(&goes, ChildKind::NetworkPolicy, "read-only-gate"));
    cluster.apply(&goes, &["origin"], true);
    cluster.remove(ChildKind::Deployment, "read-only-gate");
    let gone = cluster.build(PowerState::Suspended);
    assert!(!has(&gone, ChildKind::Service, "origin") && !has(&gone, ChildKind::NetworkPolicy, "read-only-gate"));
    assert_eq!((led(&gone), replicas(&gone)), (["gate", "gate"].map(str::to_owned), [0; 4]));
}

#[test]
fn from_a_pause_to_read_only_the_one_gate_follows_the_other() {
    let mut cluster = Cluster::running();
    let paused = cluster.build(PowerState::Suspended);
    cluster.apply(&paused, &["gate"], true);
    let paused = cluster.build(PowerState::Suspended);
    cluster.apply(&paused, &["web", "streaming", "sidekiq", "scheduler"], true);
    let first = cluster.build(PowerState::ReadOnly);
    assert_eq!((led(&first), replicas(&first)), (["gate", "gate"].map(str::to_owned), [2, 1, 1, 1]));
    cluster.apply(&first, &["read-only-gate", "origin"], true);
    let second = cluster.build(PowerState::ReadOnly);
    assert_eq!(led(&second), ["read-only-gate", "gate"]);
    assert!(has(&second, ChildKind::Deployment, "gate"), "streaming's Service leads there");
}

/// A gate that goes answers nobody who comes now, and another takes its place.
#[test]
fn nobody_is_led_to_a_gate_that_goes() {
    let mut cluster = Cluster::running();
    let first = cluster.build(PowerState::Suspended);
    cluster.apply(&first, &["gate"], true);
    let mut body = find(&first, ChildKind::Deployment, "gate").clone();
    body["status"] = json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1});
    body["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:59Z");
    cluster.put(ChildKind::Deployment, body);
    let goes = cluster.build(PowerState::Suspended);
    assert_eq!((led(&goes), replicas(&goes)), (["web", "streaming"].map(str::to_owned), [2, 1, 0, 0]));
}

#[test]
fn without_an_image_for_the_gate_nothing_is_read_only() {
    let config = OperatorConfig::parse(&CONFIG.replace("bundles:", "#")).unwrap();
    let mut resource = with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]);
    resource["spec"]["powerState"] = json!(PowerState::ReadOnly);
    let found = dereferenced(resource);
    let refusal = validate(&found, &config).err().unwrap();
    assert_eq!((refusal.reason, refusal.message.as_str()), (howdah_crd::Reason::NotConfigured, "noticeImage"));
}

/// Through the gate requests come from a pod.
#[test]
fn the_gates_word_on_addresses_counts() {
    let trusted = |power, name| {
        let objects = Cluster::new().build(power);
        let container = &find(&objects, ChildKind::Deployment, name)["spec"]["template"]["spec"]["containers"][0];
        environment(container, "TRUSTED_PROXY_IP").unwrap()["value"].as_str().unwrap().to_owned()
    };
    let ingress = "10.0.0.1/32";
    assert_eq!(trusted(PowerState::ReadOnly, "web"), format!("{ingress},10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fc00::/7"));
    assert_eq!(trusted(PowerState::Running, "web"), ingress);
    assert_eq!(trusted(PowerState::ReadOnly, "sidekiq"), ingress, "it is not restarted");
}
