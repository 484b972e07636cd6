//! How a database URL is connected to: plainly on this machine or where it says so, else by TLS that verifies the server.
//!
//! libpq's `prefer`, which falls back to plain text, and `require`, which verifies nothing, are both read as *verify*.

use std::path::Path;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A database URL, understood.
#[derive(Clone)]
pub struct Endpoint {
    pub config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
}

#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("the database URL cannot be read")]
    Url(#[source] tokio_postgres::Error),
    #[error("no trusted certificates for the database: {0}")]
    Roots(String),
    #[error("TLS for the database cannot be set up")]
    Tls(#[from] rustls::Error),
}

impl Endpoint {
    /// `PGSSLROOTCERT` names a file of certificates to trust besides the system's.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let (url, mode) = without_ssl_mode(url);
        let mut config: tokio_postgres::Config = url.parse().map_err(EndpointError::Url)?;
        let tls = match mode.as_deref() {
            Some("disable") => None,
            None if is_local(&config) => None,
            _ => Some(connector(std::env::var_os("PGSSLROOTCERT").as_deref().map(Path::new))?),
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        config.application_name("howdah");
        // A peer that is gone without a word is noticed in seconds, not when TCP gives up after a quarter of an hour.
        config.tcp_user_timeout(Duration::from_secs(5)).keepalives_idle(Duration::from_secs(30));
        Ok(Self { config, tls })
    }

    pub async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let refused = |error: tokio_postgres::Error| ConnectionError::BadConnection(error_chain(&error));
        match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await.map_err(refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            None => {
                let (client, connection) = self.config.connect(tokio_postgres::NoTls).await.map_err(refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        }
    }
}

/// tokio-postgres knows neither `verify-ca` nor `verify-full`, and can't tell `prefer` from silence.
fn without_ssl_mode(url: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    let mode = query.split('&').rev().find_map(|it| it.strip_prefix("sslmode=")).map(str::to_owned);
    let rest: Vec<&str> = query.split('&').filter(|it| !it.starts_with("sslmode=")).collect();
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (url, mode)
}

fn is_local(config: &tokio_postgres::Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback()),
        Host::Unix(_) => true,
    })
}

fn connector(extra: Option<&Path>) -> Result<MakeRustlsConnect, EndpointError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = extra {
        let unreadable = |error: &dyn std::fmt::Display| EndpointError::Roots(format!("{}: {error}", path.display()));
        for certificate in CertificateDer::pem_file_iter(path).map_err(|it| unreadable(&it))? {
            roots.add(certificate.map_err(|it| unreadable(&it))?)?;
        }
    }
    if roots.is_empty() {
        return Err(EndpointError::Roots("neither the system nor PGSSLROOTCERT has any".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_only_here_or_where_asked_for() {
        let plain = |url: &str| Endpoint::parse(url).unwrap().tls.is_none();
        assert!(plain("postgres://howdah@127.0.0.1:5432/howdah"));
        assert!(plain("postgres://howdah@localhost/howdah?connect_timeout=3"));
        assert!(plain("postgres://howdah@db.example/howdah?sslmode=disable"));
        for mode in ["prefer", "require", "verify-ca", "verify-full"] {
            assert!(!plain(&format!("postgres://howdah@127.0.0.1/howdah?sslmode={mode}")), "{mode}");
        }
        assert!(!plain("postgres://howdah@db.example/howdah"));
    }
}
