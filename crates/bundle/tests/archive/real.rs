//! Real dumps, made by `tests/dumps/make`.

use std::{fs, path::Path};

use howdah_bundle::archive::{ArchiveError, Compression, Dump, Entry, Format, Limits, Sequence};

use crate::support::{Whole, dumps, real_dumps, whole};

/// Schema, table, columns, and the file with its rows as `COPY … TO STDOUT` gave them.
const TABLES: &[(&str, &str, &str, &str)] = &[
    ("public", "Odd \"name\".of\\a table", "order|a, b) FROM stdin;|größe|a\\b", "odd"),
    ("public", "accounts", "id|username|domain|note|locked|fields|also_known_as|created_at", "accounts"),
    ("public", "computed", "id|after", "computed"),
    ("public", "empty", "id", "empty"),
    ("public", "no_columns", "", "no_columns"),
    (
        "public",
        "types",
        "big|whole|small|flag|short|long|moment|moment_tz|day|ratio|price|binary_json|text_json|bytes|address|bigs|shorts|unique",
        "types",
    ),
    ("side", "accounts", "id", "side"),
];

#[test]
fn every_row_of_every_real_dump_is_read() {
    let dumps = real_dumps();
    assert!(dumps.len() >= 3 * 10 + 16, "{} dumps", dumps.len());
    for path in dumps {
        let read = Dump::open(&path, Limits::default()).and_then(whole).unwrap_or_else(|it| panic!("{}: {it}", path.display()));
        let shown = path.display().to_string();
        rows_are_the_tables(&read, &shown);
        contents_are_told(&read, &shown);
        facts_are_told(&read, &path);
    }
}

/// The verbose one was made with `-n public`.
fn public_only(path: &str) -> bool {
    path.contains("verbose")
}

fn rows_are_the_tables(read: &Whole, path: &str) {
    let mut tables: Vec<_> = read.tables.iter().collect();
    tables.sort_by_key(|(it, _)| (it.schema.clone(), it.table.clone()));
    let expected: Vec<_> = TABLES.iter().filter(|it| !public_only(path) || it.0 == "public").collect();
    assert_eq!(tables.len(), expected.len(), "{path}");
    for ((target, rows), (schema, table, columns, file)) in tables.into_iter().zip(expected) {
        assert_eq!(
            (target.schema.as_str(), target.table.as_str(), target.columns.join("|").as_str()),
            (*schema, *table, *columns),
            "{path}"
        );
        let expected = fs::read(dumps().join("expected").join(file)).expect("expected rows");
        assert_eq!(String::from_utf8_lossy(rows), String::from_utf8_lossy(&expected), "{path}: {table}");
    }
}

fn contents_are_told(read: &Whole, path: &str) {
    let sequence = |name: &str, last_value, is_called| Sequence { schema: "public".into(), name: name.into(), last_value, is_called };
    let expected = [sequence("Odd 'seq'\\", 5, false), sequence("accounts_id_seq", i64::MAX, true), sequence("down", -42, true)];
    assert_eq!(read.sequences, expected, "{path}");

    let entry = |kind: &str, schema: Option<&str>, name: &str| Entry {
        kind: kind.to_owned(),
        schema: schema.map(str::to_owned),
        name: name.to_owned(),
    };
    let public = Some("public");
    for expected in [
        entry("TRIGGER", public, "accounts changed"),
        entry("RULE", public, "empty doubled"),
        entry("FUNCTION", public, "looks_like_data()"),
        entry("VIEW", public, "account_names"),
        entry("MATERIALIZED VIEW", public, "account_summaries"),
        entry("TABLE DATA", public, "Odd \"name\".of\\a table"),
    ] {
        assert!(read.entries.contains(&expected), "{path}: {expected:?} is not among {:#?}", read.entries);
    }
    assert_eq!(read.entries.contains(&entry("EVENT TRIGGER", None, "told")), !public_only(path), "{path}");
}

fn facts_are_told(read: &Whole, path: &Path) {
    let name = path.file_name().expect("a name").to_string_lossy();
    let version = path.parent().and_then(Path::file_name).expect("a version").to_string_lossy();
    let facts = &read.facts;

    let format = match name.split_once('-').map_or("plain", |(it, _)| it) {
        "custom" => Format::Custom,
        "directory" => Format::Directory,
        _ => Format::Plain,
    };
    let compression = match () {
        () if name.contains("lz4") => Compression::Lz4,
        () if name.contains("zst") => Compression::Zstd,
        () if name.contains("gz") || name.contains("pipe") => Compression::Gzip,
        () => Compression::None,
    };
    assert_eq!((facts.format, facts.compression), (format, compression), "{version}/{name}");

    let archive = facts.archive_version.map(|it| it.to_string());
    let expected = match &*version {
        "15" => "1.14",
        "16" => "1.15",
        _ => "1.16",
    };
    assert_eq!(archive.as_deref(), (format != Format::Plain).then_some(expected), "{version}/{name}");
    assert_eq!(facts.database.as_deref(), (format != Format::Plain).then_some("mastodon_production"), "{version}/{name}");
    assert_eq!(facts.created.is_some(), format != Format::Plain || name.contains("verbose"), "{version}/{name}");
    for told in [&facts.server_version, &facts.pg_dump_version] {
        assert!(told.as_ref().is_some_and(|it| it.starts_with(&format!("{version}."))), "{version}/{name}: {told:?}");
    }
    assert_eq!(facts.encoding.as_deref(), Some("UTF8"), "{version}/{name}");
}

#[test]
fn dumps_of_statements_are_refused_in_words() {
    for version in ["15", "16", "17", "18"] {
        for name in ["custom-inserts.dump", "plain-inserts.sql"] {
            let path = dumps().join(version).join(name);
            let refused = Dump::open(&path, Limits::default()).and_then(whole);
            assert!(matches!(refused, Err(ArchiveError::Inserts)), "{}: {refused:?}", path.display());
        }
    }
}

/// What is not read of a table is passed over, and looked at no less.
#[test]
fn tables_may_be_passed_over() {
    for path in real_dumps() {
        let mut dump = Dump::open(&path, Limits::default()).expect("a dump");
        let mut tables = 0;
        while let Some(mut table) = dump.next_table().expect("a table") {
            if tables % 2 == 0 {
                table.next_rows().expect("rows");
            }
            tables += 1;
        }
        assert!(tables >= 6, "{}: {tables} tables", path.display());
    }
}
