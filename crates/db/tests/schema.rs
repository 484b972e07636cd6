//! What the database has is what `schema.rs` says, and keeps the rules of `migrations/README.md`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use howdah_db::Conn;
use howdah_testkit::TestDatabase;

/// Tables of ours: not diesel's own.
const OURS: &str = "n.nspname = 'public' AND c.relkind = 'r' AND c.relname NOT LIKE '\\_\\_diesel%'";

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Bool)]
    in_key: bool,
    #[diesel(sql_type = Bool)]
    has_default: bool,
    #[diesel(sql_type = Bool)]
    is_checked: bool,
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
    #[diesel(sql_type = Text)]
    of_column: String,
    #[diesel(sql_type = Bool)]
    is_simple: bool,
    #[diesel(sql_type = Bool)]
    is_indexed: bool,
}

async fn columns(conn: &mut Conn) -> Vec<Column> {
    diesel::sql_query(format!(
        "SELECT c.relname::text AS table_name, a.attname::text AS name, t.typname::text AS kind, NOT a.attnotnull AS nullable,
                EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)) AS in_key,
                -- What is derived from other columns is nobody's to write.
                a.atthasdef AND a.attgenerated = '' AS has_default,
                EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f') AND a.attnum = ANY (k.conkey))
                    AS is_checked
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_type t ON t.oid = a.atttypid
         WHERE {OURS} AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY c.relname, a.attnum"
    ))
    .load(conn)
    .await
    .unwrap()
}

async fn references(conn: &mut Conn) -> Vec<Reference> {
    diesel::sql_query(format!(
        "SELECT c.relname::text AS child, k.confrelid::regclass::text AS parent, a.attname::text AS of_column,
                cardinality(k.conkey) = 1 AS is_simple,
                EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indpred IS NULL
                        AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) AS is_indexed
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
         WHERE {OURS} AND k.contype = 'f'
         ORDER BY child, parent, of_column"
    ))
    .load(conn)
    .await
    .unwrap()
}

fn rust_type(kind: &str) -> &str {
    match kind {
        "uuid" => "Uuid",
        "text" => "Text",
        "bool" => "Bool",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "timestamptz" => "Timestamptz",
        "jsonb" => "Jsonb",
        "bytea" => "Bytea",
        // A check refuses null elements.
        "_text" => "Array<Text>",
        other => panic!("no type for {other} yet"),
    }
}

async fn rendered(conn: &mut Conn) -> String {
    let columns = columns(conn).await;
    let mut text =
        "// @generated from the migrations: `HOWDAH_WRITE_SCHEMA=1 cargo test -p howdah-db --test schema` writes it anew.\n".to_owned();
    let mut tables: Vec<&str> = columns.iter().map(|it| it.table_name.as_str()).collect();
    tables.dedup();
    for table in &tables {
        let of_table = || columns.iter().filter(|it| it.table_name == *table);
        let key: Vec<&str> = of_table().filter(|it| it.in_key).map(|it| it.name.as_str()).collect();
        write!(text, "\ndiesel::table! {{\n    {table} ({}) {{\n", key.join(", ")).unwrap();
        for column in of_table() {
            let kind = rust_type(&column.kind);
            let kind = if column.nullable { format!("Nullable<{kind}>") } else { kind.to_owned() };
            writeln!(text, "        {} -> {kind},", column.name).unwrap();
        }
        text.push_str("    }\n}\n");
    }
    text.push('\n');
    for reference in references(conn).await.iter().filter(|it| it.is_simple) {
        writeln!(text, "diesel::joinable!({} -> {} ({}));", reference.child, reference.parent, reference.of_column).unwrap();
    }
    text.push_str("\ndiesel::allow_tables_to_appear_in_same_query!(\n");
    for table in &tables {
        writeln!(text, "    {table},").unwrap();
    }
    text.push_str(");\n");
    text
}

#[tokio::test]
async fn the_schema_file_says_what_the_database_has() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    let rendered = rendered(&mut conn).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema.rs");
    if std::env::var_os("HOWDAH_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &rendered).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == rendered, "schema.rs is stale: run HOWDAH_WRITE_SCHEMA=1 cargo test -p howdah-db --test schema");
}

#[tokio::test]
async fn every_table_keeps_the_rules() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    let mut faults = Vec::new();
    let columns = columns(&mut conn).await;
    for column in &columns {
        let name = format!("{}.{}", column.table_name, column.name);
        if column.kind.starts_with("timestamp") && column.kind != "timestamptz" || column.kind == "date" || column.kind == "time" {
            faults.push(format!("{name} is a {}: times are timestamptz", column.kind));
        }
        if column.has_default {
            faults.push(format!("{name} has a default: what is written is the caller's"));
        }
        let is_unbounded = matches!(column.kind.as_str(), "text" | "_text" | "varchar" | "bytea") && !column.is_checked;
        // Details are a JSON object of ours, one audit row's size.
        if is_unbounded && name != "audit_details.details" {
            faults.push(format!("{name} has no bound"));
        }
        if !columns.iter().any(|it| it.table_name == column.table_name && it.in_key) {
            faults.push(format!("{} has no primary key", column.table_name));
        }
    }
    for reference in references(&mut conn).await {
        if !reference.is_indexed {
            faults.push(format!("{}.{} refers to {} and has no index", reference.child, reference.of_column, reference.parent));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(columns.len() > 100, "the test sees the tables");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_migration_has_nothing_to_do() {
    let database = TestDatabase::new().await;
    assert_eq!(howdah_db::migrate(database.url()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_migrations_at_once_run_one_after_the_other() {
    let database = TestDatabase::new().await;
    let all = "DROP SCHEMA public CASCADE; DROP SCHEMA graphile_worker CASCADE; CREATE SCHEMA public";
    database.conn().await.batch_execute(all).await.unwrap();
    let both = async { tokio::join!(howdah_db::migrate(database.url()), howdah_db::migrate(database.url())) };
    // An index that is made concurrently waits for whoever waits for the other one.
    let (one, other) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("neither waits for the other for ever");
    let mut ran = [one.unwrap().len(), other.unwrap().len()];
    ran.sort_unstable();
    assert!(ran[0] == 0 && ran[1] > 10, "{ran:?}");
}
