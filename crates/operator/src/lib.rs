//! The operator: brings each `MastodonInstance` to what its spec asks for, in Kubernetes, on a database server and in an object
//! store, runs each `MastodonExport`, and reports what it saw.
//!
//! It works without the rest of Howdah: whoever applies a resource and the Secrets that it names gets a running server.
//! It must not know the control plane's database or its crates; a spec in, a status out.

pub mod cache;
pub mod certificate;
pub mod client;
pub mod config;
mod controllers;
mod digest;
mod error;
mod leader;
pub mod metrics;
pub mod provider;
mod rate;
mod size;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use howdah_crd::{CERTIFICATES_NAMESPACE, INBOX_NAMESPACE, MEDIA_NAMESPACE, MastodonInstance};
use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector;
use secrecy::SecretString;
use tokio::sync::{broadcast, watch};

pub use client::client;
pub use config::{ConfigError, OperatorConfig};
pub use metrics::Metrics;

use crate::cache::{Children, SecretStore};
use crate::config::{DatabaseServerConfig, ObjectStoreConfig};
use crate::controllers::export;
use crate::controllers::instance::{self, Bulkhead, Context, Orders, Places, Registry, TOUCHED};
use crate::provider::{DatabaseServer, DatabaseServerSettings, ObjectStore, ObjectStoreError, ObjectStoreSettings};

/// How soon to come back to a server that is away.
const AWAY: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot read `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot use the object store `{name}`")]
    ObjectStore {
        name: String,
        #[source]
        source: ObjectStoreError,
    },
    #[error("cannot take the lease")]
    Lease(#[from] kube_lease_manager::LeaseManagerError),
}

/// Runs until `shutdown` is done. `client` and `metrics` belong together: see [`client()`]. Whoever runs it tells them.
pub async fn run(
    client: Client,
    config: OperatorConfig,
    metrics: Arc<Metrics>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let servers = Servers::open(&config)?;
    let work = || {
        // A new leader knows nothing: what it remembered from an earlier time may be stale.
        let (resources, writer) = reflector::store();
        let context = Arc::new(context(client.clone(), config.clone(), servers.clone(), Arc::clone(&metrics), resources));
        let databases = servers.databases.clone();
        async move {
            let kept_out = join_all(databases.iter().map(|(name, server)| keep_public_out(name, server)));
            tokio::join!(instance::run(Arc::clone(&context), writer), export::run(context), kept_out);
        }
    };
    leader::lead(client.clone(), Arc::clone(&metrics), work, shutdown).await?;
    Ok(())
}

/// Once a server, as soon as it is there.
async fn keep_public_out(name: &str, server: &DatabaseServer) {
    let left = loop {
        match server.keep_public_out().await {
            Ok(left) => break left,
            Err(error) if error.is_unavailable() => tokio::time::sleep(AWAY).await,
            Err(error) => {
                tracing::warn!(database.server = name, error = error::chain(&error), "who may connect to it could not be looked up");
                return;
            }
        }
    };
    for database in left {
        tracing::warn!(
            database.server = name,
            database,
            "every role may connect to a database that is no tenant's: have its owner REVOKE CONNECT, TEMPORARY ON DATABASE … FROM PUBLIC"
        );
    }
}

#[derive(Clone)]
struct Servers {
    databases: BTreeMap<String, DatabaseServer>,
    stores: BTreeMap<String, ObjectStore>,
}

impl Servers {
    fn open(config: &OperatorConfig) -> Result<Self, RunError> {
        let databases = config.database_servers.iter().map(|(name, it)| Ok((name.clone(), database(it)?)));
        let stores = config.object_stores.iter().map(|(name, it)| Ok((name.clone(), store(name, it)?)));
        Ok(Self { databases: databases.collect::<Result<_, RunError>>()?, stores: stores.collect::<Result<_, RunError>>()? })
    }
}

fn database(config: &DatabaseServerConfig) -> Result<DatabaseServer, RunError> {
    let DatabaseServerConfig { host, port, user, password_file, ssl_mode, ca_file, database, template } = config.clone();
    let password = secret(&password_file)?;
    Ok(DatabaseServer::new(DatabaseServerSettings { host, port, user, password, sslmode: ssl_mode, ca_file, database, template }))
}

fn store(name: &str, config: &ObjectStoreConfig) -> Result<ObjectStore, RunError> {
    let ObjectStoreConfig { endpoint, region, access_key_file, secret_key_file } = config.clone();
    let access_key = read(&access_key_file)?;
    let secret_key = secret(&secret_key_file)?;
    ObjectStore::new(ObjectStoreSettings { endpoint, region, access_key, secret_key })
        .map_err(|source| RunError::ObjectStore { name: name.to_owned(), source })
}

fn secret(path: &Path) -> Result<SecretString, RunError> {
    read(path).map(SecretString::from)
}

fn read(path: &Path) -> Result<String, RunError> {
    let text = std::fs::read_to_string(path).map_err(|source| RunError::Read { path: path.to_owned(), source })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn context(
    client: Client,
    config: OperatorConfig,
    servers: Servers,
    metrics: Arc<Metrics>,
    resources: reflector::Store<MastodonInstance>,
) -> Context {
    let Servers { databases, stores } = servers;
    let orders = Orders::new(config.certificates.issuer.orders_per_hour());
    let names = databases.keys().map(|it| format!("database/{it}")).chain(stores.keys().map(|it| format!("store/{it}")));
    let bulkheads: HashMap<String, Bulkhead> = names.map(|name| (name, Bulkhead::default())).collect();
    let reporter = Reporter { controller: howdah_crd::OPERATOR_FIELD_MANAGER.to_owned(), instance: None };
    Context {
        recorder: Recorder::new(client.clone(), reporter),
        bulkheads,
        spare_bulkhead: Bulkhead::default(),
        children: Arc::new(Children::default()),
        inbox: Arc::new(SecretStore::new(INBOX_NAMESPACE)),
        media: Arc::new(SecretStore::new(MEDIA_NAMESPACE)),
        certificates: Arc::new(SecretStore::new(CERTIFICATES_NAMESPACE)),
        registry: Arc::new(Registry::default()),
        resources,
        touched: broadcast::Sender::new(TOUCHED),
        listed: watch::Sender::new(false),
        memories: Mutex::default(),
        places: Places::new(config.concurrency),
        orders,
        clock: Box::new(jiff::Timestamp::now),
        client,
        config,
        databases,
        stores,
        metrics,
    }
}
