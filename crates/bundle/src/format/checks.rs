//! `postgres/checks.json`: damage that is better known before leaving.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::preflight::Extension;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Checks {
    pub amcheck: AmcheckResult,
    /// Rows that a unique index should have kept apart.
    pub duplicates: Vec<DuplicateRows>,
    pub extensions: Vec<Extension>,
}

/// `bt_index_check` of the indexes on text, which a changed collation corrupts (DOC:admin/troubleshooting/index-corruption.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AmcheckResult {
    Run { indexes: Vec<IndexCheck> },
    NotRun { why: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct IndexCheck {
    pub index: String,
    pub table: String,
    /// What `bt_index_check` said; absent where the index is whole.
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DuplicateRows {
    pub table: String,
    pub index: String,
    /// Their primary keys, a bounded number of them.
    pub ids: Vec<i64>,
    /// How many groups of rows that should be one.
    pub groups: u64,
}

impl fmt::Display for DuplicateRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, index, ids, groups } = self;
        let (rows, them) = if *groups == 1 { ("group of rows", "its") } else { ("groups of rows", "their") };
        write!(f, "table `{table}` has {groups} {rows} that `{index}` should have kept from being more than one")?;
        let ids: Vec<String> = ids.iter().take(10).map(ToString::to_string).collect();
        if ids.is_empty() { Ok(()) } else { write!(f, " (among {them} ids {})", ids.join(", ")) }
    }
}
