//! What was last seen of a server in its cluster: a read model, from which nothing is decided but what people see and whether
//! an operation's step is done.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words;
use crate::names::MastodonVersion;

/// One condition of the custom resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `NamespaceReady`, `WorkloadsReady`, …
    pub name: String,
    /// `None`: not known.
    pub met: Option<bool>,
    /// The machine reason, as the operator writes it.
    pub reason: String,
    /// For operators' eyes: it may name hosts, pods and images.
    pub message: String,
    pub since: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    pub web: String,
    pub media: String,
}

/// Measured hourly with the tenant's own role. Sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub database_bytes: i64,
    pub own_media_bytes: i64,
    pub cached_media_bytes: i64,
    pub users: i64,
    pub measured_at: DateTime<Utc>,
}

words! {
    FarewellStage {
        /// Accounts are still pending deletion.
        Accounts = "accounts",
        /// Notices are queued or being retried.
        Notices = "notices",
        /// Every deletion notice has been sent.
        Sent = "sent",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarewellProgress {
    pub stage: FarewellStage,
    pub pending_accounts: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// `metadata.generation`: the spec that the API server holds.
    pub generation: i64,
    /// The spec that the status is about.
    pub observed_generation: Option<i64>,
    /// The record's revision that the status is about.
    pub observed_revision: Option<i64>,
    /// The version whose schema and workloads are in place.
    pub version: Option<MastodonVersion>,
    pub endpoints: Option<Endpoints>,
    pub usage: Option<Usage>,
    pub farewell: Option<FarewellProgress>,
    /// Of an import: which pass of it is loaded, `<id>/<pass>`.
    pub loaded: Option<String>,
    /// When the owner's link was made that was last given to Mastodon after the launch.
    pub owner_link_issued: Option<DateTime<Utc>>,
    pub conditions: Vec<Condition>,
}

/// What pages of many servers show of it, and a phase is computed from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Glance {
    pub version: Option<MastodonVersion>,
    pub usage: Option<Usage>,
    /// Names of the conditions that are met.
    pub met: Vec<String>,
}

impl Glance {
    #[must_use]
    pub fn is_met(&self, name: &str) -> bool {
        self.met.iter().any(|it| it == name)
    }
}

impl Observation {
    #[must_use]
    pub fn condition(&self, name: &str) -> Option<&Condition> {
        self.conditions.iter().find(|it| it.name == name)
    }

    /// Whether the condition is there and met.
    #[must_use]
    pub fn is_met(&self, name: &str) -> bool {
        self.condition(name).is_some_and(|it| it.met == Some(true))
    }

    /// Every deletion notice has been sent.
    #[must_use]
    pub fn farewell_is_complete(&self) -> bool {
        self.is_met("FarewellComplete")
    }
}
