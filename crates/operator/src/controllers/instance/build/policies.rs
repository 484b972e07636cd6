//! NetworkPolicies: everything is closed both ways, and each process gets exactly the openings it needs.
//!
//! | process | in from | out to |
//! |---|---|---|
//! | web | ingress; the gate of a read-only server | DNS, database, Redis, object store, the public |
//! | streaming | ingress | DNS, database, Redis |
//! | sidekiq | – | DNS, database, Redis, object store, mail relay, the public |
//! | scheduler | – | DNS, database, Redis, object store, the public |
//! | job | – | DNS, database, Redis |
//! | redis | the five above | – |
//! | bundle, while an export runs (`controllers::export::build`) | operator | DNS, database, object store; the public and what is excepted, where a customer's own bucket is |
//! | bundle, while a pass of an import is loaded | – | DNS, database, object store |
//! | gate, of a server that is suspended | ingress | – |
//! | read-only-gate | ingress | DNS, web |
//! | cert-manager's solver, where it certifies the web host | ingress | – |
//!
//! In a rehearsal, and while a pass is loaded, nobody reaches the public or the relay.

use howdah_crd::labels::{self, job, process};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::gate::{self, Gate};
use super::{Desired, redis, streaming, web};
use crate::cache::ChildKind;
use crate::config::Peer;
use crate::controllers::instance::validate::Valid;

/// What is not the public internet: private, link-local (metadata services), CGNAT, loopback, benchmarks, documentation,
/// multicast and reserved.
const NOT_PUBLIC_V4: [&str; 14] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];
/// The same, and the ranges that a translator turns into IPv4 ones (NAT64, 6to4, Teredo). Mapped addresses are IPv4 on the wire,
/// and the API server takes none.
const NOT_PUBLIC_V6: [&str; 10] =
    ["::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8"];

/// Of the pod that answers an ACME challenge (HTTP-01), which cert-manager makes beside the Ingress, and where it listens.
const SOLVER_LABEL: &str = "acme.cert-manager.io/http01-solver";
const SOLVER_PORT: u16 = 8089;

/// The processes of Mastodon's images.
const MASTODON: [&str; 5] = [process::WEB, process::STREAMING, process::SIDEKIQ, process::SCHEDULER, process::JOB];

pub fn policies(valid: &Valid<'_>) -> Vec<Desired> {
    let network = valid.network;
    let dns = || to_peers(&network.dns, &["UDP", "TCP"]);
    let database = || to_peers(&network.databases, &["TCP"]);
    let store = || to_peers(&network.object_stores, &["TCP"]);
    let is_open = !valid.is_shut_in();
    let mail = || if is_open { to_peers(&network.mail, &["TCP"]) } else { vec![] };
    let redis = || vec![json!({"to": [pods(process::REDIS)], "ports": [port(redis::PORT, "TCP")]})];
    let public = || if is_open { vec![public(&network.cluster_cidrs)] } else { vec![] };
    let from_ingress = |target: u16| vec![json!({"from": peers(&network.ingress), "ports": [port(target, "TCP")]})];

    let base = || [dns(), database(), redis()].concat();
    let from_mastodon = vec![json!({"from": MASTODON.map(pods), "ports": [port(redis::PORT, "TCP")]})];
    let mut to_web = from_ingress(web::PORT);
    if gate::is_proxy(valid) {
        to_web.push(json!({"from": [pods(process::READ_ONLY_GATE)], "ports": [port(web::PORT, "TCP")]}));
    }
    let from_gate = |gate: Gate| match gate {
        Gate::Suspended => vec![],
        Gate::ReadOnly => [dns(), vec![json!({"to": [pods(process::WEB)], "ports": [port(web::PORT, "TCP")]})]].concat(),
    };
    let policy = |name: &str, ingress: Vec<Value>, egress: Vec<Value>| {
        let selector = json!({"matchLabels": {labels::PROCESS: name}});
        named(valid, name, &selector, &ingress, &egress)
    };
    let mut policies = vec![
        named(valid, "default-deny", &json!({}), &[], &[]),
        policy(process::WEB, to_web, [base(), store(), public()].concat()),
        policy(process::STREAMING, from_ingress(streaming::PORT), base()),
        policy(process::SIDEKIQ, vec![], [base(), store(), mail(), public()].concat()),
        policy(process::SCHEDULER, vec![], [base(), store(), public()].concat()),
        policy(process::JOB, vec![], base()),
        policy(process::REDIS, from_mastodon, vec![]),
    ];
    for gate in Gate::ALL.into_iter().filter(|it| gate::is_there(valid, *it)) {
        policies.push(policy(gate.process(), from_ingress(gate::PORT), from_gate(gate)));
    }
    if !valid.is_loaded() {
        let load = json!({"matchLabels": {labels::PROCESS: process::BUNDLE, labels::JOB: job::LOAD}});
        policies.push(named(valid, job::LOAD, &load, &[], &[dns(), database(), store()].concat()));
    }
    if valid.cluster_issuer(valid.spec.web_domain()).is_some() {
        let solver = json!({"matchLabels": {SOLVER_LABEL: "true"}});
        policies.push(named(valid, "acme-solver", &solver, &from_ingress(SOLVER_PORT), &[]));
    }
    policies
}

fn named(valid: &Valid<'_>, name: &str, selector: &Value, ingress: &[Value], egress: &[Value]) -> Desired {
    let body = json!({
        "spec": {"podSelector": selector, "policyTypes": ["Ingress", "Egress"], "ingress": ingress, "egress": egress},
    });
    Desired::new(valid.id, ChildKind::NetworkPolicy, Some(&valid.namespace), name, body)
}

fn pods(process: &str) -> Value {
    json!({"podSelector": {"matchLabels": {labels::PROCESS: process}}})
}

pub fn port(port: u16, protocol: &str) -> Value {
    json!({"port": port, "protocol": protocol})
}

pub fn peers(peers: &[Peer]) -> Vec<Value> {
    peers.iter().map(peer).collect()
}

fn peer(peer: &Peer) -> Value {
    let Peer { cidr, namespace_selector, pod_selector, port: _ } = peer;
    if let Some(cidr) = cidr {
        return json!({"ipBlock": {"cidr": cidr}});
    }
    let mut value = json!({});
    let selectors: [(&str, &Option<LabelSelector>); 2] = [("namespaceSelector", namespace_selector), ("podSelector", pod_selector)];
    for (key, selector) in selectors {
        if let Some(selector) = selector {
            value[key] = json!(selector);
        }
    }
    value
}

/// One rule a peer, since each has its own port. No port: all of them.
pub fn to_peers(peers: &[Peer], protocols: &[&str]) -> Vec<Value> {
    let rule = |it: &Peer| match it.port {
        Some(number) => json!({"to": [peer(it)], "ports": protocols.iter().map(|protocol| port(number, protocol)).collect::<Vec<_>>()}),
        None => json!({"to": [peer(it)]}),
    };
    peers.iter().map(rule).collect()
}

/// Other servers, by HTTP and HTTPS.
pub fn public(cluster_cidrs: &[String]) -> Value {
    let except = |fixed: &[&str], is_v6: bool| -> Vec<String> {
        let ours = cluster_cidrs.iter().filter(|it| it.contains(':') == is_v6).map(String::as_str);
        let mut all: Vec<String> = fixed.iter().copied().chain(ours).map(str::to_owned).collect();
        all.sort();
        all.dedup();
        all
    };
    json!({
        "to": [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": except(&NOT_PUBLIC_V4, false)}},
            {"ipBlock": {"cidr": "::/0", "except": except(&NOT_PUBLIC_V6, true)}},
        ],
        "ports": [port(80, "TCP"), port(443, "TCP")],
    })
}
