//! What a dump says never makes the reader hold more than its limits. Alone in its process, since it measures that.

use std::{
    fs,
    io::{Cursor, Read},
};

use howdah_bundle::archive::{ArchiveError, Dump, Limits};

#[path = "archive/writer.rs"]
#[expect(dead_code, reason = "shared with the other tests of dumps")]
mod writer;

use writer::{Archive, EntryOf, Method, archive, int, plain, table};

const COPY: &str = "COPY public.t (a) FROM stdin;\n";

/// Memory of the process in KiB: `VmRSS`, what it has, or `VmHWM`, the most that it had.
fn memory(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|it| it.strip_prefix(field)?.strip_prefix(':')).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// How much more was held at any time while it was read, in KiB.
fn held(reader: impl Read + Send) -> (u64, Result<(), ArchiveError>) {
    // The most is what there is now.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = memory("VmRSS");
    let result = drain(reader);
    (memory("VmHWM").saturating_sub(before), result)
}

fn drain(reader: impl Read + Send) -> Result<(), ArchiveError> {
    let mut dump = Dump::read(reader, Limits { row: 8 << 20, ..Limits::default() })?;
    while dump.next_table()?.is_some() {}
    Ok(())
}

/// More than may be held, whatever it is.
const MORE: usize = 40 << 20;

fn endless(head: Vec<u8>, byte: u8) -> Cursor<Vec<u8>> {
    Cursor::new([head, vec![byte; MORE]].concat())
}

#[test]
fn nothing_is_held_because_a_dump_says_so() {
    let block = [archive(vec![table(1, COPY, "1\n\\.\n\n\n")]).toc(), vec![1], int(1)].concat();
    let mut header = archive(vec![]).toc();
    header.truncate(header.len() - int(0).len());
    let row = |method| Cursor::new(Archive { compression: method, ..archive(vec![table(1, COPY, vec![b'x'; MORE])]) }.bytes());
    let many = (1..=40_000).map(|id| EntryOf { name: "x".repeat(1000), data: None, ..table(id, COPY, "") }).collect();

    for (what, reader) in [
        ("as many entries as there are numbers", endless([header.clone(), int(i32::MAX)].concat(), 0)),
        ("a name of any length", endless([header.clone(), int(1), int(1), int(1), int(1 << 24)].concat(), b'x')),
        ("a piece as long as can be, one endless row", endless([block, int(i32::MAX)].concat(), b'x')),
        ("a row that unpacks to more, zlib", row(Method::Gzip)),
        ("a row that unpacks to more, lz4", row(Method::Lz4)),
        ("a row that unpacks to more, zstd", row(Method::Zstd)),
        ("names without an end", Cursor::new(archive(many).bytes())),
        ("a statement without an end", endless(plain("").replace("SET client", "COPY ").into_bytes(), b'x')),
        ("a comment without an end", endless(plain("").replace("SET client", "-- ").into_bytes(), b'x')),
    ] {
        let (held, result) = held(reader);
        assert!(result.is_err(), "{what}: {result:?}");
        assert!(held < 28 << 10, "{what}: {held} KiB more were held");
    }
}
