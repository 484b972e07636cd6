//! What goes wrong with a media store, and whether it is worth another try.

use std::{io, time::Duration};

use rustix::io::Errno;

use crate::format::PathError;

#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("the media folder {root} can't be opened: {source}. Name the folder that holds `accounts` and `media_attachments`")]
    Root { root: String, source: io::Error },
    #[error("{name} in the media folder: {source}")]
    Disk { name: String, source: io::Error },
    #[error("{0}")]
    Key(#[from] PathError),
    #[error("the object store's settings: {0}")]
    Settings(String),
    #[error("{action} {name}: the object store answered {status}{code}", code = shown_code(.code))]
    Answered {
        action: &'static str,
        name: String,
        status: u16,
        /// Such as `NoSuchKey`; empty where the answer had none.
        code: String,
        /// What the store asked to wait.
        retry_after: Option<Duration>,
    },
    #[error("{action} {name}: {source}")]
    Transport { action: &'static str, name: String, source: reqwest::Error },
    #[error("{action} {name}: the object store's answer makes no sense: {why}")]
    Answer { action: &'static str, name: String, why: String },
    #[error("{name} has {found} bytes where {expected} were announced; it changed meanwhile, or did not come whole")]
    Length { name: String, expected: u64, found: u64 },
    #[error("{name} is not what it was: its SHA-256 differs from the one that it has to have")]
    Digest { name: String },
    #[error("the table {table}: {source}")]
    Database { table: &'static str, source: tokio_postgres::Error },
    #[error("the table {table} is not as any release of Mastodon has it: {why}")]
    Schema { table: &'static str, why: String },
    #[error(
        "{failures} files in a row could not be read, the last for this reason: {last}. Try again when the store answers; what is copied stays"
    )]
    Unreachable { failures: u32, last: Box<MediaError> },
    /// Of a sink that is no [`Store`](super::Store): it is not tried again.
    #[error("{name}: {source}")]
    Sink { name: String, source: Box<dyn std::error::Error + Send + Sync> },
    /// A task that was ended from outside.
    #[error("copying was ended: {0}")]
    Ended(String),
}

/// What to make of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There is no such file: it was removed since it was listed.
    Gone,
    /// Too much at a time.
    Throttled,
    /// It may work the next time.
    Passing,
    /// This file can't be had.
    Final,
    /// Nothing can: the store refuses the keys, or there is no such bucket.
    Fatal,
}

/// The codes by which S3 and its likes say that it was too much, whatever the status.
const THROTTLING: [&str; 7] = [
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "ServiceUnavailable",
];

/// What is wrong with the keys or the bucket, not with one file.
const FATAL: [&str; 9] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "NoSuchBucket",
    "AccountProblem",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "RequestTimeTooSkewed",
    "ExpiredToken",
    "InvalidToken",
];

impl MediaError {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Answered { status, code, .. } => answered(*status, code),
            Self::Transport { source, .. } if source.is_timeout() => Kind::Throttled,
            Self::Transport { source, .. } if source.is_builder() => Kind::Final,
            Self::Transport { .. } | Self::Length { .. } | Self::Digest { .. } => Kind::Passing,
            Self::Disk { source, .. } => on_disk(source),
            Self::Key(_) | Self::Answer { .. } => Kind::Final,
            Self::Root { .. }
            | Self::Settings(_)
            | Self::Database { .. }
            | Self::Schema { .. }
            | Self::Unreachable { .. }
            | Self::Sink { .. }
            | Self::Ended(_) => Kind::Fatal,
        }
    }

    /// How long the store asked to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn on_disk(error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Kind::Gone,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem => Kind::Fatal,
        // A network's file system.
        io::ErrorKind::Interrupted | io::ErrorKind::TimedOut | io::ErrorKind::StaleNetworkFileHandle => Kind::Passing,
        _ if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => Kind::Passing,
        _ => Kind::Final,
    }
}

fn answered(status: u16, code: &str) -> Kind {
    if FATAL.contains(&code) {
        return Kind::Fatal;
    }
    if THROTTLING.contains(&code) {
        return Kind::Throttled;
    }
    match status {
        404 | 410 => Kind::Gone,
        401 => Kind::Fatal,
        429 | 503 => Kind::Throttled,
        408 | 500.. => Kind::Passing,
        _ => Kind::Final,
    }
}

fn shown_code(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" {code}") }
}
