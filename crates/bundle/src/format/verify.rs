//! `VERIFY.json`: what was found when the bundle was checked, and restored for a test.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::digest::ContentDigest;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Verify {
    /// [`super::VERSION`].
    pub format: u32,
    pub verified_by: String,
    pub verified_at: DateTime<Utc>,
    pub content_digest: Option<ContentDigest>,
    /// Whether it was restored into a database, and what that had then: rows a table.
    pub restored: Option<BTreeMap<String, u64>>,
    /// Media files whose bytes were read and hashed.
    pub media_checked: u64,
    /// Whether the secrets decrypt the stored ciphertexts; absent where they could not be opened.
    pub secrets_proved: Option<bool>,
    pub findings: Vec<Finding>,
}

impl Verify {
    /// Whether all holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|it| it.severity != Severity::Wrong)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Finding {
    pub severity: Severity,
    /// A file's path, a table, a key's name: what it is about.
    pub object: String,
    /// A machine's word, such as `digest_differs`.
    pub reason: String,
    /// What it means, and the way out.
    pub sentence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The bundle is not what it says.
    Wrong,
    /// It is, and somebody should know this.
    Notice,
}
