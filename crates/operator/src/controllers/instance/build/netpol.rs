//! Who may reach whom, by NetworkPolicies: Kubernetes' rules evaluated, since no network plugin of the stack enforces them.
//!
//! Where Kubernetes leaves it to the plugin the answer is the more open one: a block of addresses covers pods too, and a port
//! by name may be any port. So what is refused here is refused by every plugin.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::networking::v1::{IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::{Selector, SelectorExt};

type Labels = BTreeMap<String, String>;

/// One end of a connection.
#[derive(Debug, Clone)]
pub struct Party {
    pub name: String,
    pub address: IpAddr,
    /// `None` for what is no pod: a server outside, a node.
    pub pod: Option<Pod>,
}

/// What policies see of a pod.
#[derive(Debug, Clone)]
pub struct Pod {
    pub namespace: String,
    pub namespace_labels: Labels,
    pub labels: Labels,
}

/// Where a connection leads: `("TCP", 443)`.
pub type Port = (&'static str, u16);

impl Party {
    /// A mapped address (`::ffff:10.0.0.1`) is the IPv4 one on the wire.
    pub fn outside(name: &str, address: &str) -> Self {
        Self { name: name.to_owned(), address: address.parse::<IpAddr>().expect("an address").to_canonical(), pod: None }
    }

    pub fn pod(name: &str, address: &str, pod: Pod) -> Self {
        Self { pod: Some(pod), ..Self::outside(name, address) }
    }
}

/// May `from` open a connection to `port` of `to`? Both ends have to agree.
pub fn allows(policies: &[NetworkPolicy], from: &Party, to: &Party, port: Port) -> bool {
    direction(policies, "Egress", from, to, port) && direction(policies, "Ingress", to, from, port)
}

/// One end's side of it. A pod that no policy of this direction selects is open.
fn direction(policies: &[NetworkPolicy], kind: &str, own: &Party, other: &Party, port: Port) -> bool {
    let Some(pod) = &own.pod else { return true };
    let mut selecting = policies.iter().filter(|policy| selects(policy, kind, pod)).peekable();
    if selecting.peek().is_none() {
        return true;
    }
    selecting.any(|policy| {
        let namespace = policy.metadata.namespace.as_deref().unwrap_or_default();
        rules(policy, kind).iter().any(|(peers, ports)| {
            let peer = peers.is_empty() || peers.iter().any(|it| peer_matches(it, namespace, other));
            peer && (ports.is_empty() || ports.iter().any(|it| port_matches(it, port)))
        })
    })
}

fn selects(policy: &NetworkPolicy, kind: &str, pod: &Pod) -> bool {
    let Some(spec) = &policy.spec else { return false };
    let of_this_kind = match &spec.policy_types {
        Some(types) if !types.is_empty() => types.iter().any(|it| it == kind),
        // Unsaid, ingress is always meant, and egress where there are rules for it.
        _ => kind == "Ingress" || spec.egress.as_ref().is_some_and(|it| !it.is_empty()),
    };
    let selector = spec.pod_selector.clone().unwrap_or_default();
    of_this_kind && policy.metadata.namespace.as_deref() == Some(&pod.namespace) && matches(&selector, &pod.labels)
}

/// Each rule's peers and ports.
fn rules(policy: &NetworkPolicy, kind: &str) -> Vec<(Vec<NetworkPolicyPeer>, Vec<NetworkPolicyPort>)> {
    let Some(spec) = policy.spec.clone() else { return Vec::new() };
    if kind == "Ingress" {
        let rules = spec.ingress.unwrap_or_default().into_iter();
        return rules.map(|it| (it.from.unwrap_or_default(), it.ports.unwrap_or_default())).collect();
    }
    let rules = spec.egress.unwrap_or_default().into_iter();
    rules.map(|it| (it.to.unwrap_or_default(), it.ports.unwrap_or_default())).collect()
}

/// `namespace` is the policy's own: a selector of pods alone means pods in there.
fn peer_matches(peer: &NetworkPolicyPeer, namespace: &str, party: &Party) -> bool {
    let NetworkPolicyPeer { ip_block, namespace_selector, pod_selector } = peer;
    if let Some(IPBlock { cidr, except }) = ip_block {
        let excepted = except.iter().flatten().any(|it| covers(it, party.address));
        return covers(cidr, party.address) && !excepted;
    }
    let Some(pod) = &party.pod else { return false };
    let in_namespace = match namespace_selector {
        Some(selector) => matches(selector, &pod.namespace_labels),
        None => pod.namespace == namespace,
    };
    in_namespace && pod_selector.as_ref().is_none_or(|it| matches(it, &pod.labels))
}

fn port_matches(rule: &NetworkPolicyPort, (protocol, number): Port) -> bool {
    let of_protocol = rule.protocol.as_deref().unwrap_or("TCP") == protocol;
    let in_range = match (&rule.port, rule.end_port) {
        (Some(IntOrString::Int(first)), last) => (*first..=last.unwrap_or(*first)).contains(&i32::from(number)),
        (Some(IntOrString::String(_)) | None, _) => true,
    };
    of_protocol && in_range
}

/// The API server admits no selector that can't be read.
fn matches(selector: &LabelSelector, labels: &Labels) -> bool {
    Selector::try_from(selector.clone()).expect("a selector that can be read").matches(labels)
}

/// Is the address in the block (`10.0.0.0/8`)? The API server admits nothing that isn't one.
fn covers(cidr: &str, address: IpAddr) -> bool {
    let (network, length) = cidr.split_once('/').expect("a block of addresses has a length");
    let (network, length): (IpAddr, u32) = (network.parse().expect("an address"), length.parse().expect("a length"));
    let (network, address, bits) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => (u128::from(network.to_bits()), u128::from(address.to_bits()), 32),
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let host_bits = bits - length;
    host_bits == 128 || (network >> host_bits) == (address >> host_bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn policy(namespace: &str, spec: Value) -> NetworkPolicy {
        serde_json::from_value(json!({"metadata": {"name": "p", "namespace": namespace}, "spec": spec})).expect("a NetworkPolicy")
    }

    fn labels(app: &str) -> Labels {
        BTreeMap::from([("app".to_owned(), app.to_owned())])
    }

    fn pod(namespace: &str, app: &str, address: &str) -> Party {
        let pod = Pod { namespace: namespace.to_owned(), namespace_labels: labels(namespace), labels: labels(app) };
        Party::pod(app, address, pod)
    }

    #[test]
    fn blocks_of_addresses() {
        for (cidr, address, expected) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.99.0.1/32", "10.99.0.1", true),
            ("10.99.0.1/32", "10.99.0.2", false),
            ("172.16.0.0/12", "172.31.255.255", true),
            ("172.16.0.0/12", "172.32.0.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "1.1.1.1", false),
            ("fe80::/10", "febf::1", true),
            ("fe80::/10", "fec0::1", false),
        ] {
            assert_eq!(covers(cidr, address.parse().expect("an address")), expected, "{address} in {cidr}");
        }
    }

    /// From the documentation of NetworkPolicies: each line is one sentence of it.
    #[test]
    fn kubernetes_own_rules() {
        let (web, db, other) = (pod("a", "web", "10.244.0.1"), pod("a", "db", "10.244.0.2"), pod("b", "web", "10.244.0.3"));
        let outside = Party::outside("outside", "198.51.100.7");
        let ingress = |rule: Value| vec![policy("a", json!({"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [rule]}))];
        let both = |spec: Value| vec![policy("a", spec)];
        let tcp = |port: u16| ("TCP", port);
        for (says, policies, from, to, port, expected) in [
            ("no policy: open", vec![], &other, &db, tcp(1), true),
            ("a policy of another namespace", vec![policy("b", json!({"podSelector": {}}))], &web, &db, tcp(1), true),
            ("selected and no rule: closed", both(json!({"podSelector": {}})), &other, &db, tcp(1), false),
            ("unsaid types are ingress", both(json!({"podSelector": {}})), &db, &other, tcp(1), true),
            ("egress alone", both(json!({"podSelector": {}, "policyTypes": ["Egress"]})), &other, &db, tcp(1), true),
            ("egress alone, out", both(json!({"podSelector": {}, "policyTypes": ["Egress"]})), &db, &other, tcp(1), false),
            (
                "unsaid types with egress rules",
                both(json!({"podSelector": {}, "egress": [{"to": [{"podSelector": {}}]}]})),
                &db,
                &outside,
                tcp(1),
                false,
            ),
            ("an empty rule is everybody", ingress(json!({})), &outside, &db, tcp(1), true),
            ("a selector not of this pod", ingress(json!({"ports": [{"port": 1}]})), &outside, &web, tcp(2), true),
            (
                "pods alone are the policy's own",
                ingress(json!({"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]})),
                &web,
                &db,
                tcp(1),
                true,
            ),
            (
                "pods alone, another namespace",
                ingress(json!({"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]})),
                &other,
                &db,
                tcp(1),
                false,
            ),
            (
                "a namespace is all its pods",
                ingress(json!({"from": [{"namespaceSelector": {"matchLabels": {"app": "b"}}}]})),
                &other,
                &db,
                tcp(1),
                true,
            ),
            (
                "both selectors are and",
                ingress(json!({"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "db"}}}]})),
                &other,
                &db,
                tcp(1),
                false,
            ),
            ("a block", ingress(json!({"from": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]})), &outside, &db, tcp(1), true),
            (
                "a block's exception",
                ingress(json!({"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["198.51.100.0/24"]}}]})),
                &outside,
                &db,
                tcp(1),
                false,
            ),
            ("a block may be pods", ingress(json!({"from": [{"ipBlock": {"cidr": "10.244.0.0/16"}}]})), &other, &db, tcp(1), true),
            ("a port", ingress(json!({"ports": [{"port": 5432}]})), &other, &db, tcp(5432), true),
            ("another port", ingress(json!({"ports": [{"port": 5432}]})), &other, &db, tcp(5433), false),
            ("TCP is unsaid", ingress(json!({"ports": [{"port": 53}]})), &other, &db, ("UDP", 53), false),
            ("a range of ports", ingress(json!({"ports": [{"port": 10, "endPort": 20}]})), &other, &db, tcp(20), true),
            ("beyond the range", ingress(json!({"ports": [{"port": 10, "endPort": 20}]})), &other, &db, tcp(21), false),
        ] {
            assert_eq!(allows(&policies, from, to, port), expected, "{says}");
        }
    }

    #[test]
    fn policies_add_up_and_both_ends_have_to_agree() {
        let (web, db) = (pod("a", "web", "10.244.0.1"), pod("a", "db", "10.244.0.2"));
        let deny = policy("a", json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
        let out = policy(
            "a",
            json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": [{"to": [{"podSelector": {}}]}]}),
        );
        let into = policy(
            "a",
            json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}),
        );
        assert!(!allows(std::slice::from_ref(&deny), &web, &db, ("TCP", 1)));
        assert!(!allows(&[deny.clone(), out.clone()], &web, &db, ("TCP", 1)));
        assert!(!allows(&[deny.clone(), into.clone()], &web, &db, ("TCP", 1)));
        assert!(allows(&[deny.clone(), out.clone(), into.clone()], &web, &db, ("TCP", 1)));
        assert!(!allows(&[deny, out, into], &db, &web, ("TCP", 1)));
    }
}
