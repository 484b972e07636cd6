//! The safe loader: the rows of a dump into a database that has the schema already, without running any SQL of the dump's.
//!
//! The schema is the database's own, loaded by the Mastodon release that the bundle names; table names, columns, indexes and constraints are read from
//! its catalogue, and the statements here are made from that alone. Of the dump come the rows, as the data of `COPY … FROM STDIN`, and the positions
//! of sequences, as numbers. All is one transaction: what fails leaves the database as it was.
//!
//! Primary keys, indexes and foreign keys come off before the rows and are made again after: that is faster, and a unique violation is then a *finding*
//! that names the rows (a collation that changed under the old server's indexes: DOC:admin/troubleshooting/index-corruption.md), not a crash.

mod binary;
mod catalogue;
mod copy;
mod error;
mod feed;
mod indexes;
mod mark;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_postgres::{Client, Transaction};

use crate::archive::{CopyTarget, Sequence};
use crate::format::{Finding, Severity, TableFacts};

pub use error::LoadError;
pub use mark::{Mark, MarkError, is_marked};

use catalogue::Catalogue;
pub(crate) use feed::feed;

/// What a dump's reader hands over, in the dump's order.
pub enum Fed {
    /// The rows that follow are of this table.
    Table(CopyTarget),
    /// Whole lines of `COPY`'s text format, each with its newline.
    Rows(Bytes),
    /// All was read, to the dump's proven end.
    End { sequences: Vec<Sequence>, encoding: Option<String> },
    /// The dump can't be read on.
    Failed(crate::archive::ArchiveError),
}

/// How long the database may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// One statement, the making of an index included.
    pub statement: Duration,
    pub lock: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { statement: Duration::from_secs(4 * 3600), lock: Duration::from_secs(30) }
    }
}

/// What becomes of rows that a unique index keeps apart, and the old server's did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// Nothing is loaded, and they are named.
    #[default]
    Refuse,
    /// All are loaded, and the indexes that they don't fit are left off and named.
    Keep,
}

/// What was loaded.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Rows and digest of each table, as they were read from the dump.
    pub tables: BTreeMap<String, TableFacts>,
    pub findings: Vec<Finding>,
}

/// What is told while it goes on.
#[derive(Debug, Clone)]
pub enum Step<'a> {
    Table(&'a str),
    /// Bytes of rows since the last.
    Bytes(u64),
    Index(&'a str),
}

/// Tables that the release's schema brings with rows, and the dump has its own of.
const SEEDED: [&str; 2] = ["schema_migrations", "ar_internal_metadata"];

/// Loads what is `fed`. Committed, with its `mark`, only where `accept` says so of what was read, after the last row and before anything is visible.
///
/// # Errors
/// [`LoadError`]; the database is as it was.
pub async fn load(
    client: &mut Client,
    limits: Limits,
    duplicates: Duplicates,
    mark: Option<&Mark>,
    mut fed: mpsc::Receiver<Fed>,
    told: &(dyn Fn(Step<'_>) + Sync),
    accept: impl FnOnce(&Loaded) -> Result<(), LoadError>,
) -> Result<Loaded, LoadError> {
    refuse_superuser(client).await?;
    let transaction = client.build_transaction().start().await.map_err(|source| LoadError::sql("begin", source))?;
    pin(&transaction, limits).await?;
    let catalogue = Catalogue::read(&transaction).await?;
    catalogue.lock(&transaction).await?;
    catalogue.refuse_rows(&transaction).await?;
    let shed = indexes::take_off(&transaction).await?;
    for table in SEEDED.iter().filter(|it| catalogue.tables.contains_key(**it)) {
        run(&transaction, &format!("DELETE FROM {}", catalogue::public(table)), table).await?;
    }
    let (mut loaded, sequences) = copy::rows(&transaction, &catalogue, &mut fed, told).await?;
    catalogue.compare_migrations(&transaction).await?;
    loaded.findings.extend(shed.put_back(&transaction, &catalogue, duplicates, told).await?);
    set_sequences(&transaction, &catalogue, &sequences, &mut loaded).await?;
    catalogue.refresh_views(&transaction).await?;
    if let Some(mark) = mark {
        mark.set(&transaction).await?;
    }
    accept(&loaded)?;
    transaction.commit().await.map_err(|source| LoadError::sql("commit", source))?;
    Ok(loaded)
}

/// Whether [`load`] would begin: before hours are spent on something else. Nothing is changed.
///
/// # Errors
/// [`LoadError`].
pub async fn check(client: &mut Client, limits: Limits) -> Result<(), LoadError> {
    refuse_superuser(client).await?;
    let transaction = client.build_transaction().read_only(true).start().await.map_err(|source| LoadError::sql("begin", source))?;
    pin(&transaction, limits).await?;
    Catalogue::read(&transaction).await?.refuse_rows(&transaction).await
}

/// A superuser's COPY would run whatever the schema's triggers and defaults run, as a superuser.
async fn refuse_superuser(client: &Client) -> Result<(), LoadError> {
    let row = client.query_one("SELECT rolsuper, rolname::text FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER", &[]).await;
    let row = row.map_err(|source| LoadError::sql("who this is", source))?;
    if row.get(0) { Err(LoadError::Superuser { role: row.get(1) }) } else { Ok(()) }
}

async fn pin(transaction: &Transaction<'_>, limits: Limits) -> Result<(), LoadError> {
    let Limits { statement, lock } = limits;
    let settings = format!(
        "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; SET LOCAL client_encoding = 'UTF8'; \
         SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL jit = off; SET LOCAL synchronous_commit = on",
        statement.as_millis(),
        lock.as_millis()
    );
    run(transaction, &settings, "the session").await
}

/// Only for sequences that the schema has.
async fn set_sequences(
    transaction: &Transaction<'_>,
    catalogue: &Catalogue,
    sequences: &[Sequence],
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    for Sequence { schema, name, last_value, is_called } in sequences {
        if schema != "public" || !catalogue.sequences.contains(name) {
            let sentence = format!("the dump has a sequence `{name}` that the release's schema does not have: it was left out");
            loaded.findings.push(Finding { severity: Severity::Notice, object: name.clone(), reason: "unknown_sequence".into(), sentence });
            continue;
        }
        let sequence = catalogue::public(name);
        let set = "SELECT pg_catalog.setval($1::text::pg_catalog.regclass, $2, $3)";
        let set = transaction.execute(set, &[&sequence, last_value, is_called]).await;
        set.map_err(|source| LoadError::sql(name, source))?;
    }
    Ok(())
}

async fn run(transaction: &Transaction<'_>, statement: &str, object: &str) -> Result<(), LoadError> {
    transaction.batch_execute(statement).await.map_err(|source| LoadError::sql(object, source))
}
