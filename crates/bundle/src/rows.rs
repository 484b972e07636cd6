//! What a dump holds, table by table: its rows are counted and digested as they pass.

use std::collections::BTreeMap;
use std::io::Read;

use memchr::memchr_iter;

use crate::archive::{ArchiveError, Dump, Limits, Sequence};
use crate::format::{Multiset, TableFacts};
use crate::progress::{Event, Told};

/// Adds whole lines of `COPY`'s text format, each without the newline that it ends with.
pub(crate) fn add(digest: &mut Multiset, lines: &[u8]) {
    let mut start = 0;
    for end in memchr_iter(b'\n', lines) {
        digest.add(&lines[start..end]);
        start = end + 1;
    }
}

/// As the format names a table: those of the schema `public` without it.
pub(crate) fn name(schema: &str, table: &str) -> String {
    if schema == "public" { table.to_owned() } else { format!("{schema}.{table}") }
}

/// Reads a dump to its proven end.
///
/// # Errors
/// [`ArchiveError`].
pub(crate) fn digests(reader: impl Read + Send, told: &Told) -> Result<(BTreeMap<String, TableFacts>, Vec<Sequence>), ArchiveError> {
    let mut dump = Dump::read(reader, Limits::default())?;
    let mut tables: BTreeMap<String, Multiset> = BTreeMap::new();
    while let Some(mut table) = dump.next_table()? {
        let name = name(&table.target().schema, &table.target().table);
        told(Event::Object { name: name.clone() });
        let mut digest = Multiset::default();
        while let Some(rows) = table.next_rows()? {
            told(Event::Progress { bytes: rows.bytes.len() as u64, files: 0 });
            add(&mut digest, rows.bytes);
        }
        tables.entry(name).or_default().extend(&digest);
    }
    let facts = |digest: Multiset| TableFacts { rows: digest.count(), digest: digest.digest() };
    Ok((tables.into_iter().map(|(name, digest)| (name, facts(digest))).collect(), dump.sequences().to_vec()))
}
