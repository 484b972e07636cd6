//! Exact numbers of rows, and of rows of a kind, in one pass a table.

use bytes::Bytes;
use futures::TryStreamExt as _;
use tokio_postgres::Client;

use super::DatabaseError;
use super::catalogue::{Kind, Table, quoted};

/// The rows of a table, and what was asked besides: each an expression that gives an `int8`.
pub async fn count(client: &Client, table: &Table, asked: &[&str]) -> Result<Vec<u64>, DatabaseError> {
    let columns: String = asked.iter().map(|it| format!(", {it}")).collect();
    let statement = format!("SELECT pg_catalog.count(*){columns} FROM ONLY {}", table.sql());
    let row = client.query_one(&statement, &[]).await.map_err(DatabaseError::query(format!("the table {}", table.name)))?;
    Ok((0..row.len()).map(|it| row.get::<_, Option<i64>>(it).and_then(|it| it.try_into().ok()).unwrap_or(0)).collect())
}

/// The rows of a table that no statement may be planned on: `COPY` of one short column isn't planned. One line a row, since a newline in a value
/// is written as `\n`.
pub async fn count_by_copy(client: &Client, table: &Table) -> Result<u64, DatabaseError> {
    let kinds = [Kind::Boolean, Kind::Integer, Kind::Text, Kind::Other];
    let column = kinds.iter().find_map(|kind| table.columns.iter().find(|it| it.kind == Some(*kind)));
    let columns = column.map(|it| format!("({})", quoted(&it.name))).unwrap_or_default();
    let failed = || DatabaseError::query(format!("the table {}", table.name));
    let stream = client.copy_out(&format!("COPY {} {columns} TO STDOUT", table.sql())).await.map_err(failed())?;
    let lines = |chunk: &Bytes| chunk.iter().filter(|it| **it == b'\n').count() as u64;
    stream.try_fold(0, |rows, chunk| std::future::ready(Ok(rows + lines(&chunk)))).await.map_err(failed())
}
