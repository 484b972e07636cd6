//! Checking that a bundle is whole and what it says: every digest, every file there and none besides, the dump row by row, the secrets on a stored
//! value. It needs no cluster and no database.
//!
//! Everything is read once, in whatever order it comes, so that a pipe can be checked as well as a folder: [`seen`] gathers, [`judge`] compares.

mod judge;
mod media;
mod seen;
mod signed;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::format::{ContentDigest, Finding, Manifest, Preflight, Severity, VERSION, Verify};
use crate::place::{Place, PlaceError, Reader};
use crate::progress::{Event, Stage, Told};
use crate::seal::Identities;
use crate::sign::PublicKey;

pub(crate) use judge::{compare_tables, identity, needed};
use seen::Seen;
pub(crate) use seen::{Hashing, hashed};

/// What was found, and what the bundle says of itself.
#[derive(Debug, Clone)]
pub struct Verified {
    pub verify: Verify,
    pub preflight: Option<Preflight>,
    pub manifest: Option<Manifest>,
}

/// With what a bundle is checked.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Without them a sealed dump is only compared with its digest.
    pub identities: Option<&'a Identities>,
    /// One of whom has to have signed it; without any, a signature is not looked at.
    pub signers: &'a [PublicKey],
    /// As `VERIFY.json` names who checked it.
    pub verified_by: &'a str,
}

/// Reads everything.
///
/// # Errors
/// [`PlaceError`] where nothing can be read there at all, or what comes is no archive to its end; whatever else is wrong is a finding.
pub async fn verify(
    place: &Place,
    options: Options<'_>,
    now: &(dyn Fn() -> DateTime<Utc> + Sync),
    told: &Told,
) -> Result<Verified, PlaceError> {
    told(Event::Stage { stage: Stage::Comparing, bytes: None, files: None });
    let mut seen = Seen::new(options.identities, told);
    match Reader::open(place).await? {
        Reader::Stream(stream) => seen.stream(stream).await?,
        Reader::Bundle(bundle) => match bundle.members().await? {
            Some(stream) => seen.stream(stream).await?,
            None => seen.tree(&bundle).await?,
        },
    }
    let judged = judge::judge(&mut seen, options.signers);
    for finding in &judged.findings {
        told(Event::Found { finding: finding.clone() });
    }
    let verify = Verify {
        format: VERSION,
        verified_by: options.verified_by.to_owned(),
        verified_at: now(),
        content_digest: judged.content_digest,
        restored: None::<BTreeMap<String, u64>>,
        media_checked: seen.media.count(),
        secrets_proved: judged.secrets_proved,
        findings: judged.findings,
    };
    Ok(Verified { verify, preflight: seen.preflight, manifest: seen.manifest })
}

struct Judged {
    findings: Vec<Finding>,
    content_digest: Option<ContentDigest>,
    secrets_proved: Option<bool>,
}

pub(crate) fn wrong(object: &str, reason: &str, sentence: String) -> Finding {
    Finding { severity: Severity::Wrong, object: object.to_owned(), reason: reason.to_owned(), sentence }
}

pub(crate) fn notice(object: &str, reason: &str, sentence: String) -> Finding {
    Finding { severity: Severity::Notice, object: object.to_owned(), reason: reason.to_owned(), sentence }
}
