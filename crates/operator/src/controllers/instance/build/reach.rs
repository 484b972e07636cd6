//! Who may reach whom, process by process, by the policies that are built and those of the media gateway: two servers, the gateway,
//! what they need outside, and what they must not see. Every pair of parties is asked about every port; what is allowed is exactly what the table says.

use std::collections::{BTreeMap, BTreeSet};

use howdah_crd::MEDIA_NAMESPACE;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde::Deserialize as _;
use serde_json::Value;

use super::netpol::{Party, Pod, Port, allows};
use super::{Desired, Objects, Prepared, build};
use crate::cache::ChildKind;
use crate::config::OperatorConfig;
use crate::controllers::instance::fixture::{CONFIG, ID, dereferenced, import, loaded, resource};
use crate::controllers::instance::validate::validate;

const NETWORK: &str = r#"
network:
  dns: [{cidr: 10.1.0.53/32, port: 53}]
  databases: [{cidr: 10.1.0.54/32, port: 5433}]
  objectStores: [{cidr: 10.1.0.83/32, port: 8333}]
  mail: [{cidr: 10.1.0.25/32, port: 1025}]
  ingress: [{namespaceSelector: {matchLabels: {name: ingress}}, podSelector: {matchLabels: {app: traefik}}}]
  clusterCidrs: [10.96.0.0/16, 10.244.0.0/16, "2001:470:1::/48"]
bundles: {store: main, bucket: howdah-bundles, image: howdah:1}
"#;

const DNS: &[Port] = &[("UDP", 53), ("TCP", 53)];
const PUBLIC: &[Port] = &[("TCP", 80), ("TCP", 443)];
/// Of an ACME challenge.
const SOLVER: &[Port] = &[("TCP", 8089)];

/// Of one server; `outside` is another server on the internet.
const OPENINGS: &[(&str, &str, &[Port])] = &[
    ("ingress", "web", &[("TCP", 3000)]),
    ("ingress", "streaming", &[("TCP", 4000)]),
    ("ingress", "solver", SOLVER),
    ("web", "redis", &[("TCP", 6379)]),
    ("web", "dns", DNS),
    ("web", "database", &[("TCP", 5433)]),
    ("web", "store", &[("TCP", 8333)]),
    ("web", "outside", PUBLIC),
    ("web", "outside by IPv6", PUBLIC),
    ("streaming", "redis", &[("TCP", 6379)]),
    ("streaming", "dns", DNS),
    ("streaming", "database", &[("TCP", 5433)]),
    ("sidekiq", "redis", &[("TCP", 6379)]),
    ("sidekiq", "dns", DNS),
    ("sidekiq", "database", &[("TCP", 5433)]),
    ("sidekiq", "store", &[("TCP", 8333)]),
    ("sidekiq", "relay", &[("TCP", 1025)]),
    ("sidekiq", "outside", PUBLIC),
    ("sidekiq", "outside by IPv6", PUBLIC),
    ("scheduler", "redis", &[("TCP", 6379)]),
    ("scheduler", "dns", DNS),
    ("scheduler", "database", &[("TCP", 5433)]),
    ("scheduler", "store", &[("TCP", 8333)]),
    ("scheduler", "outside", PUBLIC),
    ("scheduler", "outside by IPv6", PUBLIC),
    ("job", "redis", &[("TCP", 6379)]),
    ("job", "dns", DNS),
    ("job", "database", &[("TCP", 5433)]),
];

/// What the gate adds: it answers by itself, or knows its own server's web and nobody else.
const SUSPENDED: &[(&str, &str, &[Port])] = &[("ingress", "gate", &[("TCP", 8080)])];
const READ_ONLY: &[(&str, &str, &[Port])] =
    &[("ingress", "read-only-gate", &[("TCP", 8080)]), ("read-only-gate", "web", &[("TCP", 3000)]), ("read-only-gate", "dns", DNS)];

/// Of a rehearsal: nothing gets out.
const REHEARSAL: &[(&str, &str, &[Port])] = &[
    ("ingress", "web", &[("TCP", 3000)]),
    ("ingress", "solver", SOLVER),
    ("web", "redis", &[("TCP", 6379)]),
    ("web", "dns", DNS),
    ("web", "database", &[("TCP", 5433)]),
    ("web", "store", &[("TCP", 8333)]),
    ("job", "redis", &[("TCP", 6379)]),
    ("job", "dns", DNS),
    ("job", "database", &[("TCP", 5433)]),
];

/// Of an import whose data is still to be loaded.
const LOADING: &[(&str, &str, &[Port])] = &[
    ("ingress", "solver", SOLVER),
    ("job", "redis", &[("TCP", 6379)]),
    ("job", "dns", DNS),
    ("job", "database", &[("TCP", 5433)]),
    ("bundle", "dns", DNS),
    ("bundle", "database", &[("TCP", 5433)]),
    ("bundle", "store", &[("TCP", 8333)]),
];

/// Of the media gateway's namespace.
const MEDIA_OPENINGS: &[(&str, &str, &[Port])] = &[
    ("ingress", "media/gateway", &[("TCP", 8080)]),
    ("ingress", "media/solver", SOLVER),
    ("media/gateway", "dns", DNS),
    ("media/gateway", "API server", &[("TCP", 16443)]),
    ("media/gateway", "store", &[("TCP", 8333)]),
];

/// What no server's process may reach or be reached from, beside the other server.
const FORBIDDEN: &[(&str, &str)] = &[
    ("API server", "10.1.0.1"),
    ("API server's Service", "10.96.0.1"),
    ("node", "10.1.0.2"),
    ("pod of another namespace by IPv6", "2001:470:1::7"),
    ("control plane's database", "127.0.0.1"),
    ("metadata service", "169.254.169.254"),
    ("metadata service by IPv6", "fd00:ec2::254"),
    ("metadata service, mapped", "::ffff:169.254.169.254"),
    ("metadata service, translated", "64:ff9b::a9fe:a9fe"),
    ("private network", "192.168.1.1"),
    ("provider's network", "100.64.0.1"),
    ("neighbour on the link", "fe80::1"),
];

/// Every port that anything above listens on, and some that only an attacker asks for.
const PORTS: &[Port] = &[
    ("UDP", 53),
    ("TCP", 53),
    ("TCP", 22),
    ("TCP", 25),
    ("TCP", 80),
    ("UDP", 443),
    ("TCP", 443),
    ("TCP", 1025),
    ("TCP", 3000),
    ("TCP", 4000),
    ("TCP", 5432),
    ("TCP", 5433),
    ("TCP", 6379),
    ("TCP", 8080),
    ("TCP", 8089),
    ("TCP", 8333),
    ("TCP", 10250),
    ("TCP", 16443),
];

const OTHER_ID: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1e";

const SOLVER_LABEL: &str = "acme.cert-manager.io/http01-solver";

fn config() -> OperatorConfig {
    let rest = CONFIG.split_once("\nnetwork:").expect("the configuration ends with its network").0;
    let rest = rest.replace("{ca: {secret: private-ca}}", "{certManager: {clusterIssuer: acme}}");
    OperatorConfig::parse(&format!("{rest}{NETWORK}")).expect("a configuration")
}

/// The policies of `deploy/media`, filled in for the same network.
fn media_policies() -> Vec<NetworkPolicy> {
    let text = concat!(
        include_str!("../../../../../../deploy/media/network-policy.yaml"),
        "---\n",
        include_str!("../../../../../../deploy/media/acme-solver.yaml")
    );
    let one = |address: &str| format!("[{{ipBlock: {{cidr: {address}/32}}}}]");
    let ingress = "[{namespaceSelector: {matchLabels: {name: ingress}}, podSelector: {matchLabels: {app: traefik}}}]";
    let filled = text
        .replace("@INGRESS_PEERS@", ingress)
        .replace("@DNS_PEERS@", &one("10.1.0.53"))
        .replace("@API_SERVER_PEERS@", &one("10.1.0.1"))
        .replace("@API_SERVER_PORT@", "16443")
        .replace("@OBJECT_STORE_PEERS@", &one("10.1.0.83"))
        .replace("@OBJECT_STORE_PORT@", "8333");
    let documents = serde_yaml_ng::Deserializer::from_str(&filled);
    documents.map(|it| NetworkPolicy::deserialize(it).expect("a NetworkPolicy")).collect()
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(value.clone()).expect("labels")
}

/// A server's policies and one pod of each of its processes.
fn server(config: &OperatorConfig, mut resource: Value, id: &str, which: &str, subnet: &str) -> (Vec<NetworkPolicy>, Vec<Party>) {
    resource["spec"]["id"] = id.into();
    let found = dereferenced(resource);
    let objects = build(&validate(&found, config).map_err(|it| it.message).expect("a valid server"));
    let Objects { namespace, guards, cache, jobs, front, workloads, .. }: Objects<Prepared> = objects;
    let policies = guards.iter().filter(|it| it.key.kind == ChildKind::NetworkPolicy);
    let policies = policies.map(|it| serde_json::from_value(it.body.clone()).expect("a NetworkPolicy")).collect();
    let has_pods = |it: &&Desired| matches!(it.key.kind, ChildKind::Deployment | ChildKind::StatefulSet | ChildKind::Job);
    let pods = cache.iter().chain(jobs.all()).chain(&front.gate).chain(&workloads).filter(has_pods).enumerate().map(|(at, owner)| {
        let labels = labels(&owner.body["spec"]["template"]["metadata"]["labels"]);
        let name = format!("{which}/{}", labels[howdah_crd::labels::PROCESS]);
        let pod =
            Pod { namespace: namespace.key.name.clone(), namespace_labels: self::labels(&namespace.body["metadata"]["labels"]), labels };
        Party::pod(&name, &format!("{subnet}.{}", at + 1), pod)
    });
    let solver = BTreeMap::from([(SOLVER_LABEL.to_owned(), "true".to_owned())]);
    let solver =
        Pod { namespace: namespace.key.name.clone(), namespace_labels: labels(&namespace.body["metadata"]["labels"]), labels: solver };
    let solver = Party::pod(&format!("{which}/solver"), &format!("{subnet}.99"), solver);
    let pods = pods.chain([solver]).collect();
    (policies, pods)
}

fn bystander(name: &str, address: &str, namespace: &str, label: (&str, &str)) -> Party {
    let one = |(key, value): (&str, &str)| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    Party::pod(name, address, Pod { namespace: namespace.to_owned(), namespace_labels: one(("name", namespace)), labels: one(label) })
}

/// With two such servers.
fn world(resource: &Value) -> (Vec<NetworkPolicy>, Vec<Party>) {
    let config = config();
    let (mut policies, mut parties) = server(&config, resource.clone(), ID, "A", "10.244.1");
    let (more, pods) = server(&config, resource.clone(), OTHER_ID, "B", "10.244.2");
    policies.extend(more);
    policies.extend(media_policies());
    parties.extend(pods);
    parties.push(bystander("ingress", "10.244.3.1", "ingress", ("app", "traefik")));
    parties.push(bystander("another pod beside the ingress", "10.244.3.2", "ingress", ("app", "other")));
    parties.push(bystander("a pod that calls itself ingress", "10.244.3.3", "elsewhere", ("app", "traefik")));
    parties.push(bystander("media/gateway", "10.244.3.4", MEDIA_NAMESPACE, ("app.kubernetes.io/name", "media-gateway")));
    parties.push(bystander("media/solver", "10.244.3.5", MEDIA_NAMESPACE, (SOLVER_LABEL, "true")));
    parties.push(bystander("media/another pod", "10.244.3.6", MEDIA_NAMESPACE, ("app", "other")));
    let outside = [
        ("dns", "10.1.0.53"),
        ("database", "10.1.0.54"),
        ("store", "10.1.0.83"),
        ("relay", "10.1.0.25"),
        ("outside", "93.184.216.34"),
        ("outside by IPv6", "2606:2800:220:1::1"),
    ];
    parties.extend(outside.iter().chain(FORBIDDEN).map(|(name, address)| Party::outside(name, address)));
    (policies, parties)
}

fn is_ours(party: &Party) -> bool {
    ["A/", "B/", "media/"].iter().any(|it| party.name.starts_with(it))
}

/// Of two such servers, each of which has these processes.
fn check(resource: &Value, processes: &[&str], openings: &[(&str, &str, &[Port])]) {
    let (policies, parties) = world(resource);
    let names: BTreeSet<_> = parties.iter().filter_map(|it| it.name.strip_prefix("A/")).collect();
    assert_eq!(names, processes.iter().copied().collect());

    let mut found = BTreeSet::new();
    for from in &parties {
        for to in parties.iter().filter(|to| to.name != from.name && (is_ours(from) || is_ours(to))) {
            for port in PORTS.iter().filter(|port| allows(&policies, from, to, **port)) {
                found.insert(format!("{} > {} {}/{}", from.name, to.name, port.0, port.1));
            }
        }
    }
    let allowed =
        |from: &str, to: &str, ports: &[Port]| ports.iter().map(|port| format!("{from} > {to} {}/{}", port.0, port.1)).collect::<Vec<_>>();
    let mut expected: BTreeSet<_> = MEDIA_OPENINGS.iter().flat_map(|(from, to, ports)| allowed(from, to, ports)).collect();
    for which in ["A", "B"] {
        let party = |name: &str| if processes.contains(&name) { format!("{which}/{name}") } else { name.to_owned() };
        for (from, to, ports) in openings {
            expected.extend(allowed(&party(from), &party(to), ports));
        }
    }
    let surplus: Vec<_> = found.difference(&expected).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    assert!(surplus.is_empty() && missing.is_empty(), "allowed and not in the table: {surplus:#?}\nin the table and refused: {missing:#?}");
}

#[test]
fn who_may_reach_whom() {
    check(&resource(), &["job", "redis", "scheduler", "sidekiq", "solver", "streaming", "web"], OPENINGS);
    check(&loaded(import(), &[]), &["job", "redis", "solver", "web"], REHEARSAL);
    check(&import(), &["bundle", "job", "redis", "solver"], LOADING);
}

#[test]
fn whom_the_gate_reaches() {
    for (power, gate, more) in [("Suspended", "gate", SUSPENDED), ("ReadOnly", "read-only-gate", READ_ONLY)] {
        let mut resource = resource();
        resource["spec"]["powerState"] = power.into();
        let processes = [gate, "job", "redis", "scheduler", "sidekiq", "solver", "streaming", "web"];
        check(&resource, &processes, &[OPENINGS, more].concat());
    }
}

/// What ran in the rehearsal may still run when the pass that is to be served is asked for.
#[test]
fn nothing_gets_out_before_the_last_pass_is_loaded() {
    let mut last = loaded(import(), &[]);
    last["spec"]["powerState"] = "Running".into();
    last["spec"]["bootstrap"]["import"]["pass"] = 2.into();
    let (policies, mut parties) = world(&last);
    let web = world(&resource()).1.into_iter().find(|it| it.name == "A/web").expect("a pod of web");
    parties.retain(|it| it.name.starts_with("outside") || it.name == "relay");
    for to in &parties {
        assert!(!PORTS.iter().any(|port| allows(&policies, &web, to, *port)), "{}", to.name);
    }
}

/// Where nobody answers challenges, nobody is let in to do so.
#[test]
fn the_opening_for_challenges_is_cert_managers_alone() {
    let has_opening = |config: &OperatorConfig, domain: &str| {
        let mut resource = resource();
        resource["spec"]["domain"] = domain.into();
        let found = dereferenced(resource);
        let objects = build(&validate(&found, config).map_err(|it| it.message).expect("a valid server"));
        objects.guards.iter().any(|it| it.body["spec"]["podSelector"]["matchLabels"].get(SOLVER_LABEL).is_some())
    };
    assert!(has_opening(&config(), "social.example.org"));
    assert!(!has_opening(&config(), "alice.fedi.example.net"), "the wildcard covers it");
    assert!(!has_opening(&OperatorConfig::parse(CONFIG).expect("a configuration"), "social.example.org"));
}

/// A pod that carries none of our labels (somebody's debug container, say) is shut in too.
#[test]
fn a_stranger_in_a_servers_namespace_reaches_nobody() {
    let (policies, parties) = world(&resource());
    let mut stranger = parties[0].clone();
    stranger.name = "stranger".to_owned();
    stranger.pod.as_mut().expect("a pod").labels.clear();
    for party in &parties {
        for port in PORTS {
            assert!(!allows(&policies, &stranger, party, *port), "to {} {port:?}", party.name);
            assert!(!allows(&policies, party, &stranger, *port), "from {} {port:?}", party.name);
        }
    }
}
