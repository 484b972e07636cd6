//! A connection as libpq makes it: the order in which each `sslmode` tries with TLS and without.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as Tried;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{DatabaseError, tls};
use crate::source::settings::{DatabaseHost, DatabaseSettings, SslMode};
use secrecy::ExposeSecret as _;

/// A client, and the task that moves its bytes, which ends after the client is dropped.
pub struct Connection {
    pub client: Client,
    pub driver: JoinHandle<()>,
}

impl Connection {
    pub async fn open(settings: &DatabaseSettings, timeout: Duration) -> Result<Self, DatabaseError> {
        let tls = tls::connector(&settings.tls)?;
        let (first, second) = match (&settings.host, settings.tls.mode) {
            (DatabaseHost::Socket(_), _) | (_, SslMode::Disable) => (Tried::Disable, None),
            (_, SslMode::Allow) => (Tried::Disable, Some(Tried::Require)),
            (_, SslMode::Prefer) => (Tried::Prefer, Some(Tried::Disable)),
            (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => (Tried::Require, None),
        };
        let config = config(settings, timeout);
        let error = match attempt(&config, first, &tls).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        if let Some(second) = second.filter(|_| is_about_tls(&error))
            && let Ok(connection) = attempt(&config, second, &tls).await
        {
            return Ok(connection);
        }
        Err(DatabaseError::unreachable(settings.shown(), &error))
    }
}

fn config(settings: &DatabaseSettings, timeout: Duration) -> Config {
    let mut config = Config::new();
    match &settings.host {
        DatabaseHost::Tcp(host) => config.host(host),
        DatabaseHost::Socket(folder) => config.host_path(folder),
    };
    if let Some(password) = &settings.password {
        config.password(password.expose_secret());
    }
    config.port(settings.port).dbname(&settings.name).user(&settings.user).application_name("howdah bundle").connect_timeout(timeout);
    // While `pg_dump` works, nothing passes here, and what lies between forgets silent connections.
    config.keepalives_idle(Duration::from_secs(60)).keepalives_interval(Duration::from_secs(15));
    config
}

async fn attempt(config: &Config, mode: Tried, tls: &MakeRustlsConnect) -> Result<Connection, tokio_postgres::Error> {
    let mut config = config.clone();
    config.ssl_mode(mode);
    if mode == Tried::Disable {
        let (client, connection) = config.connect(NoTls).await?;
        return Ok(Connection { client, driver: tokio::spawn(drive(connection)) });
    }
    let (client, connection) = config.connect(tls.clone()).await?;
    Ok(Connection { client, driver: tokio::spawn(drive(connection)) })
}

/// Whoever waits for an answer is told of its end.
async fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "the connection to the server's database ended");
    }
}

/// Whether another way might be let in: the handshake failed, or the server refused this one (`pg_hba.conf` tells them apart).
fn is_about_tls(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some() || error.to_string().starts_with("error performing TLS handshake")
}
