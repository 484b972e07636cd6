//! What a dump tells of itself.

use std::fmt;

use chrono::NaiveDateTime;

use super::{error::ArchiveError, limits::Limits};

/// Of a whole dump. All but the format, its version and the compression is what the dump says, and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub format: Format,
    /// Of an archive; plain SQL has none.
    pub archive_version: Option<ArchiveVersion>,
    /// Of the rows; in plain SQL of all.
    pub compression: Compression,
    pub database: Option<String>,
    pub server_version: Option<String>,
    pub pg_dump_version: Option<String>,
    /// By the clock on the wall where it was made.
    pub created: Option<NaiveDateTime>,
    /// Of the rows, as PostgreSQL names it: what to set `client_encoding` to before they are loaded.
    pub encoding: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `pg_dump -Fc`
    Custom,
    /// `pg_dump -Fd`; an unpacked `-Ft` is the same
    Directory,
    /// `pg_dump -Fp`
    Plain,
}

/// Of the archive's layout, not of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchiveVersion {
    pub major: u8,
    pub minor: u8,
    pub revision: u8,
}

impl fmt::Display for ArchiveVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Lz4,
    Zstd,
}

/// One object that a dump holds: for findings, and to know what a dump would do that is not done here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// In `pg_dump`'s words: `TABLE DATA`, `TRIGGER`, `FUNCTION`, `EVENT TRIGGER`, …
    pub kind: String,
    pub schema: Option<String>,
    /// Of a trigger, a rule or a constraint: its table's, and its own.
    pub name: String,
}

/// Where a sequence stands, of a `SEQUENCE SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    pub last_value: i64,
    /// Whether that value was given out; if not, it is the next one.
    pub is_called: bool,
}

/// What is known of a dump: of an archive at once, of plain SQL more with each table.
pub(super) struct Contents {
    pub facts: Facts,
    pub entries: Vec<Entry>,
    pub sequences: Vec<Sequence>,
    /// Bytes that these take.
    kept: usize,
}

impl Contents {
    pub const fn new(facts: Facts) -> Self {
        Self { facts, entries: Vec::new(), sequences: Vec::new(), kept: 0 }
    }

    pub fn add(&mut self, entry: Entry, limits: &Limits, place: &str) -> Result<(), ArchiveError> {
        let names = entry.kind.len() + entry.name.len() + entry.schema.as_ref().map_or(0, String::len);
        self.count(size_of::<Entry>() + names, limits, place)?;
        self.entries.push(entry);
        Ok(())
    }

    pub fn add_sequence(&mut self, sequence: Sequence, limits: &Limits, place: &str) -> Result<(), ArchiveError> {
        self.count(size_of::<Sequence>() + sequence.schema.len() + sequence.name.len(), limits, place)?;
        self.sequences.push(sequence);
        Ok(())
    }

    /// Counts bytes that are kept.
    pub fn count(&mut self, bytes: usize, limits: &Limits, place: &str) -> Result<(), ArchiveError> {
        self.kept += bytes;
        if self.kept > limits.kept || self.entries.len() >= limits.entries as usize {
            let what = format!("it has more than {} entries, or names of more than {} bytes", limits.entries, limits.kept);
            return Err(ArchiveError::too_large(place, what));
        }
        Ok(())
    }

    /// `SET client_encoding = 'UTF8';`
    pub fn set_encoding(&mut self, statement: &str) {
        let name = statement.trim_end().strip_prefix("SET client_encoding = '").and_then(|it| it.strip_suffix("';"));
        self.facts.encoding = name.map(str::to_owned).or_else(|| self.facts.encoding.take());
    }
}

/// Where rows are from: what a dump's `COPY … FROM stdin` names, in its order of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyTarget {
    pub schema: String,
    pub table: String,
    pub columns: Vec<String>,
}

impl CopyTarget {
    /// Bytes of its names.
    pub(super) fn size(&self) -> usize {
        let columns: usize = self.columns.iter().map(|it| size_of::<String>() + it.len()).sum();
        self.schema.len() + self.table.len() + columns
    }
}
