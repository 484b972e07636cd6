//! Rows into tables by COPY, for the columns that this release's schema has.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::SinkExt;
use tokio_postgres::{Client, GenericClient, Transaction};

/// Tables of `public` with their columns, and whether those may be NULL.
pub struct Catalogue(BTreeMap<String, BTreeMap<String, bool>>);

impl Catalogue {
    pub async fn read(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let rows = client
            .query(
                "SELECT table_name::text, column_name::text, is_nullable = 'YES' FROM information_schema.columns
                 WHERE table_schema = 'public'",
                &[],
            )
            .await?;
        let mut tables: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
        for row in rows {
            tables.entry(row.get(0)).or_default().insert(row.get(1), row.get(2));
        }
        Ok(Self(tables))
    }

    pub fn has(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.contains_key(column))
    }

    pub fn is_nullable(&self, table: &str, column: &str) -> bool {
        self.0.get(table).and_then(|columns| columns.get(column)).copied().unwrap_or_default()
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Null,
    Text(String),
}

impl Cell {
    /// An array of texts; `None` is a NULL in it.
    pub fn texts(values: &[Option<&str>]) -> Self {
        let quoted = |value: &Option<&str>| match value {
            None => "NULL".to_owned(),
            Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        };
        Self::Text(format!("{{{}}}", values.iter().map(quoted).collect::<Vec<_>>().join(",")))
    }

    pub fn numbers(values: &[i64]) -> Self {
        Self::Text(format!("{{{}}}", values.iter().map(i64::to_string).collect::<Vec<_>>().join(",")))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<bool> for Cell {
    fn from(truth: bool) -> Self {
        Self::Text(if truth { "t" } else { "f" }.to_owned())
    }
}

impl From<DateTime<Utc>> for Cell {
    fn from(time: DateTime<Utc>) -> Self {
        Self::Text(time.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
    }
}

impl From<serde_json::Value> for Cell {
    fn from(json: serde_json::Value) -> Self {
        Self::Text(json.to_string())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Rows that wait to be copied. Every row names the same columns.
pub struct Table<'catalogue> {
    name: &'static str,
    catalogue: &'catalogue Catalogue,
    columns: Vec<&'static str>,
    lines: String,
    rows: u64,
}

impl<'catalogue> Table<'catalogue> {
    pub const fn new(catalogue: &'catalogue Catalogue, name: &'static str) -> Self {
        Self { name, catalogue, columns: Vec::new(), lines: String::new(), rows: 0 }
    }

    /// Leaves out the columns that this release does not have.
    pub fn row<const N: usize>(&mut self, cells: [(&'static str, Cell); N]) {
        let known: Vec<&(&'static str, Cell)> = cells.iter().filter(|(column, _)| self.catalogue.has_column(self.name, column)).collect();
        if self.columns.is_empty() {
            self.columns = known.iter().map(|(column, _)| *column).collect();
        }
        debug_assert!(self.columns.iter().eq(known.iter().map(|(column, _)| column)), "{} gets rows of two kinds", self.name);
        for (place, (_, cell)) in known.into_iter().enumerate() {
            if place > 0 {
                self.lines.push('\t');
            }
            match cell {
                Cell::Null => self.lines.push_str("\\N"),
                Cell::Text(text) => escape(text, &mut self.lines),
            }
        }
        self.lines.push('\n');
        self.rows += 1;
    }

    /// Writes them all; how many. A table that this release does not have takes none.
    pub async fn copy(self, transaction: &Transaction<'_>) -> anyhow::Result<u64> {
        if self.rows == 0 || !self.catalogue.has(self.name) {
            return Ok(0);
        }
        let columns: Vec<String> = self.columns.iter().map(|column| format!("\"{column}\"")).collect();
        let statement = format!("COPY \"{}\" ({}) FROM STDIN", self.name, columns.join(", "));
        let sink = transaction.copy_in::<_, Bytes>(&statement).await.with_context(|| format!("the table {}", self.name))?;
        futures::pin_mut!(sink);
        sink.send(Bytes::from(self.lines)).await.with_context(|| format!("the table {}", self.name))?;
        sink.finish().await.with_context(|| format!("the table {}", self.name))?;
        Ok(self.rows)
    }
}

/// COPY's text format: what ends a value or a row, and the escape itself.
fn escape(text: &str, line: &mut String) {
    for letter in text.chars() {
        match letter {
            '\\' => line.push_str("\\\\"),
            '\t' => line.push_str("\\t"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            other => line.push(other),
        }
    }
}

/// The ids that a table has: those rows stay as they are.
pub async fn ids(client: &impl GenericClient, table: &str) -> anyhow::Result<HashSet<i64>> {
    let rows = client.query(&format!("SELECT id FROM \"{table}\""), &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cells: [(&'static str, Cell); 3]) -> String {
        let columns = [("a", true), ("b", true)].map(|(name, nullable)| (name.to_owned(), nullable));
        let catalogue = Catalogue([("t".to_owned(), columns.into())].into());
        let mut table = Table::new(&catalogue, "t");
        table.row(cells);
        table.lines
    }

    #[test]
    fn values_are_escaped_and_unknown_columns_left_out() {
        assert_eq!(table([("a", Cell::Null), ("unknown", true.into()), ("b", "\\.\tx\r\n".into())]), "\\N\t\\\\.\\tx\\r\\n\n");
        assert_eq!(table([("a", "\\N".into()), ("b", 7.into()), ("unknown", Cell::Null)]), "\\\\N\t7\n");
    }

    #[test]
    fn arrays_quote_their_values() {
        assert_eq!(Cell::texts(&[Some("a\"b\\"), None, Some("NULL"), Some("")]), Cell::Text(r#"{"a\"b\\",NULL,"NULL",""}"#.into()));
        assert_eq!(Cell::numbers(&[1, -2]), Cell::Text("{1,-2}".into()));
    }
}
