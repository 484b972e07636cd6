//! How far a server's bootstrap has come, read from its database as its own role.
//!
//! The tenant can put anything there: names are qualified, only plain tables count, and what comes back is bounded.

use std::time::Duration;

use secrecy::SecretString;

use super::session::{Session, failed};
use super::{DatabaseError, DatabaseServerSettings};

const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn schema_version(
    settings: &DatabaseServerSettings,
    name: &str,
    password: &SecretString,
) -> Result<Option<String>, DatabaseError> {
    let sql = "SELECT pg_catalog.max(pg_catalog.left(version::pg_catalog.text, 32) COLLATE pg_catalog.\"C\") FROM public.schema_migrations";
    super::within(LIMIT * 2, name, async {
        let session = Session::tenant(settings, name, password, LIMIT).await?;
        if !has_tables(&session, name, &["schema_migrations"]).await? {
            return Ok(None);
        }
        Ok(session.query_one(sql, &[]).await.map_err(failed("read the schema's version of", name))?.get(0))
    })
    .await
}

pub(super) async fn owner_ready(settings: &DatabaseServerSettings, name: &str, password: &SecretString) -> Result<bool, DatabaseError> {
    let sql = "SELECT EXISTS (SELECT FROM public.users u JOIN public.user_roles r ON r.id = u.role_id \
               WHERE r.name = 'Owner' AND u.approved AND u.confirmed_at IS NOT NULL)";
    ask(settings, name, password, &["users", "user_roles"], sql).await
}

pub(super) async fn configured(settings: &DatabaseServerSettings, name: &str, password: &SecretString) -> Result<bool, DatabaseError> {
    let sql = "SELECT EXISTS (SELECT FROM public.settings WHERE var = 'media_cache_retention_period')";
    ask(settings, name, password, &["settings"], sql).await
}

/// Whoever loads a bundle's rows leaves its mark on this table, in the same transaction (`howdah_bundle::load`).
pub(super) async fn mark(settings: &DatabaseServerSettings, name: &str, password: &SecretString) -> Result<Option<String>, DatabaseError> {
    let sql = "SELECT pg_catalog.left(d.description, 64) FROM pg_catalog.pg_description d JOIN pg_catalog.pg_class c ON c.oid = d.objoid \
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 \
               AND n.nspname = 'public' AND c.relname = 'accounts' AND c.relkind IN ('r', 'p')";
    super::within(LIMIT * 2, name, async {
        let session = Session::tenant(settings, name, password, LIMIT).await?;
        let found = session.query_opt(sql, &[]).await.map_err(failed("read the mark of", name))?;
        Ok(found.map(|it| it.get(0)))
    })
    .await
}

/// The answer of `sql`, or no where one of its tables is missing.
async fn ask(
    settings: &DatabaseServerSettings,
    name: &str,
    password: &SecretString,
    tables: &[&str],
    sql: &str,
) -> Result<bool, DatabaseError> {
    super::within(LIMIT * 2, name, async {
        let session = Session::tenant(settings, name, password, LIMIT).await?;
        if !has_tables(&session, name, tables).await? {
            return Ok(false);
        }
        Ok(session.query_one(sql, &[]).await.map_err(failed("read", name))?.get(0))
    })
    .await
}

async fn has_tables(session: &Session, name: &str, tables: &[&str]) -> Result<bool, DatabaseError> {
    let sql = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname::pg_catalog.text = ANY ($1)";
    let found: i64 = session.query_one(sql, &[&tables]).await.map_err(failed("read the tables of", name))?.get(0);
    Ok(found == i64::try_from(tables.len()).expect("a handful of tables"))
}
