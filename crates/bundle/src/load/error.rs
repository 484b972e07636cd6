//! Why a dump can't be loaded: what of it, and the way out.

use crate::archive::ArchiveError;
use crate::format::{DuplicateRows, Finding};

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(
        "role `{role}` is a superuser, and rows from outside are not loaded as one: connect as the role that owns the database, such as `mastodon`"
    )]
    Superuser { role: String },
    #[error(
        "the database has no tables: load the schema of the bundle's Mastodon release first (`RAILS_ENV=production bin/rails db:schema:load`)"
    )]
    NoSchema,
    #[error("table `{table}` has rows already: give an empty database with nothing but the release's schema")]
    NotEmpty { table: String },
    #[error("the dump is in encoding `{0}`, and Mastodon's databases are in UTF8: make it anew from a database in UTF8")]
    Encoding(String),
    #[error(
        "the dump's schema is not the database's: {}{}. Load the schema of exactly the release that the dump is of, and upgrade afterwards",
        migrations("the dump has migrations that the database's release doesn't know", ahead),
        migrations("it lacks migrations that the database has", behind)
    )]
    Schema { ahead: Vec<String>, behind: Vec<String> },
    #[error(
        "table `{table}` of the dump has a column `{column}` that the release's schema does not have: it is of a fork or of another release"
    )]
    Column { table: String, column: String },
    #[error("the dump has table `{table}` twice")]
    Twice { table: String },
    #[error(
        "the old server's indexes were corrupt (a changed collation, most often): {}. Nothing was loaded. With --allow-duplicates all rows are loaded without \
         these indexes, for `bin/tootctl maintenance fix-duplicates` to join them",
        rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    Duplicates { rows: Vec<DuplicateRows> },
    #[error("the dump could not be read")]
    Dump(#[from] ArchiveError),
    #[error("what was loaded is not what the bundle says: {}", sentences(findings))]
    Differs { findings: Vec<Finding> },
    #[error(
        "table `{table}` took {stored} of {sent} rows: a trigger or a rule of the database's left some out. Load the release's own schema, and nothing else"
    )]
    Short { table: String, sent: u64, stored: u64 },
    #[error("whoever reads the dump ended before its end")]
    Cut,
    #[error("PostgreSQL refused {object}: {}", said(source))]
    Sql { object: String, source: Box<tokio_postgres::Error> },
}

impl LoadError {
    pub(super) fn sql(object: &str, source: tokio_postgres::Error) -> Self {
        Self::Sql { object: object.to_owned(), source: Box::new(source) }
    }
}

/// PostgreSQL's own words. Its detail may hold a row's values, and is left out.
fn said(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |it| format!("{} ({})", it.message(), it.code().code()))
}

fn migrations(what: &str, versions: &[String]) -> String {
    const SHOWN: usize = 5;
    if versions.is_empty() {
        return String::new();
    }
    let more = versions.len().saturating_sub(SHOWN);
    let shown = versions.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { format!("{what} ({shown}) ") } else { format!("{what} ({shown} and {more} more) ") }
}

fn sentences(findings: &[Finding]) -> String {
    findings.iter().map(|it| it.sentence.as_str()).collect::<Vec<_>>().join("; ")
}
