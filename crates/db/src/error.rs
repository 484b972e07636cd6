//! What callers need to know of a failed query, without naming diesel.

use diesel::result::{DatabaseErrorKind, Error};

/// A row that does not say what its type can mean. The checks of the schema should have refused it.
#[derive(Debug, thiserror::Error)]
#[error("{table} {id} is corrupt: {what}")]
pub struct Corrupt {
    pub table: &'static str,
    pub id: String,
    pub what: String,
}

impl Corrupt {
    pub(crate) fn new(table: &'static str, id: impl ToString, what: String) -> Self {
        Self { table, id: id.to_string(), what }
    }
}

pub trait QueryErrorExt {
    /// The constraint or unique index that a row would have violated.
    fn unique_violation(&self) -> Option<&str>;
    /// The database, and not the query, is the matter: it can be asked again later.
    fn is_unavailable(&self) -> bool;
    /// Another transaction holds what this one waited for.
    fn is_lock_timeout(&self) -> bool;
}

impl QueryErrorExt for Error {
    fn unique_violation(&self) -> Option<&str> {
        match self {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => info.constraint_name(),
            _ => None,
        }
    }

    fn is_unavailable(&self) -> bool {
        match self {
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
            | Error::BrokenTransactionManager => true,
            // A server that shuts down, starts or recovers says so in words only; diesel keeps no code of them.
            Error::DatabaseError(DatabaseErrorKind::Unknown, info) => {
                let message = info.message();
                [
                    "terminating connection",
                    "the database system is",
                    "connection closed",
                    "error communicating with the server",
                    "too many clients",
                ]
                .iter()
                .any(|it| message.contains(it))
            }
            _ => false,
        }
    }

    fn is_lock_timeout(&self) -> bool {
        matches!(self, Error::DatabaseError(DatabaseErrorKind::Unknown, info) if info.message().contains("lock timeout"))
    }
}
