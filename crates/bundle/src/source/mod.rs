//! The Mastodon server that a bundle is made of: its environment, its database in one snapshot, and `pg_dump`.
//!
//! - [`Environment`]: `.env.production` as Ruby's dotenv reads it, or a process' own; [`Environment::portable`] writes it for the bundle.
//! - [`Settings`]: what of it this program works with, parsed and checked.
//! - [`Snapshot`]: one read-only transaction; all facts, checks and the dump see the same rows.
//! - [`RawDump`]: the same of a dump that somebody made, where the database is not at hand.
//! - [`PgDump`]: the server's own major version of `pg_dump`, as a stream that ends well only where the dump is whole.
//! - [`prove`]: whether the identity's secrets decrypt what the database holds.
//!
//! **The database is hostile.** Its owner may have left functions, operators, casts, views, rules, policies and expression indexes that do
//! something when somebody with more rights reads a table. So: never as a superuser (a [`Finding`] says where that could not be had),
//! `search_path` empty, every name of ours qualified and quoted, only plain tables are read, and only columns of built-in types. Before a
//! statement is planned on a table, the catalogue says whether planning it could run a function of the owner's (an index on an expression
//! with constants is evaluated then); such a table is read by `COPY` alone, which isn't planned.

mod database;
mod dump;
mod environment;
mod fork;
mod installation;
mod prove;
mod raw_dump;
mod settings;

pub(crate) use database::Connection;
pub use database::{DatabaseError, Facts, Limits, Snapshot};
use database::{ENCRYPTED, LONGEST_CIPHERTEXT};
pub use dump::{Compression, Dump, DumpError, PgDump};
pub use environment::{Environment, EnvironmentError, Portable};
pub use installation::Installation;
pub(crate) use prove::prove_some;
pub use prove::{Outcome, Proof, prove};
pub use raw_dump::{RawDump, RawDumpError};
pub use settings::{
    DatabaseHost, DatabaseSettings, Identity, MediaSettings, Needs, Place, Roots, Settings, SettingsError, SourceCode, SslMode, Tls,
};

use crate::format::{Finding, Severity};

/// Of what a dump alone doesn't tell.
const UNKNOWN: &str = "unknown";

pub(crate) fn notice(object: impl Into<String>, reason: &str, sentence: impl Into<String>) -> Finding {
    Finding { severity: Severity::Notice, object: object.into(), reason: reason.to_owned(), sentence: sentence.into() }
}
