//! Migrations: ours, embedded, and then the queue's own. Run by `howdah migrate` and by tests, never when a server starts.

use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::queue;
use crate::tls::{Endpoint, EndpointError};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any number, as long as it is nobody else's.
const LOCK: i64 = 0x0068_6f77_6461_6801;

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("the database cannot be reached")]
    Connect(#[from] diesel::ConnectionError),
    #[error("the migrations' lock cannot be had")]
    Lock(#[source] diesel::result::Error),
    #[error("a migration failed: {0}")]
    Ours(Box<dyn std::error::Error + Send + Sync>),
    #[error("the queue's migrations failed")]
    Queue(#[from] queue::QueueError),
}

/// Brings a database up to date; which of our migrations had to run. Two at once run one after the other. Needs a
/// multi-threaded runtime.
pub async fn migrate(url: &str) -> Result<Vec<String>, MigrateError> {
    let endpoint = Endpoint::parse(url)?;
    let mut guard = endpoint.connect().await?;
    // Ends with the connection.
    diesel::sql_query("SELECT pg_advisory_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(&mut guard)
        .await
        .map_err(MigrateError::Lock)?;
    let mut harness = AsyncMigrationHarness::new(endpoint.connect().await?);
    let ran = harness.run_pending_migrations(MIGRATIONS).map_err(MigrateError::Ours)?.iter().map(ToString::to_string).collect();
    queue::migrate(&endpoint).await?;
    drop(guard);
    Ok(ran)
}
