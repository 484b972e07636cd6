//! `postgres/checks.json`: damage that is better known before leaving.
//!
//! When the C library's or ICU's idea of an order changes, an index on text made before is no longer sorted: rows are not found, and a unique
//! index lets in what it should have kept out (DOC:admin/troubleshooting/index-corruption.md). So both are looked for: the indexes themselves by
//! amcheck, where the role may, and duplicates by reading the tables without any index.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::catalogue::{Kind, Table, quoted};
use super::error::said;
use super::session::Session;
use super::{DatabaseError, Snapshot, server};
use crate::format::{AmcheckResult, Checks, DuplicateRows, IndexCheck};

/// Groups of duplicates whose rows are named.
const MOST_GROUPS: usize = 50;

/// A B-tree whose order is a collation's.
struct Index {
    oid: i64,
    name: String,
    /// What it is on: columns, and expressions that call nothing but PostgreSQL's own, as the server prints them.
    keys: Vec<String>,
    predicate: Option<String>,
    unique: bool,
    /// Absent values are equal to each other.
    nulls_equal: bool,
}

impl Snapshot {
    /// Reads every index on text and the table of every unique one: minutes for a large server. On a connection of its own: what fails there
    /// leaves the snapshot whole.
    ///
    /// # Errors
    /// [`DatabaseError`] where the session itself fails; damage is a result.
    pub async fn checks(&self) -> Result<Checks, DatabaseError> {
        let session = self.another().await?;
        let result = self.checks_in(&session).await;
        session.close().await;
        result
    }

    async fn checks_in(&self, session: &Session) -> Result<Checks, DatabaseError> {
        let client = session.client();
        let extensions = server::extensions(client).await?;
        let mut found = Vec::new();
        for table in self.tables.iter().filter(|it| it.plannable()) {
            found.push((table, indexes(client, table).await?));
        }
        let amcheck = match amcheck(client).await? {
            Err(why) => AmcheckResult::NotRun { why },
            Ok(function) => {
                let mut indexes = Vec::new();
                for (table, index) in found.iter().flat_map(|(table, indexes)| indexes.iter().map(move |it| (table, it))) {
                    let error = check(client, &function, index).await?;
                    indexes.push(IndexCheck { index: index.name.clone(), table: table.name.clone(), error });
                }
                AmcheckResult::Run { indexes }
            }
        };
        let mut duplicates = Vec::new();
        for (table, index) in found.iter().flat_map(|(table, indexes)| indexes.iter().map(move |it| (table, it))) {
            if index.unique || will_be_unique(table, index) {
                duplicates.extend(duplicates_of(client, table, index).await?);
            }
        }
        Ok(Checks { amcheck, duplicates, extensions })
    }
}

async fn indexes(client: &Client, table: &Table) -> Result<Vec<Index>, DatabaseError> {
    let rows = client.query(INDEXES, &[&table.oid]).await.map_err(DatabaseError::query(format!("the indexes of {}", table.name)))?;
    let index = |row: &tokio_postgres::Row| Index {
        oid: row.get(0),
        name: row.get(1),
        keys: row.get(2),
        predicate: row.get(3),
        unique: row.get(4),
        nulls_equal: row.get(5),
    };
    Ok(rows.iter().map(index).collect())
}

/// From 4.7 on it is, and the migration fails on duplicates (m#40366).
fn will_be_unique(table: &Table, index: &Index) -> bool {
    table.name == "accounts" && index.keys == ["uri"]
}

/// The function, as SQL names it, or why it can't be called. The extension's own, in C, and not one that somebody put in its place.
async fn amcheck(client: &Client) -> Result<Result<String, String>, DatabaseError> {
    const GRANT: &str = "a superuser of this database can let it: CREATE EXTENSION IF NOT EXISTS amcheck; GRANT EXECUTE ON FUNCTION bt_index_check(regclass) TO";
    let failed = DatabaseError::query("the extension amcheck");
    let row = client.query_one("SELECT current_user::pg_catalog.text", &[]).await.map_err(DatabaseError::query("the role"))?;
    let user: String = quoted(row.get(0));
    Ok(match client.query_opt(AMCHECK, &[]).await.map_err(failed)? {
        None => Err(format!("the extension amcheck is not installed; {GRANT} {user}")),
        Some(row) if !row.get::<_, bool>(1) => Err(format!("this role may not execute bt_index_check; {GRANT} {user}")),
        Some(row) => Ok(format!("{}.\"bt_index_check\"", quoted(row.get(0)))),
    })
}

/// What is wrong with the index.
async fn check(client: &Client, function: &str, index: &Index) -> Result<Option<String>, DatabaseError> {
    let statement = format!("SELECT {function}({}::pg_catalog.oid::pg_catalog.regclass)", index.oid);
    let checked = in_savepoint(client, async || client.batch_execute(&statement).await).await?;
    Ok(checked.err().map(|error| {
        let damaged = [SqlState::INDEX_CORRUPTED, SqlState::DATA_CORRUPTED].iter().any(|it| error.code() == Some(it));
        let said = said(&error);
        if damaged { said } else { format!("it could not be checked: {said}") }
    }))
}

async fn duplicates_of(client: &Client, table: &Table, index: &Index) -> Result<Option<DuplicateRows>, DatabaseError> {
    let statement = duplicates_statement(table, index);
    let rows = match in_savepoint(client, async || client.query(&statement, &[]).await).await? {
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!(index = index.name, error = said(&error), "duplicates could not be looked for");
            return Ok(None);
        }
    };
    let Some(first) = rows.first() else { return Ok(None) };
    let groups = first.get::<_, i64>(2).try_into().unwrap_or(0);
    let mut ids: Vec<i64> = rows.iter().flat_map(|row| [row.get::<_, Option<i64>>(0), row.get(1)]).flatten().collect();
    ids.dedup();
    Ok(Some(DuplicateRows { table: table.name.clone(), index: index.name.clone(), ids, groups }))
}

/// Per group the least and the greatest id, so that memory is the same however many rows are equal.
fn duplicates_statement(table: &Table, index: &Index) -> String {
    let id = if table.has("id", Kind::Integer) { "\"id\"::pg_catalog.int8" } else { "NULL::pg_catalog.int8" };
    let keys: Vec<_> = (1..=index.keys.len()).map(|it| format!("key{it}")).collect();
    let keyed: String = index.keys.iter().zip(&keys).map(|(expression, key)| format!(", {expression} AS {key}")).collect();
    let mut conditions: Vec<_> = keys.iter().filter(|_| !index.nulls_equal).map(|it| format!("{it} IS NOT NULL")).collect();
    if !index.unique {
        conditions.push("key1 <> ''".to_owned());
    }
    let predicate = index.predicate.as_deref().unwrap_or("true");
    let condition = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
    let keys = keys.join(", ");
    format!(
        "SELECT lowest, highest, pg_catalog.count(*) OVER ()
         FROM (
           SELECT pg_catalog.min(id) AS lowest, pg_catalog.max(id) AS highest
           FROM (SELECT {id} AS id{keyed} FROM ONLY {table} WHERE {predicate}) AS keyed
           WHERE {condition} GROUP BY {keys} HAVING pg_catalog.count(*) > 1
         ) AS duplicates
         ORDER BY 1 LIMIT {MOST_GROUPS}",
        table = table.sql(),
    )
}

/// The inner result is the statement's: whatever it was, the transaction goes on.
async fn in_savepoint<T>(
    client: &Client,
    statement: impl AsyncFnOnce() -> Result<T, tokio_postgres::Error>,
) -> Result<Result<T, tokio_postgres::Error>, DatabaseError> {
    let failed = || DatabaseError::query("the session of the checks");
    client.batch_execute("SAVEPOINT check_one").await.map_err(failed())?;
    let result = statement().await;
    let end = if result.is_ok() { "RELEASE SAVEPOINT check_one" } else { "ROLLBACK TO SAVEPOINT check_one" };
    client.batch_execute(end).await.map_err(failed())?;
    Ok(result)
}

/// Those with a key that a collation sorts: of the usual operator classes (the pattern ones compare bytes), and not of the collation `C`.
const INDEXES: &str = "
    SELECT i.indexrelid::pg_catalog.int8, c.relname::pg_catalog.text,
           ARRAY(
             SELECT pg_catalog.pg_get_indexdef(i.indexrelid, place, false)
             FROM pg_catalog.generate_series(1, i.indnkeyatts::pg_catalog.int4) AS place ORDER BY place
           ),
           pg_catalog.pg_get_expr(i.indpred, i.indrelid, false), i.indisunique,
           COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::pg_catalog.bool, false)
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
    WHERE i.indrelid = $1::pg_catalog.int8::pg_catalog.oid AND c.relkind = 'i' AND m.amname = 'btree' AND i.indisvalid AND i.indisready
      AND EXISTS (
        SELECT FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) AS place
        JOIN pg_catalog.pg_opclass AS o ON o.oid = i.indclass[place]
        JOIN pg_catalog.pg_namespace AS n ON n.oid = o.opcnamespace
        JOIN pg_catalog.pg_collation AS k ON k.oid = i.indcollation[place]
        WHERE n.nspname = 'pg_catalog' AND o.opcname IN ('text_ops', 'varchar_ops', 'bpchar_ops') AND k.collname NOT IN ('C', 'POSIX')
      )
    ORDER BY c.relname COLLATE \"C\"";

const AMCHECK: &str = "
    SELECT n.nspname::pg_catalog.text, pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_extension AS e ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.oid = d.refobjid
    WHERE e.extname = 'amcheck' AND p.proname = 'bt_index_check' AND l.lanname = 'c' AND p.probin = '$libdir/amcheck'
      AND p.pronargs = 1 AND p.proargtypes[0] = 'pg_catalog.regclass'::pg_catalog.regtype";
