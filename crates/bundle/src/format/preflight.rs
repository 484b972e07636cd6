//! `PREFLIGHT.json`: what a receiver has to know before it takes anything, in seconds, from this file alone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Preflight {
    /// [`super::VERSION`].
    pub format: u32,
    /// Program and version, such as `howdah 0.1.0`.
    pub made_by: String,
    pub created_at: DateTime<Utc>,
    pub consistency: Consistency,
    pub domains: Domains,
    pub mastodon: Mastodon,
    pub schema: Schema,
    pub postgresql: Postgresql,
    pub media: MediaStore,
    pub counts: Counts,
    pub expected: Expected,
    /// One stored value for each encrypted column that has any, to prove the secrets on.
    pub ciphertexts: Vec<Ciphertext>,
}

/// What the server did while the bundle was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// It served: what was written meanwhile is not in it.
    Live,
    /// Nobody could write, and its queues were empty.
    Drained,
    /// Nothing of it ran.
    Stopped,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Domains {
    /// `LOCAL_DOMAIN`: of handles.
    pub local: String,
    /// `WEB_DOMAIN`, or the local one.
    pub web: String,
    /// `ALTERNATE_DOMAINS`.
    #[serde(default)]
    pub alternate: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Mastodon {
    /// Such as `4.5.11`, where it could be read; the newest migration tells at least the line.
    pub version: Option<String>,
    /// Where its source is, for a changed one.
    pub source: Option<String>,
    pub commit: Option<String>,
    pub fork: Option<Fork>,
}

/// A known fork, told by its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fork {
    /// `statuses.local_only`, `statuses.content_type`: on vanilla Mastodon its local-only posts would become public.
    GlitchSoc,
    /// Columns that no release of Mastodon has.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Schema {
    /// The greatest version in `schema_migrations`.
    pub newest_migration: String,
    pub migrations: u64,
    /// Whether post-deployment migrations have run as far as is known; absent where the release is not known.
    pub post_deployment_complete: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Postgresql {
    /// As the server says it, or the dump of it, such as `17.12 (Debian 17.12-1)`.
    pub version: String,
    /// `server_version_num`.
    pub version_num: u32,
    pub encoding: String,
    pub collation: Collation,
    pub extensions: Vec<Extension>,
}

impl Postgresql {
    #[must_use]
    pub const fn major(&self) -> u32 {
        self.version_num / 10_000
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Collation {
    /// `libc`, `icu` or `builtin`; here and below, `unknown` of a bundle that was made of a dump.
    pub provider: String,
    pub collate: String,
    pub ctype: String,
    /// Of the library when the database was made: `datcollversion`.
    pub version: Option<String>,
    /// Of the library now; where it differs, indexes may be corrupt.
    pub library_version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Extension {
    pub name: String,
    pub version: String,
    pub schema: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MediaStore {
    pub kind: MediaStoreKind,
    /// Under which posts of this server name its media, such as `https://files.example.org`.
    pub public_base_url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaStoreKind {
    Disk,
    S3,
}

/// In the snapshot that the dump was made in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Counts {
    pub local_users: u64,
    pub local_statuses: u64,
    /// Rows whose file is the server's own.
    pub local_media: u64,
    /// Rows a table of the schema `public`.
    pub tables: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Expected {
    /// `pg_database_size`: the dump is smaller. Of a bundle that was made of a dump, bytes of its rows.
    pub database_bytes: u64,
    /// The sum of the rows' `*_file_size`: originals only, so that the media is somewhat more.
    pub media_bytes: u64,
}

/// A value as the column holds it (Active Record Encryption's JSON).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ciphertext {
    pub table: String,
    pub column: String,
    pub value: String,
}
