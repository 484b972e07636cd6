//! PostgreSQL: a connection for a command, a small pool for a process that serves.
//!
//! Connections are driven on the runtime that made the pool, never on the worker that asked (a busy worker would stall its neighbours).

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, NoTls, config::SslMode as Ssl};

use crate::config::{DatabaseConfig, SslMode};

pub async fn connect(config: &DatabaseConfig) -> Result<Client, tokio_postgres::Error> {
    connect_to(config, &config.name).await
}

pub async fn connect_to(config: &DatabaseConfig, database: &str) -> Result<Client, tokio_postgres::Error> {
    let ssl = match config.ssl_mode {
        SslMode::Disable => Ssl::Disable,
        SslMode::Prefer => Ssl::Prefer,
    };
    let (client, connection) = tokio_postgres::Config::new()
        .host(&config.host)
        .port(config.port)
        .dbname(database)
        .user(&config.user)
        .password(&config.password)
        .ssl_mode(ssl)
        .application_name("howdah-standin")
        .connect_timeout(std::time::Duration::from_secs(5))
        .connect(NoTls)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!("the connection to PostgreSQL ended: {error}");
        }
    });
    Ok(client)
}

pub struct Pool {
    config: DatabaseConfig,
    runtime: Handle,
    idle: Mutex<Vec<Client>>,
    places: Semaphore,
}

/// A connection that goes back to the pool.
pub struct Lease<'pool> {
    client: Option<Client>,
    pool: &'pool Pool,
    _place: SemaphorePermit<'pool>,
}

impl Pool {
    /// To be called on the runtime that shall drive the connections. Opens none.
    pub fn new(config: &DatabaseConfig, size: usize) -> Self {
        Self { config: config.clone(), runtime: Handle::current(), idle: Mutex::default(), places: Semaphore::new(size.max(1)) }
    }

    pub async fn get(&self) -> anyhow::Result<Lease<'_>> {
        let place = self.places.acquire().await?;
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().filter(|client| !client.is_closed());
        let client = match kept {
            Some(client) => client,
            None => {
                let config = self.config.clone();
                self.runtime.spawn(async move { connect(&config).await }).await?.context("PG::ConnectionBad")?
            }
        };
        Ok(Lease { client: Some(client), pool: self, _place: place })
    }
}

impl Deref for Lease<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client.as_ref().expect("the client is there until the lease ends")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take().filter(|client| !client.is_closed()) {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
        }
    }
}
