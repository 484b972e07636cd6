//! Rows, table by table, by our own `COPY … FROM STDIN`.

use std::collections::BTreeSet;
use std::pin::pin;

use bytes::Bytes;
use futures::SinkExt as _;
use tokio::sync::mpsc;
use tokio_postgres::{CopyInSink, Transaction};

use super::catalogue::{Catalogue, public, quoted};
use super::{Fed, LoadError, Loaded, Step};
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
    if let Some(column) = columns.iter().find(|it| !known.contains(*it)) {
        return Err(LoadError::Column { table: table.clone(), column: column.clone() });
    }
    let names = columns.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
    let statement = format!("COPY {} ({names}) FROM STDIN", public(table));
    let refused = |source| LoadError::sql(&format!("the rows of `{table}`"), source);
    let mut sink: std::pin::Pin<&mut CopyInSink<Bytes>> = pin!(transaction.copy_in(&statement).await.map_err(refused)?);
    let mut digest = Multiset::default();
    let after = loop {
        match fed.recv().await {
            Some(Fed::Rows(lines)) => {
                told(Step::Bytes(lines.len() as u64));
                add(&mut digest, &lines);
                sink.send(lines).await.map_err(refused)?;
            }
            other => break other,
        }
    };
    let stored = sink.finish().await.map_err(refused)?;
    if stored != digest.count() {
        return Err(LoadError::Short { table: table.clone(), sent: digest.count(), stored });
    }
    loaded.tables.insert(table.clone(), TableFacts { rows: digest.count(), digest: digest.digest() });
    Ok(after)
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
