//! Plain SQL: what looks like rows or a sequence's value inside something else is neither.

use std::io::Cursor;

use howdah_bundle::archive::{ArchiveError, Dump, Limits};

use crate::{
    support::{read, whole},
    writer::plain,
};

const BLOCK: &str = "COPY public.t (a) FROM stdin;\n1\n\\.\n";
const SETVAL: &str = "SELECT pg_catalog.setval('public.s', 666, true);\n";

#[test]
fn what_lies_inside_something_else_is_passed_over() {
    let inside = format!("\n{BLOCK}{SETVAL}");
    for (begins, ends) in [
        ("COMMENT ON TABLE t IS 'it''s;", "';"),
        ("COMMENT ON TABLE t IS E'\\';", "\\\\';"),
        ("COMMENT ON TABLE t IS e'\\\\\\'", "';"),
        ("COMMENT ON TABLE t IS U&'", "';"),
        ("COMMENT ON TABLE t IS 'the\\';\nCOMMENT ON TABLE t IS '", "';"),
        ("CREATE TABLE \"a;\"\"", "\" ();"),
        ("CREATE FUNCTION f() AS $$;", "$$;"),
        ("CREATE FUNCTION f() AS $a1_ä$;$$;$a1_$", "$a$$a1_ä$;"),
        ("CREATE FUNCTION f$1() AS $b$ $", "$ $b$;"),
        ("SELECT $1, 2 AS a$b$; /* ", " */"),
        ("/* ; /* nested */ ' ", " */"),
        ("CREATE TABLE t -- ' ;\n (a integer /* \" */ DEFAULT '", "');"),
        ("CREATE RULE r AS ON UPDATE TO t DO (INSERT INTO t VALUES (1);", ");"),
        ("CREATE FUNCTION f() RETURNS integer BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END;", "END;"),
        ("CREATE OR REPLACE PROCEDURE p() LANGUAGE sql begin atomic;", "end;"),
    ] {
        let text = plain(&format!("{begins}{inside}{ends}\nCOPY public.real (a) FROM stdin;\n2\n\\.\n"));
        let read = read(text.as_bytes()).unwrap_or_else(|it| panic!("{begins}: {it}"));
        let tables: Vec<&str> = read.tables.iter().map(|(it, _)| it.table.as_str()).collect();
        assert_eq!((tables.as_slice(), read.sequences.as_slice()), (["real"].as_slice(), [].as_slice()), "{begins}");
    }
}

#[test]
fn what_lies_outside_is_seen() {
    for before in [
        "BEGIN;\n\nSELECT pg_catalog.lo_open('1', 131072);\nCOMMIT;\n",
        "CREATE TABLE t (\"begin\" integer);\n",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'BEGIN ATOMIC';\n",
        "\\connect other\n",
        "SELECT 1 AS e;\nSELECT '\\';\n",
        "-- it's\n",
        "/**/",
    ] {
        let read = read(plain(&format!("{before}{BLOCK}{SETVAL}")).as_bytes()).unwrap_or_else(|it| panic!("{before}: {it}"));
        assert_eq!((read.tables.len(), read.sequences.len()), (1, 1), "{before}");
    }
}

#[test]
fn more_is_known_with_each_table() {
    let data = "-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: -\n";
    let text = plain(&format!("{data}{BLOCK}{SETVAL}{data}{BLOCK}"));
    let mut dump = Dump::read(Cursor::new(text), Limits::default()).expect("plain SQL");
    assert_eq!(dump.facts().encoding.as_deref(), Some("UTF8"), "at once");
    for (entries, sequences) in [(1, 0), (2, 1)] {
        assert!(dump.next_table().expect("a table").is_some());
        assert_eq!((dump.entries().len(), dump.sequences().len()), (entries, sequences));
    }
    assert!(dump.next_table().expect("the end").is_none());
    assert_eq!(dump.entries().iter().filter(|it| it.kind == "TABLE DATA" && it.schema.as_deref() == Some("public")).count(), 2);
}

#[test]
fn it_is_whole_only_with_its_last_lines() {
    let good = plain(BLOCK);
    assert!(read(good.as_bytes()).is_ok());
    let early = |text: &str| matches!(read(text.as_bytes()), Err(ArchiveError::EndsEarly { .. }));
    assert!(early(&good.replace("\\unrestrict key\n", "")));
    assert!(read(good.replace("\\.\n", "").as_bytes()).is_err(), "rows without an end");
    assert!(early(&plain("CREATE TABLE t (a text DEFAULT 'without an end);\n")));

    let unlike = |text: &str| matches!(read(text.as_bytes()), Err(ArchiveError::Unlike { .. } | ArchiveError::Damaged { .. }));
    assert!(unlike(&good.replace("unrestrict key", "unrestrict other")));
    assert!(early(&good.replace("-- PostgreSQL database dump complete\n", "")));
    assert!(unlike(&(good.clone() + BLOCK)), "rows after the end");
    assert!(unlike(&(good.clone() + "DROP TABLE t;\n")));
    assert!(unlike(&(good.clone() + "\\connect other\n")));
    assert!(read((good + "-- a comment\n\n").as_bytes()).is_ok());
}

#[test]
fn what_pg_dump_does_not_write_is_refused() {
    for body in [
        "COPY public.t (a) FROM stdin; SELECT 1;\n1\n\\.\n",
        "copy public.t (a) from stdin;\n1\n\\.\n",
        "COPY t (a) FROM stdin;\n1\n\\.\n",
        "COPY public.t (a) FROM PROGRAM 'id';\n",
        "COPY public.t (a) FROM stdin WITH (FORMAT csv);\n1\n\\.\n",
        "\\.\n",
        "SET standard_conforming_strings = off;\n",
        "SELECT pg_catalog.setval('public.s', now(), true);\n",
        "\\restrict again\n",
    ] {
        let refused = read(plain(body).as_bytes());
        assert!(matches!(refused, Err(ArchiveError::Unlike { .. } | ArchiveError::Damaged { .. })), "{body}: {refused:?}");
    }
    assert!(matches!(read(plain("INSERT INTO public.t VALUES (1);\n").as_bytes()), Err(ArchiveError::Inserts)));
    let long = format!("COPY public.t (a) FROM stdin /* {} */;\n1\n\\.\n", "x".repeat(1 << 20));
    assert!(matches!(read(plain(&long).as_bytes()), Err(ArchiveError::TooLarge { .. })));
}

/// A statement of any length that means nothing here is passed over.
#[test]
fn long_statements_are_no_matter() {
    let text = plain(&format!("SELECT pg_catalog.lowrite(0, '{}');\n{BLOCK}", "x".repeat(3 << 20)));
    assert_eq!(Dump::read(Cursor::new(text), Limits::default()).and_then(whole).expect("plain SQL").tables.len(), 1);
}
