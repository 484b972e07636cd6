//! What a look into a bundle found, as the record keeps it: what it is, and what speaks against it.

use chrono::{DateTime, Utc};
use howdah_bundle::format::{Consistency, Finding, Manifest, Preflight, Seal, Severity};
use serde::{Deserialize, Serialize};

use crate::text::clipped;

/// Nothing secret, and nothing that the bundle's author could make longer than this.
const LONGEST: usize = 400;
const MOST_FINDINGS: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// `None` where it is no bundle.
    pub server: Option<SeenServer>,
    /// The secrets were opened, are whole, and open what the database holds.
    pub is_proved: bool,
    pub findings: Vec<SeenFinding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenServer {
    pub domain: String,
    pub web_domain: String,
    /// As it runs there; absent where it could not be read.
    pub version: Option<String>,
    /// Under which it will run here.
    pub runs_as: Option<String>,
    pub made_at: DateTime<Utc>,
    /// `live`, `drained` or `stopped`.
    pub consistency: String,
    pub is_sealed: bool,
    pub users: u64,
    pub statuses: u64,
    pub media_files: u64,
    pub media_bytes: u64,
    pub database_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFinding {
    /// It can't be taken in so.
    pub is_wrong: bool,
    /// A file, a table, a key.
    pub object: String,
    pub reason: String,
    pub sentence: String,
}

impl Seen {
    /// Nothing speaks against it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.server.is_some() && self.findings.iter().all(|it| !it.is_wrong)
    }

    /// Something that only this platform knows.
    pub(super) fn refuse(&mut self, object: &str, reason: &str, sentence: String) {
        self.add(&Finding { severity: Severity::Wrong, object: object.to_owned(), reason: reason.to_owned(), sentence });
    }

    pub(super) fn add(&mut self, finding: &Finding) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(SeenFinding {
                is_wrong: finding.severity == Severity::Wrong,
                object: short(&finding.object),
                reason: short(&finding.reason),
                sentence: short(&finding.sentence),
            });
        }
    }
}

impl SeenServer {
    pub(super) fn of(preflight: &Preflight, manifest: &Manifest) -> Self {
        Self {
            domain: short(&preflight.domains.local),
            web_domain: short(&preflight.domains.web),
            version: preflight.mastodon.version.as_deref().map(short),
            runs_as: None,
            made_at: preflight.created_at,
            consistency: match preflight.consistency {
                Consistency::Live => "live",
                Consistency::Drained => "drained",
                Consistency::Stopped => "stopped",
            }
            .to_owned(),
            is_sealed: manifest.seal != Seal::Plain,
            users: preflight.counts.local_users,
            statuses: preflight.counts.local_statuses,
            media_files: manifest.inventory.files,
            media_bytes: manifest.inventory.bytes,
            database_bytes: preflight.expected.database_bytes,
        }
    }
}

fn short(text: &str) -> String {
    clipped(text, LONGEST)
}
