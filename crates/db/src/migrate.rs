//! Migrations: ours, embedded, and then the queue's own. Run by `howdah migrate` and by tests, never when a server starts.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::tls::{Endpoint, EndpointError};
use crate::{Conn, QueryResult, queue};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any number, as long as it is nobody else's.
const LOCK: i64 = 0x0068_6f77_6461_6801;
/// Between two tries for it.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(QueryableByName)]
struct Turn {
    #[diesel(sql_type = Bool)]
    is_ours: bool,
}

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
    wait_for_turn(&mut guard).await.map_err(MigrateError::Lock)?;
    let mut harness = AsyncMigrationHarness::new(endpoint.connect().await?);
    let ran = harness.run_pending_migrations(MIGRATIONS).map_err(MigrateError::Ours)?.iter().map(ToString::to_string).collect();
    queue::migrate(&endpoint).await?;
    drop(guard);
    Ok(ran)
}

/// Takes the lock, which ends with the connection. It is asked for again and again: a statement that waits for it has a snapshot, for
/// whose end an index that is made concurrently would wait for ever.
async fn wait_for_turn(guard: &mut Conn) -> QueryResult<()> {
    loop {
        let turn: Turn = diesel::sql_query("SELECT pg_try_advisory_lock($1) AS is_ours").bind::<BigInt, _>(LOCK).get_result(guard).await?;
        if turn.is_ours {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
