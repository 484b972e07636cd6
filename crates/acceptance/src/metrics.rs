//! What Prometheus would be told: by the operator about itself, by the API server about everybody's requests.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use http::Request;

use crate::World;
use crate::wait::{seconds, until};

/// Where the stack's operator answers Prometheus.
pub const OPERATOR: &str = "127.0.0.1:9102";

/// Kinds that the operator and the worker write. Leases are not among them: who leads says so all the time.
pub const WRITTEN: [&str; 14] = [
    "deployments",
    "ingresses",
    "jobs",
    "limitranges",
    "mastodoninstances",
    "namespaces",
    "networkpolicies",
    "poddisruptionbudgets",
    "resourcequotas",
    "rolebindings",
    "secrets",
    "serviceaccounts",
    "services",
    "statefulsets",
];

/// Writes of everybody to these kinds since the API server started, as `PATCH mastodoninstances/status`. The status of others than our
/// own kind is Kubernetes' business.
#[derive(Debug, PartialEq)]
pub struct Writes(BTreeMap<String, f64>);

impl Writes {
    pub fn sum(&self) -> f64 {
        self.0.values().sum()
    }

    /// What was written since.
    pub fn since(&self, before: &Self) -> Self {
        let more = self.0.iter().map(|(kind, count)| (kind.clone(), count - before.0.get(kind).unwrap_or(&0.0)));
        Self(more.filter(|(_, count)| *count != 0.0).collect())
    }

    pub fn none() -> Self {
        Self(BTreeMap::new())
    }
}

pub async fn writes(world: &World) -> Result<Writes> {
    let text = world.cluster.client.request_text(Request::get("/metrics").body(Vec::new())?).await?;
    let mut writes = Writes::none();
    for line in text.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
        let [verb, resource, subresource] = ["verb", "resource", "subresource"].map(|name| label(line, name));
        let is_write = matches!(verb, "APPLY" | "PATCH" | "POST" | "PUT" | "DELETE" | "DELETECOLLECTION") && WRITTEN.contains(&resource);
        let kind = match subresource {
            "" => format!("{verb} {resource}"),
            "status" if resource == "mastodoninstances" => format!("{verb} {resource}/status"),
            _ => continue,
        };
        if is_write {
            *writes.0.entry(kind).or_default() += value(line)?;
        }
    }
    Ok(writes)
}

fn label<'a>(line: &'a str, name: &str) -> &'a str {
    let found = line.split_once(&format!("{name}=\"")).map(|(_, rest)| rest);
    found.and_then(|it| it.split('"').next()).unwrap_or_default()
}

fn value(line: &str) -> Result<f64> {
    line.rsplit(' ').next().and_then(|it| it.parse().ok()).with_context(|| format!("no number in {line}"))
}

/// A counter or gauge of the stack's operator, summed over its labels.
pub async fn of_operator(world: &World, name: &str) -> Result<f64> {
    of(world, OPERATOR, name).await
}

async fn of(world: &World, operator: &str, name: &str) -> Result<f64> {
    let text = world.http.get(format!("http://{operator}/metrics")).send().await?.error_for_status()?.text().await?;
    let is_it = |line: &&str| line.strip_prefix(name).is_some_and(|it| it.starts_with([' ', '{']));
    text.lines().filter(is_it).map(value).sum()
}

/// The operator that answers Prometheus there holds the lease.
pub async fn leads(world: &World, operator: &str) -> Result<()> {
    until(&format!("the operator at {operator} leads"), seconds(60), async || {
        ensure!(of(world, operator, "howdah_operator_leading").await? == 1.0, "another operator leads");
        Ok(())
    })
    .await
}

/// The operator leads, has looked at every resource, and has nothing more to do.
pub async fn operator_is_at_rest(world: &World) -> Result<()> {
    leads(world, OPERATOR).await?;
    let mut before = -1.0;
    let mut same = 0;
    until("the operator is at rest", seconds(120), async || {
        let now = of_operator(world, "howdah_operator_reconciles_total").await?;
        same = if now == before && now > 0.0 { same + 1 } else { 0 };
        before = now;
        ensure!(same >= 20, "{now} passes so far");
        Ok(())
    })
    .await
}
