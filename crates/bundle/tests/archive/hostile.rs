//! What is no dump, and dumps that somebody made to do harm.

use std::{
    fs,
    io::{self, Cursor, Read, Write},
};

use howdah_bundle::archive::{ArchiveError, Dump, Limits, RowFault};
use lz4_flex::frame::BlockSize;

use crate::{
    support::{read, read_with, whole},
    writer::{Archive, EntryOf, Method, archive, compressed, gzipped, int, plain, sequence, table},
};

const COPY: &str = "COPY public.t (a, b) FROM stdin;\n";

fn one(rows: &str) -> Archive {
    archive(vec![table(1, COPY, rows)])
}

fn said(bytes: &[u8]) -> String {
    read(bytes).expect_err("it must be refused").to_string()
}

#[test]
fn what_is_no_dump_is_told_what_it_is() {
    let tar: Vec<u8> = [vec![b'x'; 257], b"ustar\x00".to_vec(), vec![0; 200]].concat();
    let mut newer = one("\\.\n\n\n");
    newer.minor = 17;
    let mut older = one("\\.\n\n\n");
    older.minor = 11;
    let mut folder = one("\\.\n\n\n");
    folder.directory = true;
    let mut unknown = one("\\.\n\n\n").bytes();
    unknown[11] = 4;
    let inserts = plain("INSERT INTO public.t VALUES (1, 2);\n");
    let cases: &[(&str, &[u8])] = &[
        ("nothing", b""),
        ("age", b"age-encryption.org/v1\n-> X25519 abc\n"),
        ("MySQL", b"-- MySQL dump 10.13  Distrib 8.0.36\n--\n"),
        ("MariaDB", b"/*!999999\\- enable the sandbox mode */\n-- MariaDB dump\n"),
        ("a web page", b"\n<!DOCTYPE HTML>\n<html><body>404"),
        ("XML", b"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>"),
        ("tar", &tar),
        ("bzip2", b"BZh91AY&SY"),
        ("UTF-16", b"\xff\xfe-\0-\0\r\0\n\0"),
        ("text mode", b"--\r\n-- PostgreSQL database dump\r\n"),
        ("all databases", b"--\n-- PostgreSQL database cluster dump\n--\n"),
        ("noise", b"\x00\x01\x02"),
        ("newer", &newer.bytes()),
        ("older", &older.bytes()),
        ("unknown compression", &unknown),
        ("a table of contents", &folder.bytes()),
        ("twice compressed", &gzipped(&gzipped(b"x"))),
        ("INSERT", inserts.as_bytes()),
    ];
    let said: String = cases.iter().map(|(name, bytes)| format!("{name}: {}\n", said(bytes))).collect();
    insta::assert_snapshot!(said);
}

#[test]
fn rows_that_are_none_are_refused_by_table_and_number() {
    let cases: &[(&str, u64, RowFault)] = &[
        ("1\n\\.\n", 1, RowFault::Columns { found: 1, expected: 2 }),
        ("1\t2\n1\t2\t3\n\\.\n", 2, RowFault::Columns { found: 3, expected: 2 }),
        ("1\t2\n\n\\.\n", 2, RowFault::Columns { found: 1, expected: 2 }),
        ("1\t2\r\n\\.\r\n", 1, RowFault::Return),
        ("\\.\r\n", 1, RowFault::Return),
        ("1\t2\n1\t\0\n\\.\n", 2, RowFault::Zero),
        ("1\t\\\n2\n\\.\n", 1, RowFault::Escape(b'\n')),
        ("1\t\\\t2\n\\.\n", 1, RowFault::Escape(b'\t')),
        ("1\t\\x41\n\\.\n", 1, RowFault::Escape(b'x')),
        ("1\t\\.\n\\.\n", 1, RowFault::Escape(b'.')),
        ("\\.x\t1\n\\.\n", 1, RowFault::Escape(b'.')),
        ("1\ta\\N\n\\.\n", 1, RowFault::Null),
        ("1\t\\Na\n\\.\n", 1, RowFault::Null),
    ];
    for (rows, row, fault) in cases {
        for bytes in [one(rows).bytes(), plain(&format!("{COPY}{rows}")).into_bytes()] {
            match read(&bytes) {
                Err(ArchiveError::Row { table, row: found, fault: it }) => {
                    assert_eq!((table.as_str(), found, it), ("`public.t`", *row, *fault), "{rows:?}");
                }
                other => panic!("{rows:?}: {other:?}"),
            }
        }
    }
    let no_columns = archive(vec![table(1, "COPY public.t  FROM stdin;\n", "\nx\n\\.\n\n\n")]);
    assert!(matches!(read(&no_columns.bytes()), Err(ArchiveError::Row { row: 2, .. })));
}

#[test]
fn statements_that_pg_dump_does_not_write_are_refused_before_anything_is_read() {
    for statement in [
        "COPY public.t (a, b) FROM PROGRAM 'touch /tmp/owned';\n",
        "COPY public.t (a, b) FROM stdin; DROP TABLE users;\n",
        "DROP TABLE users; COPY public.t (a, b) FROM stdin;\n",
        "COPY (SELECT pg_read_file('/etc/passwd')) TO stdout;\n",
    ] {
        let refused = Dump::read(Cursor::new(archive(vec![table(1, statement, "\\.\n\n\n")]).bytes()), Limits::default()).map(drop);
        assert!(matches!(refused, Err(ArchiveError::Unlike { .. })), "{statement}: {refused:?}");
    }
    for statement in ["", "SELECT pg_catalog.setval('public.s', (SELECT 1), true);\n", "DROP TABLE users;"] {
        let refused = read(&archive(vec![sequence(1, statement)]).bytes());
        assert!(matches!(refused, Err(ArchiveError::Unlike { .. })), "{statement}: {refused:?}");
    }
    let inserts = EntryOf { copy: None, ..table(1, "", "INSERT INTO public.t VALUES (1, 2);\n") };
    assert!(matches!(read(&archive(vec![inserts]).bytes()), Err(ArchiveError::Inserts)));
}

#[test]
fn data_are_where_and_as_many_as_the_table_of_contents_says() {
    let good = one("1\t2\n\\.\n\n\n");
    assert!(read(&good.bytes()).is_ok());

    let more = [good.bytes(), vec![0]].concat();
    assert!(matches!(read(&more), Err(ArchiveError::EndsEarly { .. } | ArchiveError::Damaged { .. })));
    let block = good.bytes()[good.toc().len()..].to_vec();
    assert!(matches!(read(&[good.bytes(), block.clone()].concat()), Err(ArchiveError::Damaged { .. })), "twice");
    assert!(matches!(read(&good.toc()), Err(ArchiveError::EndsEarly { .. })), "not at all");

    let mut other = block.clone();
    other[1 + 1] = 2;
    assert!(matches!(read(&[good.toc(), other].concat()), Err(ArchiveError::Damaged { .. })), "another's");
    let mut elsewhere = good.toc();
    let length = elsewhere.len();
    elsewhere[length - 9] = 2;
    assert!(matches!(read(&[elsewhere, block.clone()].concat()), Err(ArchiveError::Damaged { .. })), "elsewhere");

    let twice = archive(vec![table(1, COPY, "\\.\n\n\n"), table(1, COPY, "\\.\n\n\n")]);
    assert!(matches!(read(&twice.bytes()), Err(ArchiveError::Damaged { .. })), "one number for two");
    for rows in ["1\t2\n", "1\t2\n\\.", "1\t2\n\\.\n", "1\t2\n\\.\n\n"] {
        assert!(matches!(read(&one(rows).bytes()), Err(ArchiveError::EndsEarly { .. })), "{rows:?}");
    }
    for rows in ["1\t2\n\\.\n\n\n\n", "1\t2\n\\.\n3\t4\n", "1\t2\n\\.\n\nDROP TABLE t;\n"] {
        assert!(matches!(read(&one(rows).bytes()), Err(ArchiveError::Damaged { .. })), "{rows:?}");
    }
}

#[test]
fn bytes_behind_the_end_of_a_compression_are_refused() {
    for method in [Method::Gzip, Method::Lz4, Method::Zstd] {
        let mut bytes = Archive { compression: method, ..archive(vec![table(1, COPY, "")]) }.toc();
        let whole = compressed(method, b"1\t2\n\\.\n\n\n");
        for (piece, good) in
            [(whole.clone(), true), ([whole.clone(), b"x".to_vec()].concat(), false), (whole[..whole.len() - 1].to_vec(), false)]
        {
            let length = bytes.len();
            bytes.push(1);
            bytes.extend(int(1));
            bytes.extend(int(i32::try_from(piece.len()).expect("short")));
            bytes.extend(piece);
            bytes.extend(int(0));
            assert_eq!(read(&bytes).is_ok(), good, "{method:?}: {:?}", read(&bytes));
            bytes.truncate(length);
        }
    }
}

#[test]
fn entries_have_data_or_not() {
    let good = archive(vec![table(1, COPY, "1\t2\n\\.\n\n\n")]);
    let unknown = archive(vec![EntryOf { kind: "TABLE DBTA", ..good.entries[0].clone() }]);
    assert!(matches!(read(&unknown.bytes()), Err(ArchiveError::Damaged { .. })), "of another kind");
    let without = archive(vec![EntryOf { data: None, ..good.entries[0].clone() }]);
    assert!(matches!(read(&without.bytes()), Err(ArchiveError::Damaged { .. })), "rows that are nowhere");
    let mut nowhere = good.toc();
    let length = nowhere.len();
    nowhere[length - 9] = 3;
    assert!(matches!(read(&nowhere), Err(ArchiveError::Damaged { .. })), "data that are nowhere");
}

#[test]
fn a_file_may_be_compressed_in_parts() {
    let text = plain(&format!("{COPY}1\t2\n\\.\n"));
    let (first, second) = text.split_at(text.len() / 2);
    let lz4 = |size, text: &str| {
        let info = lz4_flex::frame::FrameInfo::new().block_size(size);
        let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(text.as_bytes()).expect("in memory");
        encoder.finish().expect("in memory")
    };
    let small_and_large = [lz4(BlockSize::Max4MB, first), lz4(BlockSize::Max64KB, second)];
    for parts in [
        [gzipped(first.as_bytes()), gzipped(second.as_bytes())],
        [compressed(Method::Zstd, first.as_bytes()), compressed(Method::Zstd, second.as_bytes())],
        small_and_large,
    ] {
        assert_eq!(read(&parts.concat()).expect("both").tables[0].1, b"1\t2\n");
        assert!(read(&parts[0]).is_err(), "the first alone");
    }
}

#[test]
fn a_dump_may_be_read_in_another_thread() {
    let mut dump = Dump::read(Cursor::new(one("1\t2\n\\.\n\n\n").bytes()), Limits::default()).expect("a dump");
    std::thread::spawn(move || assert!(dump.next_table().expect("a table").is_some())).join().expect("no panic");
}

#[test]
fn limits_hold() {
    let large = "x".repeat(1 << 20);
    let rows = format!("{large}\t{large}\n\\.\n\n\n");
    let too_large = |bytes: &[u8], limits: Limits| matches!(read_with(bytes, limits), Err(ArchiveError::TooLarge { .. }));

    assert!(read(&one(&rows).bytes()).is_ok());
    assert!(too_large(&one(&rows).bytes(), Limits { row: 1 << 20, ..Limits::default() }));
    let zipped = Archive { compression: Method::Gzip, ..one(&rows) }.bytes();
    assert!(too_large(&zipped, Limits { decompressed: 1 << 20, ..Limits::default() }));
    assert!(too_large(&gzipped(plain(&format!("{COPY}{rows}")).as_bytes()), Limits { decompressed: 1 << 20, ..Limits::default() }));
    let two = archive(vec![table(1, COPY, "\\.\n\n\n"), table(2, COPY, "\\.\n\n\n")]).bytes();
    assert!(too_large(&two, Limits { entries: 1, ..Limits::default() }));
    assert!(too_large(&two, Limits { kept: 100, ..Limits::default() }));
    assert!(matches!(read_with(&two, Limits { columns: 1, ..Limits::default() }), Err(ArchiveError::Unlike { .. })));
    let long = archive(vec![EntryOf { kind: "FUNCTION", data: None, definition: large, ..table(1, COPY, "") }]).bytes();
    assert!(read(&long).is_ok());
    assert!(too_large(&long, Limits { text: 1000, ..Limits::default() }));
    let named = archive(vec![EntryOf { kind: "FUNCTION", data: None, name: "x".repeat(100_000), ..table(1, COPY, "") }]).bytes();
    assert!(too_large(&named, Limits::default()));
}

#[test]
fn a_window_of_zstd_has_a_limit() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("zstd");
    encoder.window_log(24).expect("a window");
    io::copy(&mut io::repeat(b'\n').take(40 << 20), &mut encoder).expect("in memory");
    let bytes = encoder.finish().expect("in memory");
    let said = said(&bytes);
    assert!(said.contains("larger window"), "{said}");
    assert!(!read_with(&bytes, Limits { zstd_window_log: 24, ..Limits::default() }).expect_err("no dump").to_string().contains("window"));
}

#[test]
fn no_name_leads_out_of_the_folder() {
    for name in ["../1.dat", "/etc/passwd", "1.dat/..", "2.dat", "toc.dat", "1.DAT", "01.dat", "1.dat\0", ""] {
        let file = name.to_owned();
        let toc = Archive { directory: true, ..archive(vec![EntryOf { file, ..table(1, COPY, "") }]) }.toc();
        let mut asked = Vec::new();
        let open = |name: &str| {
            asked.push(name.to_owned());
            if name == "toc.dat" {
                Ok(Box::new(Cursor::new(toc.clone())) as Box<dyn Read + Send>)
            } else {
                Err(io::ErrorKind::NotFound.into())
            }
        };
        let read = Dump::folder(open, Limits::default()).and_then(whole);
        assert!(matches!(read, Err(ArchiveError::Damaged { .. })), "{name:?}: {read:?}");
        assert_eq!(asked, ["toc.dat"], "{name:?}");
    }
}

#[test]
fn a_link_in_a_folder_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let toc = Archive { directory: true, ..archive(vec![table(1, COPY, "")]) }.toc();
    fs::write(folder.path().join("toc.dat"), toc).expect("a file");
    let missing = Dump::open(folder.path(), Limits::default()).and_then(whole);
    assert!(matches!(&missing, Err(ArchiveError::Missing(name)) if name == "1.dat"), "{missing:?}");

    let outside = folder.path().join("outside");
    fs::write(&outside, "1\t2\n\\.\n\n\n").expect("a file");
    std::os::unix::fs::symlink(&outside, folder.path().join("1.dat")).expect("a link");
    let linked = Dump::open(folder.path(), Limits::default()).and_then(whole);
    assert!(matches!(&linked, Err(ArchiveError::File { name, .. }) if name == "1.dat"), "{linked:?}");

    fs::remove_file(folder.path().join("1.dat")).expect("the link");
    fs::write(folder.path().join("1.dat.gz"), gzipped(b"1\t2\n\\.\n\n\n")).expect("a file");
    let read = Dump::open(folder.path(), Limits::default()).and_then(whole).expect("compressed afterwards");
    assert_eq!(read.tables[0].1, b"1\t2\n");
}

#[test]
fn a_reader_that_fails_is_told_from_a_dump_that_ends() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
    let rows: String = (0..20_000_u64).map(|it| format!("{it}\t{}\n", it.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let bytes = Archive { compression: Method::Zstd, ..one(&rows) }.bytes();
    for (length, outer) in [(3, false), (100, false), (bytes.len() - 40, false), (bytes.len() - 40, true)] {
        let part = if outer { gzipped(&bytes)[..length - 500].to_vec() } else { bytes[..length].to_vec() };
        let read = Dump::read(Cursor::new(part).chain(Fails), Limits::default()).and_then(whole);
        assert!(matches!(read, Err(ArchiveError::Read(_))), "{length} bytes: {read:?}");
    }
}

#[test]
fn nothing_is_read_on_after_an_error() {
    let bytes = archive(vec![table(1, COPY, "1\n\\.\n\n\n"), table(2, COPY, "\\.\n\n\n")]).bytes();
    let mut dump = Dump::read(Cursor::new(bytes), Limits::default()).expect("a table of contents");
    let mut table = dump.next_table().expect("a table").expect("the first");
    assert!(table.next_rows().is_err());
    assert!(matches!(table.next_rows(), Err(ArchiveError::Failed)));
    assert!(matches!(dump.next_table().map(drop), Err(ArchiveError::Failed)));
}

#[test]
fn names_in_errors_do_nothing_to_a_terminal() {
    let name = format!("\u{1b}[2J{}", "x".repeat(500));
    let entry = EntryOf { name, ..table(1, "COPY", "") };
    let said = said(&archive(vec![entry]).bytes());
    assert!(!said.contains('\u{1b}') && said.len() < 500, "{said}");
}
