//! What is told while a bundle is made, checked or loaded: for a progress bar, a log, or JSON events.

use serde::Serialize;

use crate::format::Finding;

/// Told as it happens, from any thread.
pub type Told = dyn Fn(Event) + Send + Sync;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Something long begins. What is expected may be less than what comes.
    Stage {
        stage: Stage,
        bytes: Option<u64>,
        files: Option<u64>,
    },
    /// Of the stage in hand, since the last.
    Progress {
        bytes: u64,
        files: u64,
    },
    /// Files that are there from before, and are not moved again.
    Kept {
        bytes: u64,
        files: u64,
    },
    /// The table or index in hand.
    Object {
        name: String,
    },
    Found {
        finding: Finding,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading what the server is.
    Looking,
    /// Its damage, if it has any.
    Checking,
    Dumping,
    CopyingMedia,
    Finishing,
    /// Comparing files with their digests.
    Comparing,
    ReadingDump,
    /// To another host.
    Sending,
    Loading,
}

impl Stage {
    /// For a person: what is being done.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Looking => "reading the server",
            Self::Checking => "checking the database for damage",
            Self::Dumping => "dumping the database",
            Self::CopyingMedia => "copying media",
            Self::Finishing => "writing what describes it",
            Self::Comparing => "comparing files with their digests",
            Self::ReadingDump => "reading the dump",
            Self::Sending => "sending it",
            Self::Loading => "loading the database",
        }
    }
}

pub(crate) fn found(told: &Told, findings: &[Finding]) {
    for finding in findings {
        told(Event::Found { finding: finding.clone() });
    }
}
