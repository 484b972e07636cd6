//! The two statements of a dump that mean something here: `COPY … FROM stdin`, for its table and columns, and `setval`, for its number.
//! Only what `pg_dump` writes is taken for one, to the letter; neither is ever executed.

use std::collections::HashSet;

use super::facts::{CopyTarget, Sequence};

/// Names have up to 63 bytes; a server may be built for more.
const LONGEST_NAME: usize = 255;

/// `COPY schema.table (column, …) FROM stdin;`. `schema`: where `pg_dump` before 10.3 left it out.
pub(super) fn copy(text: &str, schema: Option<&str>, most_columns: usize) -> Result<CopyTarget, String> {
    let mut rest = Rest(text.trim_end());
    rest.expect("COPY ")?;
    let (schema, table) = rest.qualified(schema)?;
    let mut columns = Vec::new();
    if rest.skip(" (") {
        loop {
            if columns.len() == most_columns {
                return Err(format!("its COPY names more than {most_columns} columns"));
            }
            columns.push(rest.name()?);
            if !rest.skip(", ") {
                break;
            }
        }
        rest.expect(")")?;
    } else {
        // Of a table without columns.
        rest.expect(" ")?;
    }
    rest.expect(" FROM stdin;")?;
    rest.end()?;
    if columns.iter().collect::<HashSet<_>>().len() < columns.len() {
        return Err("its COPY names a column twice".to_owned());
    }
    Ok(CopyTarget { schema, table, columns })
}

/// What [`setval`] is for begins with this.
pub(super) const SETVAL: &str = "SELECT pg_catalog.setval(";

/// `SELECT pg_catalog.setval('schema.sequence', 1, true);`
pub(super) fn setval(text: &str, schema: Option<&str>) -> Result<Sequence, String> {
    let mut rest = Rest(text.trim_end());
    rest.expect(SETVAL)?;
    let literal = rest.quoted('\'')?;
    rest.expect(", ")?;
    let (number, after) = rest.0.split_once(", ").ok_or_else(|| rest.unexpected(", "))?;
    rest.0 = after;
    let last_value = number.parse().map_err(|_| format!("`{}` is no value of a sequence", super::error::Shown(number)))?;
    let is_called = rest.skip("true");
    if !is_called {
        rest.expect("false")?;
    }
    rest.expect(");")?;
    rest.end()?;

    let mut name = Rest(&literal);
    let (schema, name_itself) = name.qualified(schema)?;
    name.end()?;
    Ok(Sequence { schema, name: name_itself, last_value, is_called })
}

/// What of a statement is still to be read.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn skip(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.skip(text) { Ok(()) } else { Err(self.unexpected(text)) }
    }

    fn end(&self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(self.unexpected("")) }
    }

    fn unexpected(&self, wanted: &str) -> String {
        let wanted = if wanted.is_empty() { "the end of the statement".to_owned() } else { format!("`{wanted}`") };
        format!("{wanted} is expected before `{}`", super::error::Shown(self.0))
    }

    /// `schema.name`, or `name` where a schema is known.
    fn qualified(&mut self, schema: Option<&str>) -> Result<(String, String), String> {
        let first = self.name()?;
        if self.skip(".") {
            return Ok((first, self.name()?));
        }
        match schema {
            Some(schema) => Ok((schema.to_owned(), first)),
            None => Err(format!("`{}` has no schema, as dumps of `pg_dump` before 10.3", super::error::Shown(&first))),
        }
    }

    /// As `pg_dump` writes it: quoted, unless it has only lower-case letters, digits and underscores.
    fn name(&mut self) -> Result<String, String> {
        let name = if self.0.starts_with('"') {
            self.quoted('"')?
        } else {
            let end = self.0.find(|it: char| !matches!(it, 'a'..='z' | '0'..='9' | '_')).unwrap_or(self.0.len());
            let (name, rest) = self.0.split_at(end);
            if name.starts_with(|it: char| it.is_ascii_digit()) {
                return Err(self.unexpected("a name"));
            }
            self.0 = rest;
            name.to_owned()
        };
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0') {
            return Err(format!("`{}` is no name", super::error::Shown(&name)));
        }
        Ok(name)
    }

    /// Between two of `quote`, where two in a row mean one.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut buffer = [0; 4];
        let quote: &str = quote.encode_utf8(&mut buffer);
        self.expect(quote)?;
        let mut text = String::new();
        loop {
            let (part, rest) = self.0.split_once(quote).ok_or_else(|| self.unexpected(quote))?;
            self.0 = rest;
            text.push_str(part);
            if !self.skip(quote) {
                return Ok(text);
            }
            text.push_str(quote);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(schema: &str, table: &str, columns: &[&str]) -> CopyTarget {
        CopyTarget { schema: schema.to_owned(), table: table.to_owned(), columns: columns.iter().map(|it| (*it).to_owned()).collect() }
    }

    #[test]
    fn a_copy_names_its_table_and_columns() {
        let cases = [
            ("COPY public.t (a, \"order\") FROM stdin;\n", target("public", "t", &["a", "order"])),
            ("COPY public.t  FROM stdin;\n", target("public", "t", &[])),
            (
                "COPY \"a.b\".\"c\"\"d (e) FROM stdin;\" (\"f, g\", _h1) FROM stdin;",
                target("a.b", "c\"d (e) FROM stdin;", &["f, g", "_h1"]),
            ),
            ("COPY \"größe\".\"🐘\" (\"\"\"\") FROM stdin;", target("größe", "🐘", &["\""])),
        ];
        for (text, expected) in cases {
            assert_eq!(copy(text, None, 2), Ok(expected), "{text}");
        }
        assert_eq!(copy("COPY t (a) FROM stdin;", Some("public"), 1), Ok(target("public", "t", &["a"])));
    }

    #[test]
    fn nothing_else_is_a_copy() {
        for text in [
            "",
            "COPY",
            "COPY t (a) FROM stdin;",
            "copy public.t (a) from stdin;",
            "COPY public.t (a) FROM stdin; DROP TABLE x;",
            "COPY public.t (a) FROM stdin WITH (FORMAT binary);",
            "COPY public.t (a) WITH OIDS FROM stdin;",
            "COPY public.t (a) TO stdout;",
            "COPY public.t (a) FROM PROGRAM 'id';",
            "COPY public.t (a) FROM '/etc/passwd';",
            "COPY public.t () FROM stdin;",
            "COPY public.t (a,b) FROM stdin;",
            "COPY public.t (a, a) FROM stdin;",
            "COPY public.t (a, b, c) FROM stdin;",
            "COPY public.T (a) FROM stdin;",
            "COPY public.1t (a) FROM stdin;",
            "COPY public.\"\" (a) FROM stdin;",
            "COPY public.\"t (a) FROM stdin;",
            "COPY a.b.c (a) FROM stdin;",
            "COPY (SELECT 1) FROM stdin;",
            "COPY public.t FROM stdin;",
        ] {
            assert!(copy(text, None, 2).is_err(), "{text:?} must be refused");
        }
    }

    #[test]
    fn a_setval_is_a_name_a_number_and_whether_it_was_given_out() {
        let sequence = |schema: &str, name: &str, last_value, is_called| Sequence {
            schema: schema.to_owned(),
            name: name.to_owned(),
            last_value,
            is_called,
        };
        let cases = [
            ("SELECT pg_catalog.setval('public.a_seq', 1, false);\n", sequence("public", "a_seq", 1, false)),
            ("SELECT pg_catalog.setval('public.\"it''s \"\"\\\"', -42, true);", sequence("public", "it's \"\\", -42, true)),
            ("SELECT pg_catalog.setval('public.a', 9223372036854775807, true);", sequence("public", "a", i64::MAX, true)),
        ];
        for (text, expected) in cases {
            assert_eq!(setval(text, None), Ok(expected), "{text}");
        }
        for text in [
            "SELECT pg_catalog.setval('public.a', 9223372036854775808, true);",
            "SELECT pg_catalog.setval('public.a', 1 + 1, true);",
            "SELECT pg_catalog.setval('public.a', 1, true); SELECT 1;",
            "SELECT pg_catalog.setval('public.a', 1, maybe);",
            "SELECT pg_catalog.setval('public.a.b', 1, true);",
            "SELECT pg_catalog.setval('a', 1, true);",
            "SELECT pg_catalog.setval('public.a', 1);",
            "SELECT pg_catalog.setval((SELECT 'public.a'), 1, true);",
            "SELECT setval('public.a', 1, true);",
        ] {
            assert!(setval(text, None).is_err(), "{text:?} must be refused");
        }
    }
}
