//! Rows, table by table, by our own `COPY … FROM STDIN`.

use std::collections::BTreeSet;
use std::pin::Pin;

use bytes::Bytes;
use futures::SinkExt as _;
use tokio::sync::mpsc;
use tokio_postgres::{CopyInSink, Transaction};

use super::binary::{self, Binary};
use super::catalogue::{Catalogue, Table, public, quoted};
use super::{Fed, LoadError, Loaded, Step, run};
use crate::archive::{CopyTarget, Sequence};
use crate::format::{Finding, Multiset, Severity, TableFacts};
use crate::rows::{self, add};

/// Everything that is fed, to its end.
pub(super) async fn rows(
    transaction: &Transaction<'_>,
    catalogue: &Catalogue,
    fed: &mut mpsc::Receiver<Fed>,
    told: &(dyn Fn(Step<'_>) + Sync),
) -> Result<(Loaded, Vec<Sequence>), LoadError> {
    let mut loaded = Loaded::default();
    let mut seen = BTreeSet::new();
    let mut next = fed.recv().await;
    loop {
        match next.take() {
            Some(Fed::Table(target)) => {
                if !seen.insert((target.schema.clone(), target.table.clone())) {
                    return Err(LoadError::Twice { table: target.table });
                }
                told(Step::Table(&target.table));
                next = if target.schema == "public" && catalogue.tables.contains_key(&target.table) {
                    table(transaction, catalogue, &target, fed, told, &mut loaded).await?
                } else {
                    left_out(&target, fed, &mut loaded).await
                };
            }
            Some(Fed::Rows(_)) => next = fed.recv().await,
            Some(Fed::End { sequences, encoding }) => {
                return match encoding {
                    Some(encoding) if encoding != "UTF8" => Err(LoadError::Encoding(encoding)),
                    _ => Ok((loaded, sequences)),
                };
            }
            Some(Fed::Failed(error)) => return Err(error.into()),
            None => return Err(LoadError::Cut),
        }
    }
}

/// One table; returns what came after it.
async fn table(
    transaction: &Transaction<'_>,
    catalogue: &Catalogue,
    target: &CopyTarget,
    fed: &mut mpsc::Receiver<Fed>,
    told: &(dyn Fn(Step<'_>) + Sync),
    loaded: &mut Loaded,
) -> Result<Option<Fed>, LoadError> {
    let CopyTarget { table, columns, .. } = target;
    let known = &catalogue.tables[table];
    if let Some(column) = columns.iter().find(|it| !known.columns.contains_key(*it)) {
        return Err(LoadError::Column { table: table.clone(), column: column.clone() });
    }
    let mut copy = Copy::begin(transaction, known, target).await?;
    let mut digest = Multiset::default();
    let after = loop {
        match fed.recv().await {
            Some(Fed::Rows(lines)) => {
                told(Step::Bytes(lines.len() as u64));
                add(&mut digest, &lines);
                copy.send(lines).await?;
            }
            other => break other,
        }
    };
    let stored = copy.finish().await?;
    if stored != digest.count() {
        return Err(LoadError::Short { table: table.clone(), sent: digest.count(), stored });
    }
    loaded.tables.insert(table.clone(), TableFacts { rows: digest.count(), digest: digest.digest() });
    Ok(after)
}

/// Rows on their way into a table: as binary, where that can be had of them, and from the first others on as text.
struct Copy<'t> {
    transaction: &'t Transaction<'t>,
    table: &'t str,
    /// `COPY "public"."accounts" ("id", …) FROM STDIN (FREEZE, FORMAT …)`, up to the options.
    statement: String,
    freeze: bool,
    binary: Option<Binary>,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    /// By the statements before this one.
    stored: u64,
}

impl<'t> Copy<'t> {
    async fn begin(transaction: &'t Transaction<'t>, known: &Table, target: &'t CopyTarget) -> Result<Self, LoadError> {
        let CopyTarget { table, columns, .. } = target;
        let freeze = !known.partitioned;
        if freeze {
            // What is emptied in the same transaction may be stored frozen, which spares whoever reads or vacuums it first a second writing.
            run(transaction, &format!("TRUNCATE ONLY {}", public(table)), table).await?;
        }
        let names = columns.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
        let statement = format!("COPY {} ({names}) FROM STDIN", public(table));
        let binary = Binary::of(columns.iter().map(|it| known.columns.get(it).and_then(Option::as_ref)));
        let sink = started(transaction, &statement, freeze, binary.is_some()).await.map_err(refused(table))?;
        Ok(Self { transaction, table, statement, freeze, binary, sink, stored: 0 })
    }

    async fn send(&mut self, lines: Bytes) -> Result<(), LoadError> {
        let piece = match self.binary.as_ref().map(|it| it.rows(&lines)) {
            None => lines,
            Some(Some(rows)) => rows,
            Some(None) => {
                self.stored += self.end().await?;
                self.sink = started(self.transaction, &self.statement, self.freeze, false).await.map_err(refused(self.table))?;
                lines
            }
        };
        self.sink.send(piece).await.map_err(refused(self.table))
    }

    async fn finish(mut self) -> Result<u64, LoadError> {
        Ok(self.stored + self.end().await?)
    }

    /// Of one statement; returns how many rows it stored.
    async fn end(&mut self) -> Result<u64, LoadError> {
        if self.binary.take().is_some() {
            self.sink.send(Bytes::from_static(binary::TRAILER)).await.map_err(refused(self.table))?;
        }
        self.sink.as_mut().finish().await.map_err(refused(self.table))
    }
}

async fn started(
    transaction: &Transaction<'_>,
    statement: &str,
    freeze: bool,
    binary: bool,
) -> Result<Pin<Box<CopyInSink<Bytes>>>, tokio_postgres::Error> {
    let format = if binary { "binary" } else { "text" };
    let mut sink = Box::pin(transaction.copy_in(&format!("{statement} (FREEZE {freeze}, FORMAT {format})")).await?);
    if binary {
        sink.send(Bytes::from_static(binary::HEADER)).await?;
    }
    Ok(sink)
}

fn refused(table: &str) -> impl Fn(tokio_postgres::Error) -> LoadError {
    move |source| LoadError::sql(&format!("the rows of `{table}`"), source)
}

/// A table that the schema doesn't have: its rows are counted, and it is told.
async fn left_out(target: &CopyTarget, fed: &mut mpsc::Receiver<Fed>, loaded: &mut Loaded) -> Option<Fed> {
    let mut digest = Multiset::default();
    let after = loop {
        match fed.recv().await {
            Some(Fed::Rows(lines)) => add(&mut digest, &lines),
            other => break other,
        }
    };
    let CopyTarget { schema, table, .. } = target;
    let name = rows::name(schema, table);
    let sentence = format!("the release's schema has no table `{name}`: its {} rows were left out", digest.count());
    loaded.findings.push(Finding { severity: Severity::Notice, object: name.clone(), reason: "unknown_table".into(), sentence });
    loaded.tables.insert(name, TableFacts { rows: digest.count(), digest: digest.digest() });
    after
}
