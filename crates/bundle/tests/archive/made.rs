//! Dumps made of any rows, in any version, compression and pieces, are read back as they were.

use std::io::Cursor;

use howdah_bundle::archive::{CopyTarget, Dump, Limits};
use proptest::prelude::*;

use crate::{
    support::{Dribble, Whole, whole},
    writer::{Archive, EntryOf, Method, compressed, gzipped, plain, table},
};

/// A table's name, its columns, and rows of a value for each.
type TableOf = (String, Vec<String>, Vec<Vec<Option<String>>>);

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_][a-z0-9_]{0,20}", "[ -~äß🐘\n\t]{1,20}"]
}

fn table_of() -> impl Strategy<Value = TableOf> {
    let columns = prop::collection::hash_set(name(), 1..5).prop_map(Vec::from_iter);
    (name(), columns).prop_flat_map(|(name, columns)| {
        let value = prop::option::weighted(0.8, prop_oneof![4 => "[ -~\\\\\n\t\r\u{8}\u{b}äß🐘]{0,20}", 1 => "[a-z]{3000,9000}"]);
        let row = prop::collection::vec(value, columns.len());
        (Just(name), Just(columns), prop::collection::vec(row, 0..20))
    })
}

fn identifier(name: &str) -> String {
    let bare = name.chars().all(|it| matches!(it, 'a'..='z' | '0'..='9' | '_')) && !name.starts_with(|it: char| it.is_ascii_digit());
    if bare { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn copy((name, columns, _): &TableOf) -> String {
    let columns: Vec<String> = columns.iter().map(|it| identifier(it)).collect();
    format!("COPY public.{} ({}) FROM stdin;\n", identifier(name), columns.join(", "))
}

fn lines((_, _, rows): &TableOf) -> String {
    let value = |it: &Option<String>| it.as_ref().map_or_else(|| "\\N".to_owned(), |it| escaped(it));
    rows.iter().map(|row| row.iter().map(value).collect::<Vec<_>>().join("\t") + "\n").collect()
}

fn escaped(text: &str) -> String {
    let one = |it: char| match it {
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(one).collect()
}

fn expected(tables: &[TableOf]) -> Vec<(CopyTarget, Vec<u8>)> {
    let target = |(name, columns, _): &TableOf| CopyTarget { schema: "public".into(), table: name.clone(), columns: columns.clone() };
    tables.iter().map(|it| (target(it), lines(it).into_bytes())).collect()
}

fn entries(tables: &[TableOf]) -> Vec<EntryOf> {
    tables.iter().zip(1..).map(|(it, id)| table(id, &copy(it), lines(it) + "\\.\n\n\n")).collect()
}

fn in_pieces(bytes: &[u8], size: usize) -> Whole {
    Dump::read(Dribble(Cursor::new(bytes), size), Limits::default()).and_then(whole).expect("a dump")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn archives_are_read_back(
        tables in prop::collection::vec(table_of(), 0..4),
        (minor, compression) in prop_oneof![
            (12..=16_u8, prop::sample::select(vec![Method::None, Method::Gzip])),
            (15..=16_u8, prop::sample::select(vec![Method::Lz4, Method::Zstd])),
        ],
        piece in 1..5000_usize,
        size in 1..5000_usize,
        again: bool,
    ) {
        let archive = Archive { minor, compression, directory: false, entries: entries(&tables), piece };
        let bytes = if again { gzipped(&archive.bytes()) } else { archive.bytes() };
        let read = in_pieces(&bytes, size);
        prop_assert_eq!(read.tables, expected(&tables));
        prop_assert_eq!(read.facts.created.map(|it| it.to_string()), Some("2024-02-29 12:34:56".to_owned()));
        prop_assert_eq!(read.facts.pg_dump_version.as_deref(), Some("16.2"));
    }

    #[test]
    fn plain_sql_is_read_back(tables in prop::collection::vec(table_of(), 0..4), size in 1..5000_usize, method in 0..4_usize) {
        let blocks: String = tables.iter().map(|it| copy(it) + &lines(it) + "\\.\n\n\n").collect();
        let text = plain(&blocks).into_bytes();
        let bytes = match method {
            0 => text,
            1 => gzipped(&text),
            2 => compressed(Method::Lz4, &text),
            _ => compressed(Method::Zstd, &text),
        };
        prop_assert_eq!(in_pieces(&bytes, size).tables, expected(&tables));
    }

    /// Of whatever comes, in whatever pieces, the end is reached.
    #[test]
    fn noise_is_refused(head in prop::sample::select(vec!["PGDMP\x01\x10\x00\x04\x08\x01\x00", "\x1f\u{8b}", "--\n-- PostgreSQL database dump\n", ""]),
                        noise: Vec<u8>, size in 1..50_usize) {
        let bytes = [head.as_bytes(), &noise].concat();
        prop_assert!(Dump::read(Dribble(Cursor::new(bytes), size), Limits::default()).and_then(whole).is_err());
    }
}
