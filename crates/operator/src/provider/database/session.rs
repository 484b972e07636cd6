//! One connection: as the provisioner to the maintenance database, or as a tenant's role to its own.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{DatabaseError, DatabaseServerSettings, SslMode, tls};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// `pg_temp` is named, and last: unnamed it would be searched first. The server notices a dead peer within a minute, so that
/// the locks of a machine that is gone are free again.
const COMMON_OPTIONS: &str = "-c search_path=pg_catalog,pg_temp -c client_encoding=UTF8 -c tcp_keepalives_idle=20 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3";

/// A connection that is closed when it is dropped.
pub(super) struct Session {
    client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl std::ops::Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Session {
    pub(super) async fn provisioner(settings: &DatabaseServerSettings) -> Result<Self, DatabaseError> {
        let mut config = Config::new();
        config.user(&settings.user).password(settings.password.expose_secret()).dbname(&settings.database);
        config.options(format!("{COMMON_OPTIONS} -c statement_timeout=30s -c lock_timeout=2s"));
        Self::open(settings, config).await
    }

    /// Read only, and each statement within `limit`.
    pub(super) async fn tenant(
        settings: &DatabaseServerSettings,
        name: &str,
        password: &SecretString,
        limit: Duration,
    ) -> Result<Self, DatabaseError> {
        let mut config = Config::new();
        config.user(name).password(password.expose_secret()).dbname(name);
        config.options(format!(
            "{COMMON_OPTIONS} -c statement_timeout={} -c lock_timeout=2s -c default_transaction_read_only=on",
            limit.as_millis()
        ));
        Self::open(settings, config).await
    }

    async fn open(settings: &DatabaseServerSettings, mut config: Config) -> Result<Self, DatabaseError> {
        config.host(&settings.host).port(settings.port).application_name("howdah-operator").connect_timeout(CONNECT_LIMIT);
        config.keepalives_idle(Duration::from_secs(20)).tcp_user_timeout(Duration::from_secs(30));
        match settings.sslmode {
            SslMode::Disable => {
                config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                Self::connect(settings, &config, NoTls).await
            }
            SslMode::VerifyFull => {
                config.ssl_mode(tokio_postgres::config::SslMode::Require);
                Self::connect(settings, &config, MakeRustlsConnect::new(tls::client(settings)?)).await
            }
        }
    }

    async fn connect<T>(settings: &DatabaseServerSettings, config: &Config, tls: T) -> Result<Self, DatabaseError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let user = config.get_user().unwrap_or_default().to_owned();
        // `connect_timeout` ends with the TCP handshake; a server that accepts and says nothing is as absent.
        let (client, connection) = super::within(CONNECT_LIMIT * 2, &user, async {
            let server = format!("{}:{}", settings.host, settings.port);
            config.connect(tls).await.map_err(|source| DatabaseError::Connect { server, user: user.clone(), source })
        })
        .await?;
        let driver = tokio::spawn(async move {
            // What breaks the connection reaches the caller as the error of its query.
            let _ = connection.await;
        });
        Ok(Self { client, driver })
    }

    /// Takes the instance's advisory lock, and keeps it as long as the connection lives. Whoever holds it now may have been
    /// stopped for good: that is waited for a moment only.
    pub(super) async fn lock(&self, name: &str) -> Result<(), DatabaseError> {
        match self.client.execute("SELECT pg_advisory_lock($1)", &[&lock_key(name)]).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Err(DatabaseError::Locked { name: name.to_owned() }),
            Err(source) => Err(DatabaseError::Query { action: "lock", name: name.to_owned(), source }),
        }
    }

    /// Runs one statement that returns nothing of interest.
    pub(super) async fn run(
        &self,
        action: &'static str,
        name: &str,
        sql: &str,
        parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<(), DatabaseError> {
        self.client.execute(sql, parameters).await.map(|_| ()).map_err(failed(action, name))
    }
}

pub(super) fn failed(action: &'static str, name: &str) -> impl FnOnce(tokio_postgres::Error) -> DatabaseError {
    move |source| DatabaseError::Query { action, name: name.to_owned(), source }
}

/// Two instances with the same key would only wait for each other.
fn lock_key(name: &str) -> i64 {
    let digest = Sha256::digest(name.as_bytes());
    i64::from_be_bytes(*digest.first_chunk::<8>().expect("a SHA-256 digest has 32 bytes"))
}

/// While it lives, no other operator changes what this instance has outside the cluster.
pub struct InstanceLock {
    session: Session,
}

impl InstanceLock {
    pub(super) fn new(session: Session) -> Self {
        Self { session }
    }

    /// False once the connection, and so the lock, is lost.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.session.is_closed()
    }
}
