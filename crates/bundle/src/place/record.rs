//! What the journal says, a line a record.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::format::{BundlePath, Consistency, DumpFacts, FileFacts, MediaFile, MediaKey, Seal, TableFacts};

/// Of the journal: one of another version is not continued.
pub(super) const VERSION: u32 = 1;

/// What a bundle is made with, and of what. A run that was killed is continued by one that says the same; all but the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub started_at: DateTime<Utc>,
    /// `LOCAL_DOMAIN` of the source.
    pub domain: String,
    pub consistency: Consistency,
    /// Of a passphrase it is not known whether it is the same: whoever goes on opens with it what was sealed before
    /// ([`super::Writer::read_back`]).
    pub seal: Seal,
    /// The earlier bundle that this one builds on, as [`super::Location`] writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<String>,
}

impl Run {
    /// How it was begun, and how it should be gone on with now, where the two differ.
    pub(super) fn difference(&self, now: &Self) -> Option<(String, String)> {
        let both = |say: fn(&Self) -> String| (say(self), say(now));
        [both(|it| format!("for {}", it.domain)), both(|it| format!("as `{}`", said(it.consistency))), both(sealed), both(built)]
            .into_iter()
            .find(|(begun, now)| begun != now)
    }
}

fn said(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::Live => "live",
        Consistency::Drained => "drained",
        Consistency::Stopped => "stopped",
    }
}

fn sealed(run: &Run) -> String {
    match &run.seal {
        Seal::Recipients { recipients } => format!("sealed to {}", recipients.join(", ")),
        Seal::Passphrase => "sealed with a passphrase".to_owned(),
        Seal::Plain => "in plain".to_owned(),
    }
}

fn built(run: &Run) -> String {
    run.earlier.as_ref().map_or_else(|| "from nothing".to_owned(), |it| format!("on the bundle in {it}"))
}

/// A line of the journal: what was finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    /// The first.
    Run {
        version: u32,
        run: Run,
    },
    File {
        path: BundlePath,
        facts: FileFacts,
    },
    Dump(FinishedDump),
    Media(MediaFile),
    /// Put here from the earlier bundle, in whose inventory its line stands.
    Kept(KeptMedia),
    /// An upload in parts was begun; one that isn't finished costs its owner money until it is aborted.
    Upload {
        path: BundlePath,
        id: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptMedia {
    pub key: MediaKey,
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<DateTime<Utc>>,
}

/// The dump, with what is only known once it was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedDump {
    pub path: BundlePath,
    /// As it lies in the bundle, sealed or not.
    pub file: FileFacts,
    pub dump: DumpFacts,
    pub tables: BTreeMap<String, TableFacts>,
}

/// With its newline: `[<end>,{"<kind>":{…}}]`. `end`: of a tar, the offset after the member.
pub(super) fn line(end: Option<u64>, record: &Record) -> Vec<u8> {
    // Only a map whose keys are no strings, or a failing writer, could be refused: neither is here.
    let mut line = serde_json::to_vec(&(end, record)).unwrap_or_default();
    line.push(b'\n');
    line
}

pub(super) fn parse(line: &[u8]) -> Option<(Option<u64>, Record)> {
    serde_json::from_slice(line).ok()
}
