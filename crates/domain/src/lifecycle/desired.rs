//! What the business wants of a server. Written by use cases only.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Refusal, words};
use crate::billing::Access;

words! {
    /// Who holds a server back.
    Hold {
        /// Not paid, not on trial, not granted.
        Billing = "billing",
        /// An operator has to approve the launch.
        Approval = "approval",
    }
}

words! {
    /// How a server ends.
    Deletion {
        /// Another host serves the domain from now on: nobody is told, and our copy goes once that one is seen.
        MoveOut = "move_out",
        /// Nobody will serve the domain again: other servers are told, then everything is deleted.
        Close = "close",
        /// Our copy is deleted, nothing is announced.
        Remove = "remove",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Desired {
    Running,
    /// Sidekiq and the inbox run, customers' writes are refused.
    ReadOnly {
        by: Hold,
    },
    Suspended {
        by: Hold,
    },
    /// Until `after` the server runs and this can be undone; then it goes. A MoveOut has no such time.
    Deleted {
        deletion: Deletion,
        after: DateTime<Utc>,
    },
}

impl Desired {
    /// What policy says of a server that stays.
    ///
    /// # Errors
    /// [`Refusal::AlreadyLeaving`]: policy doesn't call back a server that its owner closes.
    pub const fn hold_to(self, access: Access) -> Result<Self, Refusal> {
        match self {
            Self::Running | Self::ReadOnly { .. } | Self::Suspended { .. } => Ok(Self::of(access)),
            Self::Deleted { .. } => Err(Refusal::AlreadyLeaving),
        }
    }

    /// Close or Remove, after a grace period, or MoveOut, at once. A Remove may take the place of either that can still be undone.
    ///
    /// # Errors
    /// [`Refusal::AlreadyLeaving`] the second time.
    pub const fn delete(self, deletion: Deletion, after: DateTime<Utc>, begun: Option<Deletion>) -> Result<Self, Refusal> {
        match (self, deletion, begun) {
            (Self::Running | Self::ReadOnly { .. } | Self::Suspended { .. }, ..)
            | (Self::Deleted { deletion: Deletion::Close | Deletion::MoveOut, .. }, Deletion::Remove, None) => {
                Ok(Self::Deleted { deletion, after })
            }
            (Self::Deleted { .. }, ..) => Err(Refusal::AlreadyLeaving),
        }
    }

    /// Back to what policy says now. `begun`: what can't be taken back has started: a farewell, a teardown, or that another host
    /// serves the address.
    ///
    /// # Errors
    /// Where nothing is being deleted, or it is too late.
    pub const fn undo(self, access: Access, begun: Option<Deletion>) -> Result<Self, Refusal> {
        match (self, begun) {
            (Self::Deleted { .. }, None) => Ok(Self::of(access)),
            (Self::Deleted { .. }, Some(Deletion::MoveOut)) => Err(Refusal::HandedOver),
            (Self::Deleted { .. }, Some(Deletion::Close)) => Err(Refusal::FarewellBegan),
            (Self::Deleted { .. }, Some(Deletion::Remove)) => Err(Refusal::TeardownBegan),
            (Self::Running | Self::ReadOnly { .. } | Self::Suspended { .. }, _) => Err(Refusal::NotLeaving),
        }
    }

    /// The grace period ends now.
    ///
    /// # Errors
    /// [`Refusal::NotLeaving`] where there is none, [`Refusal::GraceOver`] where it is over.
    pub fn end_grace(self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self {
            Self::Deleted { deletion, after } if after > now => Ok(Self::Deleted { deletion, after: now }),
            Self::Deleted { .. } => Err(Refusal::GraceOver),
            Self::Running | Self::ReadOnly { .. } | Self::Suspended { .. } => Err(Refusal::NotLeaving),
        }
    }

    const fn of(access: Access) -> Self {
        match access {
            Access::Run => Self::Running,
            Access::ReadOnly => Self::ReadOnly { by: Hold::Billing },
            Access::Suspend(by) => Self::Suspended { by },
        }
    }

    /// The grace period is over.
    #[must_use]
    pub fn is_due_for_deletion(self, now: DateTime<Utc>) -> bool {
        matches!(self, Self::Deleted { after, .. } if after <= now)
    }

    /// `running`, `read_only`, `suspended`, `deleted`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::ReadOnly { .. } => "read_only",
            Self::Suspended { .. } => "suspended",
            Self::Deleted { .. } => "deleted",
        }
    }
}
