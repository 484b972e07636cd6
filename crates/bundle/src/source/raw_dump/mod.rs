//! A dump that somebody made of a server's database, where the database itself is not at hand: a file of `pg_dump -Fc`, read as data.
//!
//! It is gone through once, front to end, by the reader that loads dumps: rows are counted and the few columns that matter are looked at. What
//! `PREFLIGHT.json` says of a database is what the rows and the table of contents say; what only a running server tells is `unknown`.

mod error;
mod facts;

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Facts;
use crate::archive::{self, ArchiveError, Compression, Dump, Limits, fields};
use crate::format::{AmcheckResult, Checks, DumpFacts, Sha256Hex};
use crate::media::{Dumped, DumpedColumns};
use crate::progress::{Event, Told};

pub use error::RawDumpError;
use facts::{Seen, TableRows};

/// How an archive begins.
const MAGIC: &[u8] = b"PGDMP";

pub struct RawDump {
    path: PathBuf,
    pub facts: Facts,
    /// The rows that name media.
    pub media: Dumped,
    told: archive::Facts,
    as_read: Stamp,
}

/// What another file in its place differs in: length, when it was written, and which one it is.
type Stamp = (u64, SystemTime, u64);

impl RawDump {
    /// Reads all of it: minutes for a large server.
    ///
    /// # Errors
    /// [`RawDumpError`].
    pub fn read(path: &Path, told: &Told) -> Result<Self, RawDumpError> {
        let file = open(path)?;
        let as_read = stamp(path, &file)?;
        let mut dump = Dump::read(file, Limits::default())?;
        let (mut seen, mut media) = (Seen::default(), Dumped::default());
        while let Some(mut table) = dump.next_table()? {
            let target = table.target().clone();
            told(Event::Object { name: target.table.clone() });
            if target.schema != "public" {
                continue;
            }
            let not = |column| RawDumpError::Column { table: target.table.clone(), column };
            let files = DumpedColumns::of(&target.table, &target.columns).map_err(not)?;
            let mut rows = TableRows::of(&target);
            let looks = files.is_some() || rows.looks();
            while let Some(read) = table.next_rows()? {
                told(Event::Progress { bytes: read.bytes.len() as u64, files: 0 });
                rows.read(read.count, read.bytes.len());
                if !looks {
                    continue;
                }
                for line in read.bytes.split_inclusive(|it| *it == b'\n') {
                    let row: Vec<_> = fields(line.strip_suffix(b"\n").unwrap_or(line)).collect();
                    rows.row(&row);
                    files.iter().for_each(|it| media.add(it, &row));
                }
            }
            seen.table(target, rows);
        }
        media.finish();
        let facts = seen.facts(&dump, media.own())?;
        let told = dump.facts().clone();
        drop(dump);
        Ok(Self { path: path.to_owned(), facts, media, told, as_read })
    }

    /// The file once more, from its front.
    ///
    /// # Errors
    /// [`RawDumpError`].
    pub fn open(&self) -> Result<File, RawDumpError> {
        open(&self.path)
    }

    /// Whether the file that is there now is the one that was read, and was not written to since.
    ///
    /// # Errors
    /// [`RawDumpError`].
    pub fn is_as_read(&self) -> Result<bool, RawDumpError> {
        Ok(stamp(&self.path, &open(&self.path)?)? == self.as_read)
    }

    /// As the manifest has it; bytes and digest are known once they have passed.
    pub(crate) fn dump_facts(&self) -> DumpFacts {
        let version = self.told.pg_dump_version.as_deref().unwrap_or(super::UNKNOWN);
        let compression = match self.told.compression {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        };
        DumpFacts {
            pg_dump: format!("pg_dump (PostgreSQL) {version}"),
            compression: compression.to_owned(),
            bytes: 0,
            sha256: Sha256Hex::of(b""),
        }
    }

    /// Indexes are not in a dump.
    #[must_use]
    pub fn checks(&self) -> Checks {
        let why = "the bundle was made of a dump, which has no indexes: neither they nor rows that they let in twice were looked for. Loading it finds such rows";
        Checks {
            amcheck: AmcheckResult::NotRun { why: why.to_owned() },
            duplicates: Vec::new(),
            extensions: self.facts.postgresql.extensions.clone(),
        }
    }
}

fn stamp(path: &Path, file: &File) -> Result<Stamp, RawDumpError> {
    let told = file.metadata().and_then(|it| Ok((it.len(), it.modified()?, it.ino())));
    told.map_err(|source| RawDumpError::File { path: path.to_owned(), source })
}

/// A bundle's dump is one that the stock `pg_restore` takes as it is: nothing else is put into one.
fn open(path: &Path) -> Result<File, RawDumpError> {
    let failed = |source| RawDumpError::File { path: path.to_owned(), source };
    if path.is_dir() {
        return Err(RawDumpError::NotCustom { path: path.to_owned() });
    }
    let mut begins = Vec::new();
    File::open(path).map_err(failed)?.take(MAGIC.len() as u64).read_to_end(&mut begins).map_err(failed)?;
    let file = File::open(path).map_err(failed)?;
    if begins == MAGIC {
        return Ok(file);
    }
    // What is no dump at all is told what it is.
    match Dump::read(file, Limits::default()) {
        Err(error @ (ArchiveError::Empty | ArchiveError::Other { .. })) => Err(error.into()),
        _ => Err(RawDumpError::NotCustom { path: path.to_owned() }),
    }
}
