//! `MANIFEST.json`: everything that the bundle has, with its digests. Written last but the signature.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::digest::{ContentDigest, Sha256Hex};
use super::path::BundlePath;
use super::preflight::Consistency;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Manifest {
    /// [`super::VERSION`].
    pub format: u32,
    pub made_by: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub consistency: Consistency,
    /// Every file but the media, this file, `VERIFY.json` and the signatures.
    pub files: BTreeMap<BundlePath, FileFacts>,
    pub inventory: InventoryFacts,
    pub dump: DumpFacts,
    /// Rows and digest of each table, as the dump holds them.
    pub tables: BTreeMap<String, TableFacts>,
    pub content_digest: ContentDigest,
    pub seal: Seal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FileFacts {
    pub bytes: u64,
    pub sha256: Sha256Hex,
}

/// Of the media, by `media/INVENTORY.ndjson`, whose own digest stands among the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InventoryFacts {
    pub files: u64,
    pub bytes: u64,
    pub sha256: Sha256Hex,
    /// Lines of `media/MISSING.ndjson` and `media/ORPHANS.ndjson`.
    pub missing: u64,
    pub orphans: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DumpFacts {
    /// As `pg_dump --version` says it.
    pub pg_dump: String,
    /// `zstd` or `gzip`; of a dump that somebody else made also `lz4` or `none`.
    pub compression: String,
    /// Before it was sealed: what `age -d` gives.
    pub bytes: u64,
    pub sha256: Sha256Hex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TableFacts {
    pub rows: u64,
    pub digest: Sha256Hex,
}

/// What the dump and the secrets are sealed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Seal {
    /// age's X25519 recipients, `age1…`.
    Recipients {
        recipients: Vec<String>,
    },
    Passphrase,
    /// Whoever holds the bundle reads everything.
    Plain,
}
