//! The life of a server in four types, never one status column.
//!
//! [`Desired`] is what the business wants, [`Standing`] what billing says, [`Operation`] long work with an end, and
//! [`Phase`](crate::instance::phase::Phase), computed from these and an [`Observation`], what people see. Transitions consume
//! `self` and may refuse; `table.rs` lists every pair of state and event.

mod desired;
mod observation;
mod operation;
mod standing;
mod step;
#[cfg(test)]
mod table;

pub use desired::{Deletion, Desired, Hold};
pub use observation::{Condition, Endpoints, FarewellProgress, FarewellStage, Glance, Observation, Usage};
pub use operation::{Lane, Operation, OperationKind, OperationState};
pub use standing::Standing;
pub use step::{Cause, LaunchStep, Step, StepFact, StepName, StepState, farewell_facts, import_facts, launch_facts};

/// A transition that its state doesn't allow. `Display` is the sentence for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("This server is already being closed or removed. Undo that first.")]
    AlreadyLeaving,
    #[error("This server is not being closed.")]
    NotLeaving,
    #[error("This server's grace period is over already.")]
    GraceOver,
    #[error("It is too late to undo: other servers have begun to delete this server's accounts.")]
    FarewellBegan,
    #[error("It is too late to undo: this server's address is served by another host.")]
    HandedOver,
    #[error("It is too late to undo: this server's data is being deleted.")]
    TeardownBegan,
    #[error("This operation has ended.")]
    Ended,
    #[error("This operation has already started.")]
    AlreadyStarted,
    #[error("This operation has not started.")]
    NotStarted,
}

impl Refusal {
    /// The machine reason.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AlreadyLeaving => "already_leaving",
            Self::NotLeaving => "not_leaving",
            Self::GraceOver => "grace_over",
            Self::FarewellBegan => "farewell_began",
            Self::HandedOver => "handed_over",
            Self::TeardownBegan => "teardown_began",
            Self::Ended => "ended",
            Self::AlreadyStarted => "already_started",
            Self::NotStarted => "not_started",
        }
    }
}

/// `as_str`, `parse`, `ALL`, `Display` and serde for an enum whose variants have one word each.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the record and the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The reverse of [`Self::as_str`].
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;
