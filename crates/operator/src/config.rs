//! The operator's configuration: one YAML file that names the database servers, object stores, pod profiles and network
//! peers which a `MastodonInstance` may refer to. An unknown key is an error, so that a misspelt one is never silently ignored.
//! Passwords and keys are not in it: it names the files they lie in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Toleration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;

use crate::provider::SslMode;

/// Everything that differs between one installation and the next.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperatorConfig {
    /// Domains whose direct subdomains share the wildcard certificate.
    #[serde(default)]
    pub platform_domains: Vec<String>,
    pub ingress_class: String,
    pub certificates: CertificatesConfig,
    pub database_servers: BTreeMap<String, DatabaseServerConfig>,
    pub object_stores: BTreeMap<String, ObjectStoreConfig>,
    /// By the name that a CR's `placement` gives.
    pub pod_profiles: BTreeMap<String, PodProfile>,
    pub network: NetworkConfig,
    /// What makes exports, and where those that are kept lie. Absent: none are made.
    #[serde(default)]
    pub bundles: Option<BundlesConfig>,
    /// Howdah's own image, for the gate that answers for a server that is suspended or read-only. Absent: that of `bundles`; without either
    /// the ingress answers for a suspended server, and none can be read-only.
    #[serde(default)]
    pub notice_image: Option<String>,
    /// Image of every server's own Redis.
    #[serde(default = "default_redis_image")]
    pub redis_image: String,
    /// How often a self-destruct's progress is asked for.
    #[serde(default = "default_farewell_poll_seconds")]
    pub farewell_poll_seconds: u64,
    /// How often each server is looked at without cause; its Secrets are listed once then.
    #[serde(default = "default_resync_seconds")]
    pub resync_seconds: u64,
    /// How many servers are worked on at once.
    #[serde(default = "default_concurrency")]
    pub concurrency: u16,
}

fn default_redis_image() -> String {
    "redis:8".to_owned()
}

fn default_farewell_poll_seconds() -> u64 {
    60
}

fn default_resync_seconds() -> u64 {
    900
}

fn default_concurrency() -> u16 {
    32
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificatesConfig {
    /// A Secret in the inbox with the wildcard of the platform domains.
    #[serde(default)]
    pub platform_secret: Option<String>,
    /// Who certifies every other host.
    #[serde(with = "serde_yaml_ng::with::singleton_map")]
    pub issuer: Issuer,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Issuer {
    /// A CA whose `tls.crt` and `tls.key` lie in a Secret of the inbox; the operator signs.
    #[serde(rename_all = "camelCase")]
    Ca { secret: String },
    /// cert-manager, by an annotation on the Ingress.
    #[serde(rename_all = "camelCase")]
    CertManager {
        cluster_issuer: String,
        /// How many certificates are ordered in an hour, and at once; four times as many in three hours, at most.
        #[serde(default = "default_orders_per_hour")]
        orders_per_hour: u16,
    },
}

/// Let's Encrypt takes 300 new orders of an account in three hours: this leaves a fifth of them for renewals and second tries.
fn default_orders_per_hour() -> u16 {
    60
}

impl Issuer {
    #[must_use]
    pub fn orders_per_hour(&self) -> u16 {
        match self {
            Self::CertManager { orders_per_hour, .. } => *orders_per_hour,
            // Its certificates are signed here.
            Self::Ca { .. } => u16::MAX,
        }
    }
}

/// A PostgreSQL server that holds tenants' databases.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseServerConfig {
    pub host: String,
    #[serde(default = "default_postgres_port")]
    pub port: u16,
    /// The provisioner: CREATEDB CREATEROLE, never a superuser.
    pub user: String,
    pub password_file: PathBuf,
    /// Of the operator's own connection and, as `DB_SSLMODE`, of the tenants'.
    #[serde(default)]
    pub ssl_mode: SslMode,
    /// The authorities that may have signed the server's certificate, with `verify-full`; tenants' processes get them too. Absent:
    /// the public ones, as the system (and Mastodon's image) has them.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The database that the provisioner connects to.
    #[serde(default = "default_maintenance_database")]
    pub database: String,
    /// Template of the tenants' databases.
    pub template: String,
}

fn default_postgres_port() -> u16 {
    5432
}

fn default_maintenance_database() -> String {
    "postgres".to_owned()
}

/// An S3 service, its IAM API at the same endpoint, that holds tenants' buckets.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectStoreConfig {
    /// `https://s3.example.com`, without a path.
    pub endpoint: String,
    pub region: String,
    pub access_key_file: PathBuf,
    pub secret_key_file: PathBuf,
}

/// Portable bundles of servers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundlesConfig {
    /// One of `objectStores`.
    pub store: String,
    /// A bucket there that no server has, made by whoever installs.
    pub bucket: String,
    /// Image of Howdah itself, with `pg_dump` of the database servers' versions.
    pub image: String,
}

/// Where and how the pods of a placement run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodProfile {
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    #[serde(default)]
    pub tolerations: Vec<Toleration>,
    /// Absent: the cluster's default.
    #[serde(default)]
    pub storage_class: Option<String>,
    /// Absent: Kubernetes' default for the image's tag.
    #[serde(default)]
    pub image_pull_policy: Option<PullPolicy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

impl PullPolicy {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// Who is reached, and who may reach a tenant, outside its namespace.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkConfig {
    pub dns: Vec<Peer>,
    pub databases: Vec<Peer>,
    pub object_stores: Vec<Peer>,
    pub mail: Vec<Peer>,
    /// The ingress controller: who may reach web and streaming.
    pub ingress: Vec<Peer>,
    /// The operator itself, which asks exports how far they are. By default: whoever is in `howdah-system`.
    #[serde(default = "default_operator_peers")]
    pub operator: Vec<Peer>,
    /// Pod, Service and node ranges, which public egress leaves out.
    #[serde(default)]
    pub cluster_cidrs: Vec<String>,
    /// Where customers' own buckets may lie besides the public internet: what server and worker have as `--outside-allowed-cidr`.
    #[serde(default)]
    pub outside_allowed_cidrs: Vec<String>,
    /// `TRUSTED_PROXY_IP`; absent: the CIDRs of `ingress`.
    #[serde(default)]
    pub trusted_proxies: Option<Vec<String>>,
}

fn default_operator_peers() -> Vec<Peer> {
    let name = ("kubernetes.io/metadata.name".to_owned(), howdah_crd::SYSTEM_NAMESPACE.to_owned());
    let selector = LabelSelector { match_labels: Some(BTreeMap::from([name])), ..LabelSelector::default() };
    vec![Peer { namespace_selector: Some(selector), ..Peer::default() }]
}

/// A range of addresses, or pods by their labels; `port` narrows it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Peer {
    #[serde(default)]
    pub cidr: Option<String>,
    #[serde(default)]
    pub namespace_selector: Option<LabelSelector>,
    #[serde(default)]
    pub pod_selector: Option<LabelSelector>,
    #[serde(default)]
    pub port: Option<u16>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the operator's configuration `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the operator's configuration is not as expected")]
    Parse(#[source] serde_yaml_ng::Error),
    #[error("the operator's configuration has a wrong `{key}`: {problem}")]
    Value { key: String, problem: &'static str },
}

impl OperatorConfig {
    #[must_use]
    pub fn notice_image(&self) -> Option<&str> {
        self.notice_image.as_deref().or_else(|| self.bundles.as_ref().map(|it| it.image.as_str()))
    }

    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = serde_yaml_ng::from_str(text).map_err(ConfigError::Parse)?;
        config.check()?;
        Ok(config)
    }

    /// What serde's types don't say.
    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key: String, problem| Err(ConfigError::Value { key, problem });
        let network = &self.network;
        let lists = [
            ("dns", &network.dns),
            ("databases", &network.databases),
            ("objectStores", &network.object_stores),
            ("mail", &network.mail),
            ("ingress", &network.ingress),
            ("operator", &network.operator),
        ];
        for (name, peers) in lists {
            for (at, peer) in peers.iter().enumerate() {
                let selects = peer.namespace_selector.is_some() || peer.pod_selector.is_some();
                if peer.cidr.is_some() == selects {
                    return wrong(format!("network.{name}[{at}]"), "give either cidr, or namespaceSelector and podSelector");
                }
                if peer.cidr.as_deref().is_some_and(|it| !is_cidr(it)) {
                    return wrong(format!("network.{name}[{at}].cidr"), "not an address range such as 10.0.0.0/8");
                }
            }
        }
        for (name, cidrs) in [("clusterCidrs", &network.cluster_cidrs), ("outsideAllowedCidrs", &network.outside_allowed_cidrs)] {
            if let Some(at) = cidrs.iter().position(|it| !is_cidr(it)) {
                return wrong(format!("network.{name}[{at}]"), "not an address range such as 10.0.0.0/8");
            }
        }
        for (key, seconds) in [("farewellPollSeconds", self.farewell_poll_seconds), ("resyncSeconds", self.resync_seconds)] {
            if seconds == 0 {
                return wrong(key.to_owned(), "at least 1");
            }
        }
        if let Some(BundlesConfig { store, bucket, image: _ }) = &self.bundles {
            if !self.object_stores.contains_key(store) {
                return wrong("bundles.store".to_owned(), "not one of objectStores");
            }
            // Servers' own begin so.
            if bucket.starts_with("mi-") || !(3..=63).contains(&bucket.len()) {
                return wrong("bundles.bucket".to_owned(), "3 to 63 characters that do not begin with mi-");
            }
        }
        if self.concurrency == 0 {
            return wrong("concurrency".to_owned(), "at least 1");
        }
        if self.certificates.issuer.orders_per_hour() == 0 {
            return wrong("certificates.issuer.certManager.ordersPerHour".to_owned(), "at least 1");
        }
        Ok(())
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let Ok(address) = address.parse::<std::net::IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../deploy/operator/config.example.yaml");

    #[test]
    fn the_example_is_understood() {
        let config = OperatorConfig::parse(GOOD).expect("deploy/operator/config.example.yaml is a configuration");
        assert_eq!(config.database_servers["main"].ssl_mode, SslMode::VerifyFull);
        assert!(matches!(&config.certificates.issuer, Issuer::CertManager { cluster_issuer, .. } if cluster_issuer == "letsencrypt"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, named) in [
            ("ingressClass:", "ingresClass:", "ingresClass"),
            ("port: 5432 ", "port: x ", "databaseServers.main.port"),
            ("{cidr: 10.20.0.7/32, port: 587}", "{cidr: 10.20.0.7, port: 587}", "network.mail[0].cidr"),
            ("{cidr: 10.20.0.6/32, port: 443}", "{port: 443}", "network.objectStores[0]"),
            ("10.96.0.0/12", "10.96.0.0/33", "network.clusterCidrs[0]"),
            ("outsideAllowedCidrs: []", "outsideAllowedCidrs: [10.30.0.0]", "network.outsideAllowedCidrs[0]"),
            ("resyncSeconds: 900", "resyncSeconds: 0", "resyncSeconds"),
            ("certManager: {clusterIssuer: letsencrypt, ordersPerHour: 60}", "acme: {}", "acme"),
            ("ordersPerHour: 60", "ordersPerHour: 0", "certManager.ordersPerHour"),
            ("{store: main,", "{store: other,", "bundles.store"),
            ("bucket: howdah-bundles", "bucket: mi-bundles", "bundles.bucket"),
            ("operator: [{namespaceSelector", "operator: [{cidr: 10.0.0.1/32, namespaceSelector", "network.operator[0]"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = OperatorConfig::parse(&GOOD.replacen(from, to, 1)).expect_err(named);
            let text = crate::error::chain(&error);
            assert!(text.contains(named), "{text}");
        }
    }
}
