//! `pg_dump`, run on a snapshot: a stream that ends well only where the dump is whole.

mod find;
mod run;

use std::ffi::OsString;
use std::path::PathBuf;
use std::{fmt, io};

pub use run::Dump;

/// A `pg_dump` of the server's own major version: a newer one makes archives that only a newer `pg_restore` reads, and an older one refuses.
#[derive(Debug, Clone)]
pub struct PgDump {
    path: PathBuf,
    /// As `pg_dump --version` says it.
    version: String,
    compression: Compression,
    /// The `PATH` that it runs with: Debian's `pg_dump` is a script.
    search: Option<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Zstd,
    Gzip,
}

#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error("{path} can't be run: {source}; name a pg_dump of PostgreSQL {wanted} by --pg-dump")]
    NotRun { path: PathBuf, wanted: u32, source: io::Error },
    #[error("{path} is {found}, and the server is PostgreSQL {wanted}: a dump is made by the server's own major version; {}", WayOut(*.wanted))]
    WrongVersion { path: PathBuf, found: String, wanted: u32 },
    #[error("there is no pg_dump of PostgreSQL {wanted} on this machine{}; {}", Others(.found), WayOut(*.wanted))]
    NotFound { wanted: u32, found: Vec<String> },
    #[error("pg_dump could not be started: {0}")]
    NotStarted(#[source] io::Error),
    #[error("pg_dump ended with {status}, and the dump is not whole: {stderr}")]
    Failed { status: String, stderr: String },
    #[error("pg_dump wrote more than was read of it, so that the dump is not whole")]
    Unread,
    #[error("pg_dump's output could not be read: {0}")]
    Read(#[source] io::Error),
}

struct WayOut(u32);

impl fmt::Display for WayOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "install the package postgresql-client-{} (Debian and Ubuntu; where they don't have it, apt.postgresql.org does), or name one by --pg-dump",
            self.0
        )
    }
}

struct Others<'a>(&'a [String]);

impl fmt::Display for Others<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (there is {})", self.0.join(", ")) }
    }
}

impl PgDump {
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    #[must_use]
    pub const fn compression(&self) -> Compression {
        self.compression
    }
}

impl Compression {
    /// As [`crate::format::DumpFacts::compression`] says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    /// A shell script in place of `pg_dump`. Another process writes it: while this one has it open for writing, a child that another test
    /// starts would have it open, too, and it could not be run.
    pub fn program(folder: &Path, script: &str) -> PathBuf {
        let (text, path) = (folder.join("script"), folder.join("pg_dump"));
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        assert!(Command::new("install").args(["-m", "755"]).args([&text, &path]).status().unwrap().success());
        path
    }
}
