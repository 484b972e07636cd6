//! Which tables and columns there are, and which of them can be read without calling anything of the owner's.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::DatabaseError;

/// A schema of Mastodon's has some 100 tables.
const MOST_TABLES: usize = 5000;

#[derive(Debug, Clone)]
pub struct Table {
    pub oid: i64,
    pub name: String,
    /// Has no rows itself: its partitions do, and are tables of their own.
    pub partitioned: bool,
    pub columns: Vec<Column>,
    /// What of the owner's planning a statement on it might call: functions, operators and the like in expressions of its indexes and
    /// statistics, which the planner evaluates as far as they are constant.
    pub calls: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// Absent where it is no stored value of a built-in type: a domain's, an enum's, one computed when it is read.
    pub kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Boolean,
    Integer,
    Other,
}

impl Table {
    /// Whether a `SELECT` may be planned on it.
    pub fn plannable(&self) -> bool {
        self.calls.is_empty()
    }

    pub fn has(&self, column: &str, kind: Kind) -> bool {
        self.columns.iter().any(|it| it.name == column && it.kind == Some(kind))
    }

    /// `"public"."statuses"`.
    pub fn sql(&self) -> String {
        format!("\"public\".{}", quoted(&self.name))
    }
}

/// As an identifier of SQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The ordinary and partitioned tables of `public`, by name, but an extension's, which `pg_dump` leaves out, too.
pub async fn tables(client: &Client) -> Result<Vec<Table>, DatabaseError> {
    let failed = || DatabaseError::query("the list of tables");
    let rows = client.query(&format!("{TABLES} LIMIT {MOST_TABLES}"), &[]).await.map_err(failed())?;
    let mut tables: Vec<_> = rows
        .iter()
        .map(|row| Table { oid: row.get(0), name: row.get(1), partitioned: row.get(2), columns: Vec::new(), calls: Vec::new() })
        .collect();
    let places: HashMap<i64, usize> = tables.iter().enumerate().map(|(place, it)| (it.oid, place)).collect();
    for row in client.query(COLUMNS, &[]).await.map_err(failed())? {
        if let Some(place) = places.get(&row.get(0)) {
            let kind = row.get::<_, Option<&str>>(2).map(|it| match it {
                "text" | "varchar" | "bpchar" => Kind::Text,
                "bool" => Kind::Boolean,
                "int2" | "int4" | "int8" => Kind::Integer,
                _ => Kind::Other,
            });
            tables[*place].columns.push(Column { name: row.get(1), kind });
        }
    }
    for row in client.query(CALLS, &[]).await.map_err(failed())? {
        if let Some(place) = places.get(&row.get(0)) {
            tables[*place].calls.push(row.get(1));
        }
    }
    Ok(tables)
}

const TABLES: &str = "
    SELECT c.oid::pg_catalog.int8, c.relname::pg_catalog.text, c.relkind = 'p'
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
    ORDER BY c.relname COLLATE \"C\"";

const COLUMNS: &str = "
    SELECT a.attrelid::pg_catalog.int8, a.attname::pg_catalog.text,
           CASE WHEN t.typtype = 'b' AND tn.nspname = 'pg_catalog' AND a.attgenerated <> 'v' THEN t.typname::pg_catalog.text END
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum";

/// What is built in is pinned, and has no row in `pg_depend`: all that stands there is somebody's own or an extension's.
const CALLS: &str = "
    SELECT used.relid::pg_catalog.int8, pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
    FROM (
      SELECT indrelid AS relid, 'pg_catalog.pg_class'::pg_catalog.regclass AS class, indexrelid AS id FROM pg_catalog.pg_index
      UNION ALL
      SELECT stxrelid, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, oid FROM pg_catalog.pg_statistic_ext
    ) AS used
    JOIN pg_catalog.pg_depend AS d ON d.classid = used.class AND d.objid = used.id
    WHERE d.refclassid IN (
      'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass,
      'pg_catalog.pg_opfamily'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_cast'::pg_catalog.regclass
    )
    GROUP BY 1, 2
    ORDER BY 1, 2";
