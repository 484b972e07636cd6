//! What the database has, by its own catalogue: the only source of names that statements are made of.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::{LoadError, SEEDED, run};

pub(super) struct Catalogue {
    /// Of the schema `public`.
    pub tables: BTreeMap<String, Table>,
    pub sequences: BTreeSet<String>,
    materialized_views: Vec<String>,
    /// Versions of the release's own, before the dump's are loaded.
    migrations: BTreeSet<String>,
}

pub(super) struct Table {
    /// Those that COPY may write, with their types where they are PostgreSQL's own.
    pub columns: BTreeMap<String, Option<Type>>,
    pub partitioned: bool,
}

impl Catalogue {
    pub async fn read(transaction: &Transaction<'_>) -> Result<Self, LoadError> {
        let relations = "SELECT c.relname::text, c.relkind::text FROM pg_catalog.pg_class c \
                         WHERE c.relnamespace = 'public'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'S', 'm') AND NOT c.relispartition \
                         ORDER BY c.oid";
        let (mut tables, mut sequences, mut materialized_views) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        for row in query(transaction, relations, "the catalogue").await? {
            let (name, kind): (String, String) = (row.get(0), row.get(1));
            match kind.as_str() {
                "S" => drop(sequences.insert(name)),
                "m" => materialized_views.push(name),
                kind => drop(tables.insert(name, Table { columns: BTreeMap::new(), partitioned: kind == "p" })),
            }
        }
        if tables.is_empty() {
            return Err(LoadError::NoSchema);
        }
        let columns = "SELECT c.relname::text, a.attname::text, a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
                       WHERE c.relnamespace = 'public'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
                       AND a.attgenerated = ''";
        for row in query(transaction, columns, "the catalogue").await? {
            if let Some(table) = tables.get_mut(row.get::<_, &str>(0)) {
                table.columns.insert(row.get(1), Type::from_oid(row.get(2)));
            }
        }
        let migrations = migrations(transaction, &tables).await?;
        Ok(Self { tables, sequences, materialized_views, migrations })
    }

    /// Nobody else writes from here on: what [`Self::refuse_rows`] then sees is so to the end.
    pub async fn lock(&self, transaction: &Transaction<'_>) -> Result<(), LoadError> {
        for table in self.tables.keys() {
            run(transaction, &format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", public(table)), table).await?;
        }
        Ok(())
    }

    /// Rows that are there would be lost among those that come.
    pub async fn refuse_rows(&self, transaction: &Transaction<'_>) -> Result<(), LoadError> {
        for table in self.tables.keys().filter(|it| !SEEDED.contains(&it.as_str())) {
            let any = format!("SELECT EXISTS (SELECT FROM {})", public(table));
            let row = transaction.query_one(&any, &[]).await.map_err(|source| LoadError::sql(table, source))?;
            if row.get(0) {
                return Err(LoadError::NotEmpty { table: table.clone() });
            }
        }
        Ok(())
    }

    /// After the dump's versions took the place of the release's: both are of one schema, or nothing is kept.
    pub async fn compare_migrations(&self, transaction: &Transaction<'_>) -> Result<(), LoadError> {
        let dumped = migrations(transaction, &self.tables).await?;
        let only = |these: &BTreeSet<String>, those| these.difference(those).cloned().collect::<Vec<_>>();
        let (ahead, behind) = (only(&dumped, &self.migrations), only(&self.migrations, &dumped));
        if ahead.is_empty() && behind.is_empty() { Ok(()) } else { Err(LoadError::Schema { ahead, behind }) }
    }

    /// Foreign keys are proved by plans that know what is in the tables, and Mastodon starts with such.
    pub async fn analyze(&self, transaction: &Transaction<'_>) -> Result<(), LoadError> {
        let tables: Vec<String> = self.tables.keys().map(|it| public(it)).collect();
        run(transaction, &format!("ANALYZE {}", tables.join(", ")), "the statistics").await
    }

    pub async fn refresh_views(&self, transaction: &Transaction<'_>) -> Result<(), LoadError> {
        for view in &self.materialized_views {
            run(transaction, &format!("REFRESH MATERIALIZED VIEW {}", public(view)), view).await?;
        }
        Ok(())
    }
}

async fn migrations(transaction: &Transaction<'_>, tables: &BTreeMap<String, Table>) -> Result<BTreeSet<String>, LoadError> {
    if !tables.contains_key("schema_migrations") {
        return Err(LoadError::NoSchema);
    }
    let rows = query(transaction, r#"SELECT version::text FROM "public"."schema_migrations""#, "schema_migrations").await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(super) async fn query(transaction: &Transaction<'_>, statement: &str, object: &str) -> Result<Vec<tokio_postgres::Row>, LoadError> {
    transaction.query(statement, &[]).await.map_err(|source| LoadError::sql(object, source))
}

/// A relation of the schema `public`, quoted.
pub(super) fn public(name: &str) -> String {
    format!(r#""public".{}"#, quoted(name))
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
