//! Primary keys, foreign keys and secondary indexes: off before the rows, and made again after, as the database's own catalogue describes them.

use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;

use super::catalogue::{Catalogue, public, query, quoted};
use super::{Duplicates, LoadError, Step, run};
use crate::format::{DuplicateRows, Finding, Severity};

/// How many of the rows that collide are named.
const NAMED: i64 = 50;

/// What was taken off.
pub(super) struct Shed {
    primary_keys: Vec<Constraint>,
    indexes: Vec<Index>,
    foreign_keys: Vec<Constraint>,
}

struct Index {
    name: String,
    table: String,
    definition: String,
    /// Its columns or expressions, comma-separated, and its predicate: only of unique ones.
    unique: Option<Unique>,
}

struct Unique {
    columns: String,
    predicate: Option<String>,
}

struct Constraint {
    name: String,
    table: String,
    definition: String,
}

/// A primary key that a view groups by stays, and so do other constraints' own indexes. Not null its columns are without it.
pub(super) async fn take_off(transaction: &Transaction<'_>) -> Result<Shed, LoadError> {
    let foreign_keys = constraints(transaction, "k.contype = 'f'").await?;
    let unused = "k.contype = 'p' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass \
                  AND d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.refobjid = k.oid)";
    let primary_keys = constraints(transaction, unused).await?;
    let indexes = "SELECT i.relname::text, t.relname::text, pg_catalog.pg_get_indexdef(x.indexrelid), x.indisunique, \
                   (SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(x.indexrelid, n, true), ', ' ORDER BY n) \
                    FROM pg_catalog.generate_series(1, x.indnkeyatts) n), \
                   pg_catalog.pg_get_expr(x.indpred, x.indrelid) \
                   FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid JOIN pg_catalog.pg_class t ON t.oid = x.indrelid \
                   WHERE t.relnamespace = 'public'::pg_catalog.regnamespace AND t.relkind IN ('r', 'p') AND NOT i.relispartition \
                   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid) ORDER BY i.oid";
    let rows = query(transaction, indexes, "the indexes").await?;
    let indexes: Vec<Index> = rows
        .iter()
        .map(|row| Index {
            name: row.get(0),
            table: row.get(1),
            definition: row.get(2),
            unique: row.get::<_, bool>(3).then(|| Unique { columns: row.get(4), predicate: row.get(5) }),
        })
        .collect();
    for Constraint { name, table, .. } in foreign_keys.iter().chain(&primary_keys) {
        run(transaction, &format!("ALTER TABLE {} DROP CONSTRAINT {}", public(table), quoted(name)), name).await?;
    }
    for Index { name, .. } in &indexes {
        run(transaction, &format!("DROP INDEX {}", public(name)), name).await?;
    }
    Ok(Shed { primary_keys, indexes, foreign_keys })
}

async fn constraints(transaction: &Transaction<'_>, which: &str) -> Result<Vec<Constraint>, LoadError> {
    let constraints = format!(
        "SELECT k.conname::text, c.relname::text, pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k \
         JOIN pg_catalog.pg_class c ON c.oid = k.conrelid \
         WHERE {which} AND k.connamespace = 'public'::pg_catalog.regnamespace AND k.conparentid = 0 ORDER BY k.oid"
    );
    let rows = query(transaction, &constraints, "the constraints").await?;
    Ok(rows.iter().map(|row| Constraint { name: row.get(0), table: row.get(1), definition: row.get(2) }).collect())
}

impl Constraint {
    async fn add(&self, transaction: &Transaction<'_>) -> Result<(), LoadError> {
        let Self { name, table, definition } = self;
        run(transaction, &format!("ALTER TABLE {} ADD CONSTRAINT {} {definition}", public(table), quoted(name)), name).await
    }
}

impl Shed {
    /// Unique violations of all of them are gathered before it gives up, or tells which indexes it left off.
    pub async fn put_back(
        &self,
        transaction: &Transaction<'_>,
        catalogue: &Catalogue,
        wanted: Duplicates,
        told: &(dyn Fn(Step<'_>) + Sync),
    ) -> Result<Vec<Finding>, LoadError> {
        for key in &self.primary_keys {
            told(Step::Index(&key.name));
            key.add(transaction).await?;
        }
        let (mut duplicates, mut findings) = (Vec::new(), Vec::new());
        for index in &self.indexes {
            told(Step::Index(&index.name));
            match &index.unique {
                None => run(transaction, &index.definition, &index.name).await?,
                Some(unique) => {
                    let found = make_unique(transaction, index, unique).await?;
                    findings.extend(found.as_ref().map(|it| left_off(index, it)));
                    duplicates.extend(found);
                }
            }
        }
        if wanted == Duplicates::Refuse && !duplicates.is_empty() {
            return Err(LoadError::Duplicates { rows: duplicates });
        }
        catalogue.analyze(transaction).await?;
        for key in &self.foreign_keys {
            told(Step::Index(&key.name));
            key.add(transaction).await?;
        }
        Ok(findings)
    }
}

/// Which rows to keep is for Mastodon to say, that knows what hangs on them: nothing is merged here.
fn left_off(index: &Index, rows: &DuplicateRows) -> Finding {
    let Index { name, table, definition, .. } = index;
    let sentence = format!(
        "{rows}: all are loaded, and the unique index `{name}` is left off. Before Mastodon starts, `bin/tootctl maintenance fix-duplicates` joins them \
         and makes the index; or join them by hand, then: {definition}"
    );
    Finding { severity: Severity::Notice, object: table.clone(), reason: "duplicates_kept".to_owned(), sentence }
}

async fn make_unique(transaction: &Transaction<'_>, index: &Index, unique: &Unique) -> Result<Option<DuplicateRows>, LoadError> {
    run(transaction, "SAVEPOINT unique_index", &index.name).await?;
    match transaction.batch_execute(&index.definition).await {
        Ok(()) => run(transaction, "RELEASE SAVEPOINT unique_index", &index.name).await.map(|()| None),
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
            run(transaction, "ROLLBACK TO SAVEPOINT unique_index", &index.name).await?;
            duplicates(transaction, index, unique).await.map(Some)
        }
        Err(source) => Err(LoadError::sql(&index.name, source)),
    }
}

/// Which rows stand in each other's way.
async fn duplicates(transaction: &Transaction<'_>, index: &Index, unique: &Unique) -> Result<DuplicateRows, LoadError> {
    let Index { name, table, .. } = index;
    let Unique { columns, predicate } = unique;
    let predicate = predicate.as_ref().map(|it| format!("WHERE {it}")).unwrap_or_default();
    let id = "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::text::pg_catalog.regclass AND attname = 'id' AND NOT attisdropped)";
    let has_id: bool = transaction.query_one(id, &[&public(table)]).await.map_err(|source| LoadError::sql(name, source))?.get(0);
    let ids = if has_id { "pg_catalog.array_agg(id::bigint ORDER BY id)" } else { "ARRAY[]::bigint[]" };
    let groups = format!("SELECT {ids} AS ids FROM {} {predicate} GROUP BY {columns} HAVING pg_catalog.count(*) > 1", public(table));
    let counted = query(transaction, &format!("SELECT pg_catalog.count(*) FROM ({groups}) g"), name).await?;
    let named = format!("SELECT id FROM ({groups}) g, pg_catalog.unnest(g.ids) id LIMIT {NAMED}");
    let named = query(transaction, &named, name).await?;
    Ok(DuplicateRows {
        table: table.clone(),
        index: name.clone(),
        ids: named.iter().map(|row| row.get(0)).collect(),
        groups: counted.first().map_or(0, |row| row.get::<_, i64>(0)).try_into().unwrap_or(0),
    })
}
