//! Who an export's pod reaches, and who reaches it: the server's database and media, where the bundle goes, and the operator that asks
//! how far it is. Not Redis, not the relay, and the public only where somebody's own bucket lies there.

use howdah_crd::labels::{self, process};
use serde_json::{Value, json};

use super::owned;
use crate::cache::ChildKind;
use crate::controllers::export::validate::{Destination, Valid};
use crate::controllers::instance::build::Desired;
use crate::controllers::instance::build::policies::{peers, port, public, to_peers};

/// Where somebody's own bucket may lie, too; the Job looks itself where its name leads.
fn excepted(cidrs: &[String]) -> Option<Value> {
    let blocks: Vec<Value> = cidrs.iter().map(|it| json!({"ipBlock": {"cidr": it}})).collect();
    (!blocks.is_empty()).then(|| json!({"to": blocks, "ports": [port(443, "TCP")]}))
}

pub fn policy(valid: &Valid<'_>) -> Desired {
    let network = valid.server.network;
    let mut egress =
        [to_peers(&network.dns, &["UDP", "TCP"]), to_peers(&network.databases, &["TCP"]), to_peers(&network.object_stores, &["TCP"])]
            .concat();
    if let Destination::Bucket { .. } = valid.destination {
        egress.push(public(&network.cluster_cidrs));
        egress.extend(excepted(&network.outside_allowed_cidrs));
    }
    let asked = json!({"from": peers(&network.operator), "ports": [port(howdah_crd::export::PROGRESS_PORT, "TCP")]});
    let selector = json!({"matchLabels": {labels::PROCESS: process::BUNDLE, labels::EXPORT: valid.id.to_string()}});
    let body = json!({
        "spec": {"podSelector": selector, "policyTypes": ["Ingress", "Egress"], "ingress": [asked], "egress": egress},
    });
    owned(valid, ChildKind::NetworkPolicy, body)
}
