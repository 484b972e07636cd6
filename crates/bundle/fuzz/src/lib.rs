//! What every target holds of a dump, whatever its bytes are.

use std::io::{Cursor, Read};

#[path = "../../src/archive/mod.rs"]
pub mod archive;

use archive::{ArchiveError, Dump, Limits};

/// Small, so that they are met.
pub const LIMITS: Limits =
    Limits { entries: 1000, text: 1 << 20, kept: 1 << 18, row: 1 << 19, columns: 100, decompressed: 1 << 22, zstd_window_log: 20 };

/// How a reading ended, and a sum of what was read.
pub type Outcome = (String, u64, u64);

/// Reads it to its end, and holds that each row is one, and has its table's columns.
pub fn drain(dump: Result<Dump<'_>, ArchiveError>) -> Outcome {
    let (mut rows, mut bytes) = (0, 0);
    let end = dump.and_then(|mut dump| {
        while let Some(mut table) = dump.next_table()? {
            let columns = table.target().columns.len();
            while let Some(some) = table.next_rows()? {
                assert_eq!(some.lines().count() as u64, some.count);
                assert!(some.bytes.ends_with(b"\n"));
                for line in some.lines() {
                    assert_eq!(line.iter().filter(|it| **it == b'\t').count() + 1, columns.max(1));
                    assert!(!line.iter().any(|it| matches!(it, b'\r' | b'\n' | 0)));
                    assert_ne!(line, b"\\.");
                    assert_eq!(line.iter().rev().take_while(|it| **it == b'\\').count() % 2, 0);
                }
                rows += some.count;
                bytes += some.bytes.len() as u64;
            }
        }
        Ok(())
    });
    (end.err().map(|it| it.to_string()).unwrap_or_default(), rows, bytes)
}

/// In one piece and in small ones, a dump is the same.
pub fn stream(data: &[u8]) {
    let whole = drain(Dump::read(Cursor::new(data), LIMITS));
    let pieces = drain(Dump::read(Pieces(data, 1 + data.len() % 7), LIMITS));
    // Errors may come before rows or after them, as rows come in blocks; a dump is good or not.
    assert_eq!(whole.0.is_empty(), pieces.0.is_empty(), "{} | {}", whole.0, pieces.0);
    assert!(!whole.0.is_empty() || whole == pieces);
}

struct Pieces<'d>(&'d [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(self.1);
        self.0.read(&mut into[..most])
    }
}
