//! The command line, which is also the reference: `howdah COMMAND --help`. Every flag of a process has an environment
//! variable, every secret a flag that names a file instead.

pub mod admin;
pub mod billing;
pub mod bundle;
pub mod bundles;
pub mod clock;
pub mod control_plane;
pub mod metrics;
pub mod server;
pub mod worker;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::telemetry::TelemetryArgs;

/// The managed-hosting control plane for Mastodon.
#[derive(Parser)]
#[command(version, propagate_version = true, max_term_width = 120)]
pub struct Howdah {
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Bring the database up to date.
    Migrate(DatabaseArgs),
    /// Answer pages and API.
    Server(Box<server::ServerArgs>),
    /// Run the worker: brings what the record wants to the clusters, and what they report back into the record.
    Worker(Box<worker::WorkerArgs>),
    /// Run the operator: makes Kubernetes objects, databases and buckets of MastodonInstances.
    Operator(OperatorArgs),
    /// Run the media gateway: serves every server's media from its bucket.
    Media(MediaArgs),
    /// Answer for a server that is suspended, with 503, or stand before a read-only one's web.
    Notice(NoticeArgs),
    /// Take a Mastodon server along: make, check and bring back its portable bundle.
    #[command(subcommand)]
    Bundle(Box<bundle::BundleCommand>),
    /// Print the CustomResourceDefinitions as YAML.
    Crds,
    /// Set the platform up: settings, operators, tokens, places.
    #[command(subcommand)]
    Admin(Box<admin::AdminCommand>),
}

#[derive(Args)]
#[group(required = true, multiple = false, id = "database")]
pub struct DatabaseArgs {
    /// The control plane's PostgreSQL, `postgres://user:password@host:port/database`.
    #[arg(long, env = "HOWDAH_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// A file that holds the same.
    #[arg(long, env = "HOWDAH_DATABASE_URL_FILE")]
    database_url_file: Option<PathBuf>,
}

impl DatabaseArgs {
    pub fn url(&self) -> anyhow::Result<String> {
        match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => Ok(url.clone()),
            (None, Some(path)) => read_secret(path),
            (None, None) => anyhow::bail!("give --database-url or --database-url-file"),
        }
    }
}

/// A secret from a file, without the line's end that editors add.
pub fn read_secret(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[derive(Args)]
pub struct KubernetesArgs {
    /// How to reach the cluster; without it the pod's own ServiceAccount, or the user's kubeconfig.
    #[arg(long, env = "KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
}

impl KubernetesArgs {
    pub async fn config(&self) -> anyhow::Result<kube::Config> {
        match &self.kubeconfig {
            None => kube::Config::infer().await.context("no cluster is configured: give --kubeconfig"),
            Some(path) => client_config(path).await,
        }
    }
}

pub async fn client_config(path: &Path) -> anyhow::Result<kube::Config> {
    let kubeconfig = kube::config::Kubeconfig::read_from(path).with_context(|| format!("cannot read {}", path.display()))?;
    kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default())
        .await
        .with_context(|| format!("{} names no cluster that can be used", path.display()))
}

#[derive(Args)]
pub struct OperatorArgs {
    /// Database servers, object stores, pod profiles, network peers: `deploy/operator/config.example.yaml` shows it.
    #[arg(long, env = "HOWDAH_OPERATOR_CONFIG")]
    pub config: PathBuf,
    #[command(flatten)]
    pub kubernetes: KubernetesArgs,
    /// Where Prometheus is answered, or `off`.
    #[arg(long, env = "HOWDAH_METRICS_LISTEN", default_value = "127.0.0.1:9102")]
    pub metrics_listen: metrics::MetricsListen,
}

#[derive(Args)]
pub struct MediaArgs {
    /// Object stores by the name that a MastodonInstance gives, `main=https://s3.example.com`.
    #[arg(long = "object-store", env = "HOWDAH_OBJECT_STORES", value_delimiter = ',', required = true)]
    pub object_stores: Vec<String>,
    #[command(flatten)]
    pub kubernetes: KubernetesArgs,
    #[arg(long, env = "HOWDAH_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
}

#[derive(Args)]
pub struct NoticeArgs {
    /// `HOST:PORT` of a read-only server's web, which all but customers' writes is passed on to. Without it the server is suspended, and
    /// nothing is.
    #[arg(long, env = "HOWDAH_NOTICE_ORIGIN")]
    pub origin: Option<howdah_gateway::notice::Origin>,
    #[arg(long, env = "HOWDAH_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
}
