//! What can go wrong with a server's database, and the way out.

use std::error::Error;

use tokio_postgres::error::SqlState;

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("the database {database} can't be reached: {said}; {way_out}")]
    Unreachable { database: String, said: String, way_out: &'static str },
    #[error("the certificates to believe, {path}, can't be read: {said}")]
    Certificates { path: String, said: String },
    #[error("the server is PostgreSQL {version}; this program reads {oldest} and later: upgrade PostgreSQL first")]
    Old { version: String, oldest: u32 },
    #[error("the database {database} is no Mastodon's: {what}; check DB_NAME or DATABASE_URL")]
    NotMastodon { database: String, what: &'static str },
    #[error("{object} is locked by a running change, such as a migration: {said}; try again when that has ended")]
    Locked { object: String, said: String },
    #[error(
        "the database {database} is encoded in SQL_ASCII, so that its text may be anything, and Mastodon's is UTF8: restore it into a database of UTF8 first"
    )]
    Encoding { database: String },
    #[error(
        "this role may not read all of {object}: {said}; let it own the table, or have SELECT on it without a policy that hides rows: `pg_dump` needs the same"
    )]
    Forbidden { object: String, said: String },
    #[error("{object} could not be read: {said}")]
    Query { object: String, said: String },
}

impl DatabaseError {
    pub(super) fn unreachable(database: String, error: &tokio_postgres::Error) -> Self {
        let code = error.code();
        let way_out = if code == Some(&SqlState::INVALID_PASSWORD) {
            "check DB_USER and DB_PASS"
        } else if code == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) {
            "on a socket, run this program as the system's user of that name, such as `sudo -u mastodon`; otherwise check DB_USER, DB_SSLMODE and the server's pg_hba.conf"
        } else if code == Some(&SqlState::INVALID_CATALOG_NAME) {
            "check DB_NAME"
        } else if code.is_some() {
            "check DB_HOST, DB_PORT and what else names the server"
        } else {
            "check that it runs, and DB_HOST, DB_PORT and DB_SSLMODE"
        };
        Self::Unreachable { database, said: said(error), way_out }
    }

    /// Of a statement about `object`.
    pub(super) fn query(object: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        let object = object.into();
        move |error| match error.code() {
            Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => Self::Locked { object, said: said(&error) },
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => Self::Forbidden { object, said: said(&error) },
            _ => Self::Query { object, said: said(&error) },
        }
    }
}

/// All that an error and its causes say, in one line; a server's own words are somebody else's text.
pub(super) fn said(error: &tokio_postgres::Error) -> String {
    const MOST: usize = 500;
    let text = match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()),
        None => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                let more = error.to_string();
                if !text.contains(&more) {
                    text = format!("{text}: {more}");
                }
                cause = error.source();
            }
            text
        }
    };
    text.chars().take(MOST).map(|it| if it.is_control() { ' ' } else { it }).collect()
}
