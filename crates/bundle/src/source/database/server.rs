//! The server and how this database sorts.

use tokio_postgres::{Client, Row};

use super::DatabaseError;
use crate::format::{Collation, Extension, Finding, Postgresql};
use crate::source::notice;

/// The server that tells the version of a database's collation.
const TELLS_VERSION: u32 = 150_000;

/// And the database's size.
pub async fn postgresql(client: &Client, version_num: u32, findings: &mut Vec<Finding>) -> Result<(Postgresql, u64), DatabaseError> {
    let statement = format!("{DATABASE} WHERE d.datname = pg_catalog.current_database()")
        .replace("{library}", if version_num >= TELLS_VERSION { "pg_catalog.pg_database_collation_actual_version(d.oid)" } else { "NULL" });
    let row = client.query_one(&statement, &[]).await.map_err(DatabaseError::query("the database's encoding and collation"))?;
    let encoding: String = row.get("encoding");
    let collation = collation(&row);
    if encoding != "UTF8" {
        let sentence =
            format!("the database is encoded in {encoding}, and Mastodon's is UTF8: a new one that it is restored into has to be of UTF8");
        findings.push(notice("encoding", "encoding", sentence));
    }
    if let (Some(made), Some(now)) = (&collation.version, &collation.library_version)
        && made != now
    {
        let sentence = format!(
            "the collation {} was of version {made} when the database was made and is of {now} now: indexes on text may be corrupt, which the checks look for",
            collation.collate
        );
        findings.push(notice("collation", "collation_drift", sentence));
    }
    let extensions = extensions(client).await?;
    let postgresql = Postgresql { version: row.get("version"), version_num, encoding, collation, extensions };
    Ok((postgresql, row.get::<_, i64>("bytes").try_into().unwrap_or(0)))
}

pub async fn extensions(client: &Client) -> Result<Vec<Extension>, DatabaseError> {
    let rows = client.query(EXTENSIONS, &[]).await.map_err(DatabaseError::query("the list of extensions"))?;
    Ok(rows.iter().map(|row| Extension { name: row.get(0), version: row.get(1), schema: row.get(2) }).collect())
}

fn collation(row: &Row) -> Collation {
    let provider = match row.get::<_, Option<&str>>("provider") {
        Some("i") => "icu",
        Some("b") => "builtin",
        _ => "libc",
    };
    let text = |name: &str| row.get::<_, Option<String>>(name);
    Collation {
        provider: provider.to_owned(),
        // What sorts: with another provider than libc its own locale.
        collate: text("locale").filter(|_| provider != "libc").unwrap_or_else(|| row.get("collate")),
        ctype: row.get("ctype"),
        version: text("made"),
        library_version: text("library"),
    }
}

/// Columns that only newer servers have, by way of JSON: absent on the others.
const DATABASE: &str = "
    SELECT pg_catalog.current_setting('server_version') AS version,
           pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding,
           d.datcollate::pg_catalog.text AS collate, d.datctype::pg_catalog.text AS ctype,
           pg_catalog.to_jsonb(d) ->> 'datlocprovider' AS provider,
           COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale') AS locale,
           pg_catalog.to_jsonb(d) ->> 'datcollversion' AS made,
           {library}::pg_catalog.text AS library,
           pg_catalog.pg_database_size(d.oid) AS bytes
    FROM pg_catalog.pg_database AS d";

const EXTENSIONS: &str = "
    SELECT e.extname::pg_catalog.text, e.extversion, n.nspname::pg_catalog.text
    FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    ORDER BY 1";
