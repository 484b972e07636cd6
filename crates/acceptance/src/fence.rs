//! What a namespace's pods may not reach, dropped and counted: its NetworkPolicies as nftables rules in the stack's network, whose plugin
//! enforces none.
//!
//! For each pod that runs: what answers a connection from elsewhere passes, then what an egress rule allows, and the rest is counted and
//! dropped. How policies are to be read is the operator's tests' (`netpol`); here a named port is any port, as there.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use kube::core::{Selector, SelectorExt as _};
use serde_json::Value;

use crate::World;

/// Taken down with the test.
pub struct Fence {
    table: String,
}

/// All that rules look at.
struct Cluster {
    policies: Vec<NetworkPolicy>,
    pods: Vec<Pod>,
    namespaces: Vec<Namespace>,
}

impl Fence {
    /// Around the pods that run in this namespace now.
    pub async fn around(world: &World, namespace: &str) -> Result<Self> {
        let client = world.cluster.client.clone();
        let all = ListParams::default();
        let cluster = Cluster {
            policies: Api::namespaced(client.clone(), namespace).list(&all).await?.items,
            pods: Api::<Pod>::all(client.clone()).list(&all).await?.items,
            namespaces: Api::all(client).list(&all).await?.items,
        };
        let table = format!("fence_{}", namespace.replace(|it: char| !it.is_ascii_alphanumeric(), "_"));
        let mut rules = vec!["ct state established,related accept".to_owned()];
        for pod in cluster.pods.iter().filter(|it| it.namespace().as_deref() == Some(namespace)) {
            if let Some(address) = address(pod) {
                rules.extend(cluster.rules(namespace, pod, address)?);
            }
        }
        let chain = |hook: &str| format!("chain {hook} {{ type filter hook {hook} priority -10;\n{}\n}}", rules.join("\n"));
        // Pods and the stack's own servers are on either side of the node: what goes to the first is forwarded, to the others taken in.
        nft(&format!("table inet {table} {{\n{}\n{}\n}}\n", chain("forward"), chain("input")))?;
        Ok(Self { table })
    }

    /// Packets that were dropped so far.
    pub fn dropped(&self) -> Result<u64> {
        let said = Command::new("nft").args(["-j", "list", "table", "inet", &self.table]).output()?;
        let said: Value = serde_json::from_slice(&said.stdout).context("nft's list of the table")?;
        let rules = said["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
        let expressions = rules.iter().filter_map(|it| it["rule"]["expr"].as_array()).flatten();
        Ok(expressions.filter_map(|it| it["counter"]["packets"].as_u64()).sum())
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        let _ = nft(&format!("delete table inet {}\n", self.table));
    }
}

impl Cluster {
    /// Empty where no policy says anything of what it may reach: it is open then.
    fn rules(&self, namespace: &str, pod: &Pod, address: &str) -> Result<Vec<String>> {
        let selecting: Vec<&NetworkPolicy> = self.policies.iter().filter(|it| is_of_egress(it) && selects(it, pod)).collect();
        let mut rules = Vec::new();
        for rule in selecting.iter().filter_map(|it| it.spec.as_ref()?.egress.as_ref()).flatten() {
            for to in self.destinations(namespace, rule)? {
                for port in ports(rule) {
                    rules.push(format!("ip saddr {address} {to} {port} accept"));
                }
            }
        }
        if !selecting.is_empty() {
            rules.push(format!("ip saddr {address} counter drop"));
        }
        Ok(rules)
    }

    fn destinations(&self, namespace: &str, rule: &NetworkPolicyEgressRule) -> Result<Vec<String>> {
        let Some(peers) = &rule.to else { return Ok(vec![String::new()]) };
        let mut found = Vec::new();
        for NetworkPolicyPeer { ip_block, namespace_selector, pod_selector } in peers {
            if let Some(block) = ip_block {
                if !block.cidr.contains(':') {
                    let except = block.except.iter().flatten().filter(|it| !it.contains(':')).cloned().collect::<Vec<_>>().join(", ");
                    let except = if except.is_empty() { String::new() } else { format!("ip daddr != {{ {except} }} ") };
                    found.push(format!("{except}ip daddr {}", block.cidr));
                }
                continue;
            }
            let in_namespace = |it: &Namespace| match namespace_selector {
                Some(selector) => Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(it.labels())),
                None => it.name_any() == namespace,
            };
            let names: Vec<String> = self.namespaces.iter().filter(|it| in_namespace(it)).map(ResourceExt::name_any).collect();
            let selector = Selector::try_from(pod_selector.clone().unwrap_or_default())?;
            let is_meant = |it: &&Pod| names.contains(&it.namespace().unwrap_or_default()) && selector.matches(it.labels());
            found.extend(self.pods.iter().filter(is_meant).filter_map(address).map(|it| format!("ip daddr {it}")));
        }
        Ok(found)
    }
}

fn is_of_egress(policy: &NetworkPolicy) -> bool {
    let types = policy.spec.as_ref().and_then(|it| it.policy_types.as_ref());
    types.is_some_and(|types| types.iter().any(|it| it == "Egress"))
}

fn selects(policy: &NetworkPolicy, pod: &Pod) -> bool {
    let selector = policy.spec.as_ref().and_then(|it| it.pod_selector.clone()).unwrap_or_default();
    Selector::try_from(selector).is_ok_and(|it| it.matches(pod.labels()))
}

fn address(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.pod_ip.as_deref()
}

fn ports(rule: &NetworkPolicyEgressRule) -> Vec<String> {
    let Some(ports) = &rule.ports else { return vec![String::new()] };
    let of = |it: &NetworkPolicyPort| {
        let protocol = it.protocol.as_deref().unwrap_or("TCP").to_lowercase();
        match (&it.port, it.end_port) {
            (Some(IntOrString::Int(first)), Some(last)) => format!("{protocol} dport {first}-{last}"),
            (Some(IntOrString::Int(port)), None) => format!("{protocol} dport {port}"),
            (Some(IntOrString::String(_)) | None, _) => format!("meta l4proto {protocol}"),
        }
    };
    ports.iter().map(of).collect()
}

fn nft(script: &str) -> Result<()> {
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    nft.stdin.take().context("stdin was asked for as a pipe")?.write_all(script.as_bytes())?;
    let done = nft.wait_with_output()?;
    ensure!(done.status.success(), "nft: {}\n{script}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
