//! Tenants' databases on one PostgreSQL server (14 or newer).
//!
//! The provisioner has CREATEDB and CREATEROLE and is never a superuser. It works from the maintenance database only: a
//! tenant's database is hostile ground, where a function or an operator of the tenant's may wait for a stronger role. What is
//! to be read in there is read as the tenant's own role, with a fixed search path, read only and within a time limit.
//!
//! Changes run under a session advisory lock of the instance, held on the connection that makes them: an operator that was
//! stopped past its lease still holds it when it goes on, and one whose connection is gone can do nothing any more.

mod destroy;
mod ensure;
mod error;
mod facts;
mod public;
mod session;
mod tls;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use howdah_domain::InstanceId;
use secrecy::SecretString;
use serde::Deserialize;

pub use error::DatabaseError;
pub use session::InstanceLock;
pub use usage::Usage;

use session::Session;

/// The longest that a change to one tenant's role and database may take, waiting for the lock included.
const CHANGE_LIMIT: Duration = Duration::from_secs(60);

/// How one PostgreSQL server for tenants is reached.
#[derive(Debug, Clone)]
pub struct DatabaseServerSettings {
    pub host: String,
    pub port: u16,
    /// The provisioner: CREATEDB CREATEROLE, not a superuser.
    pub user: String,
    pub password: SecretString,
    pub sslmode: SslMode,
    /// The authorities that may have signed the server's certificate, with [`SslMode::VerifyFull`]; absent: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The provisioner's own (maintenance) database. Tenants should have no CONNECT on it.
    pub database: String,
    /// What tenants' databases are copied from.
    pub template: String,
}

/// Whether connections are encrypted. There is no middle way: encryption without verification keeps out nobody who can listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Only on a network that nobody else is on.
    Disable,
    #[default]
    VerifyFull,
}

impl SslMode {
    /// The name that libpq, and so Mastodon's `DB_SSLMODE`, has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// Where a tenant's processes find the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseEndpoint {
    pub host: String,
    pub port: u16,
    pub sslmode: SslMode,
}

/// One database server of the operator's configuration.
#[derive(Debug, Clone)]
pub struct DatabaseServer {
    settings: DatabaseServerSettings,
}

impl DatabaseServer {
    #[must_use]
    pub fn new(settings: DatabaseServerSettings) -> Self {
        Self { settings }
    }

    #[must_use]
    pub fn endpoint(&self) -> DatabaseEndpoint {
        let DatabaseServerSettings { host, port, sslmode, .. } = &self.settings;
        DatabaseEndpoint { host: host.clone(), port: *port, sslmode: *sslmode }
    }

    /// The certificates of the authorities that a tenant's process has to know, in PEM. `None`: those that its image trusts, or no TLS.
    pub fn authorities(&self) -> Result<Option<String>, DatabaseError> {
        match (&self.settings.sslmode, &self.settings.ca_file) {
            (SslMode::VerifyFull, Some(path)) => tls::authorities(path).map(Some),
            (SslMode::VerifyFull, None) | (SslMode::Disable, _) => Ok(None),
        }
    }

    /// Holds the instance's advisory lock until the guard is dropped: for effects elsewhere (a bucket, an S3 user) that two
    /// operators must not make at once. [`Self::ensure`] and [`Self::destroy`] take the same lock by themselves, so they are
    /// not to be called while it is held.
    pub async fn lock(&self, id: InstanceId) -> Result<InstanceLock, DatabaseError> {
        let name = id.resource_name().to_string();
        let session = Session::provisioner(&self.settings).await?;
        session.lock(&name).await?;
        Ok(InstanceLock::new(session))
    }

    /// Role, database and grants as they should be. Idempotent; the role's password and CONNECTION LIMIT are brought to what
    /// is asked, data is never touched.
    pub async fn ensure(&self, id: InstanceId, password: &SecretString, connection_limit: i32) -> Result<(), DatabaseError> {
        let name = id.resource_name().to_string();
        within(CHANGE_LIMIT, &name, ensure::ensure(&self.settings, &name, password, connection_limit)).await
    }

    /// Drops the database, whoever is connected to it, and the role. Idempotent.
    pub async fn destroy(&self, id: InstanceId) -> Result<(), DatabaseError> {
        let name = id.resource_name().to_string();
        within(CHANGE_LIMIT, &name, destroy::destroy(&self.settings, &name)).await
    }

    /// Nobody but its owner and the provisioner has anything to do in the maintenance database, the template and PostgreSQL's own:
    /// tenants' roles are kept out of those that the provisioner owns. Returns the rest of those that let everybody in.
    pub async fn keep_public_out(&self) -> Result<Vec<String>, DatabaseError> {
        within(CHANGE_LIMIT, &self.settings.database, public::keep_out(&self.settings)).await
    }

    /// The newest migration that the database has seen (`20251023210145`, say); `None` before the first `db:prepare`.
    pub async fn schema_version(&self, id: InstanceId, password: &SecretString) -> Result<Option<String>, DatabaseError> {
        facts::schema_version(&self.settings, &id.resource_name().to_string(), password).await
    }

    /// Is there a confirmed and approved account with the role Owner?
    pub async fn owner_ready(&self, id: InstanceId, password: &SecretString) -> Result<bool, DatabaseError> {
        facts::owner_ready(&self.settings, &id.resource_name().to_string(), password).await
    }

    /// The mark of the bundle that was loaded last, where one was.
    pub async fn mark(&self, id: InstanceId, password: &SecretString) -> Result<Option<String>, DatabaseError> {
        facts::mark(&self.settings, &id.resource_name().to_string(), password).await
    }

    /// Was the media cache's retention ever set? It is the last setting that the configure Job makes.
    pub async fn configured(&self, id: InstanceId, password: &SecretString) -> Result<bool, DatabaseError> {
        facts::configured(&self.settings, &id.resource_name().to_string(), password).await
    }

    /// Sizes and users, 0 where a table is missing.
    pub async fn usage(&self, id: InstanceId, password: &SecretString) -> Result<Usage, DatabaseError> {
        usage::usage(&self.settings, &id.resource_name().to_string(), password).await
    }
}

async fn within<T>(limit: Duration, name: &str, work: impl Future<Output = Result<T, DatabaseError>>) -> Result<T, DatabaseError> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(DatabaseError::Timeout { name: name.to_owned(), limit }))
}
