//! Puma: pages, API and the inbox. Which Service leads to it, the gate's part decides ([`super::gate`]).

use howdah_crd::MARK_PATH;
use howdah_crd::labels::process;
use serde_json::{Value, json};

use super::object::process_labels;
use super::{Desired, environment, gate, pod};
use crate::cache::ChildKind;
use crate::controllers::instance::validate::Valid;

pub const PORT: u16 = 3000;
/// Where pods have their addresses.
const POD_RANGES: [&str; 5] = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
/// How long a pod that ends is still led to, at most.
const LED_TO_SECONDS: u32 = 5;

/// `stops`: none of it is to run.
pub fn web(valid: &Valid<'_>, stops: bool) -> Vec<Desired> {
    let wanted = &valid.spec.resources.web;
    let mut env = environment::rails(valid, wanted.threads);
    env.extend([
        environment::variable("BIND", "0.0.0.0"),
        environment::variable("PORT", PORT.to_string()),
        environment::variable("WEB_CONCURRENCY", wanted.concurrency.to_string()),
        environment::variable("MAX_THREADS", wanted.threads.to_string()),
    ]);
    if let Some(host) = valid.rehearsal {
        env.push(environment::variable("ALTERNATE_DOMAINS", host));
    }
    trust_gate(valid, &mut env);
    let container = json!({
        "image": valid.spec.image.mastodon,
        "command": ["bundle", "exec", "puma", "-C", "config/puma.rb"],
        "env": env,
        "envFrom": environment::smtp(valid),
        "ports": [{"name": "http", "containerPort": PORT}],
        // `/health` is exempt from the host check and from the redirect to https.
        "startupProbe": pod::http_probe("/health", PORT, 1, 300),
        "readinessProbe": pod::http_probe("/health", PORT, 5, 3),
        "livenessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 20, "failureThreshold": 6, "timeoutSeconds": 5},
        "resources": pod::resources(&wanted.process),
    });
    // A rehearsal is looked at by few.
    let replicas = if valid.rehearsal.is_some() { 1 } else { wanted.replicas };
    let template = with_mark(pod::mastodon(valid, process::WEB, 60, container));
    let mut objects = vec![rolling(valid, process::WEB, if stops { 0 } else { replicas }, template)];
    objects.extend(budget(valid, process::WEB, replicas));
    objects
}

/// Through the gate requests come from a pod, whose address nobody knows before: without its word, everybody would seem to be the gate. Policies let
/// no other pod reach web. Without `TRUSTED_PROXY_IP` Rails trusts these ranges by itself.
fn trust_gate(valid: &Valid<'_>, env: &mut Vec<Value>) {
    const NAME: &str = "TRUSTED_PROXY_IP";
    if !gate::is_proxy(valid) || valid.trusted_proxies.is_empty() {
        return;
    }
    env.retain(|it| it["name"] != NAME);
    let all: Vec<&str> = valid.trusted_proxies.iter().map(String::as_str).chain(POD_RANGES).collect();
    env.push(environment::variable(NAME, all.join(",")));
}

/// The server's mark among the files that web serves: [`MARK_PATH`].
fn with_mark(mut template: Value) -> Value {
    let (folder, file) = MARK_PATH.rsplit_once('/').expect("the mark's path has a folder");
    let mount = json!({"name": "mark", "mountPath": format!("{}/public{folder}", pod::HOME), "readOnly": true});
    let volume = json!({"name": "mark", "downwardAPI": {"items": [{"path": file, "fieldRef": {"fieldPath": "metadata.namespace"}}]}});
    let lists = [("/spec/containers/0/volumeMounts", mount), ("/spec/volumes", volume)];
    for (place, item) in lists {
        template.pointer_mut(place).and_then(Value::as_array_mut).expect("a pod of Mastodon's has volumes").push(item);
    }
    template
}

/// A Deployment that has its new pods ready before it takes an old one away.
pub fn rolling(valid: &Valid<'_>, process: &str, replicas: i32, mut template: Value) -> Desired {
    // A pod that ends is led to until the ingress has heard of it.
    template["spec"]["containers"][0]["lifecycle"] = json!({"preStop": {"sleep": {"seconds": LED_TO_SECONDS}}});
    let body = json!({
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": process_labels(valid.id, process)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": template,
        },
    });
    Desired::new(valid.id, ChildKind::Deployment, Some(&valid.namespace), process, body)
}

/// A Service of this name and port, which leads to this process at its port.
pub fn service(valid: &Valid<'_>, (name, port): (&str, u16), (process, target): (&str, u16)) -> Desired {
    let body = json!({
        "spec": {
            "selector": process_labels(valid.id, process),
            "ports": [{"name": "main", "port": port, "targetPort": target, "protocol": "TCP"}],
        },
    });
    Desired::new(valid.id, ChildKind::Service, Some(&valid.namespace), name, body)
}

/// Only where there are two: with one pod a budget would stop every drain of its node.
pub fn budget(valid: &Valid<'_>, process: &str, replicas: i32) -> Option<Desired> {
    (replicas >= 2).then(|| {
        let body = json!({"spec": {"maxUnavailable": 1, "selector": {"matchLabels": process_labels(valid.id, process)}}});
        Desired::new(valid.id, ChildKind::PodDisruptionBudget, Some(&valid.namespace), process, body)
    })
}
