//! What billing says of a server. Written only by applying a billing event or a grant.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Standing {
    /// Never paid for, never granted.
    Incomplete,
    Trialing {
        until: DateTime<Utc>,
    },
    /// Paid.
    Current {
        until: DateTime<Utc>,
    },
    /// A payment failed and is tried again.
    PastDue {
        since: DateTime<Utc>,
    },
    /// Payment was given up.
    Lapsed {
        since: DateTime<Utc>,
    },
    Cancelled {
        at: DateTime<Utc>,
    },
    /// Free of charge, by somebody's word or a setting's.
    Granted {
        by: String,
        until: Option<DateTime<Utc>>,
    },
}

impl Standing {
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Trialing { .. } => "trialing",
            Self::Current { .. } => "current",
            Self::PastDue { .. } => "past_due",
            Self::Lapsed { .. } => "lapsed",
            Self::Cancelled { .. } => "cancelled",
            Self::Granted { .. } => "granted",
        }
    }
}
