//! Reading a dump to its end, and where the real ones lie.

use std::{
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use howdah_bundle::archive::{ArchiveError, CopyTarget, Dump, Entry, Facts, Limits, Sequence};

/// All that can be had from a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    pub facts: Facts,
    pub entries: Vec<Entry>,
    pub sequences: Vec<Sequence>,
    pub tables: Vec<(CopyTarget, Vec<u8>)>,
}

pub fn whole(mut dump: Dump<'_>) -> Result<Whole, ArchiveError> {
    let mut tables = Vec::new();
    while let Some(mut table) = dump.next_table()? {
        let mut bytes = Vec::new();
        while let Some(rows) = table.next_rows()? {
            assert_eq!(rows.lines().count() as u64, rows.count, "rows are counted");
            bytes.extend_from_slice(rows.bytes);
        }
        assert!(table.next_rows()?.is_none(), "the end of a table stays its end");
        tables.push((table.target().clone(), bytes));
    }
    assert!(dump.next_table()?.is_none(), "the end of a dump stays its end");
    Ok(Whole { facts: dump.facts().clone(), entries: dump.entries().to_vec(), sequences: dump.sequences().to_vec(), tables })
}

pub fn read(bytes: &[u8]) -> Result<Whole, ArchiveError> {
    read_with(bytes, Limits::default())
}

pub fn read_with(bytes: &[u8], limits: Limits) -> Result<Whole, ArchiveError> {
    whole(Dump::read(Dribble(Cursor::new(bytes), 1000), limits)?)
}

/// Gives no more than so many bytes at once, as a pipe or a network may.
pub struct Dribble<R>(pub R, pub usize);

impl<R: Read> Read for Dribble<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(self.1);
        self.0.read(&mut into[..most])
    }
}

pub fn dumps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps")
}

/// Of each version: its dumps, files and folders, but those of INSERT statements.
pub fn real_dumps() -> Vec<PathBuf> {
    let list = |folder: &Path| {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).expect("a folder of dumps").map(|it| it.expect("an entry").path()).collect();
        paths.sort();
        paths
    };
    let versions = list(&dumps()).into_iter().filter(|it| it.file_name().is_some_and(|it| it.to_string_lossy().parse::<u8>().is_ok()));
    versions.flat_map(|it| list(&it)).filter(|it| !it.to_string_lossy().contains("inserts")).collect()
}
