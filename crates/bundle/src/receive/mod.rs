//! The first look at a bundle that somebody brings: from its small files and a listing alone, in seconds, before anything of it is taken in.
//!
//! What is found here is what a receiver can know then. That the dump's rows and the media's bytes are what the manifest says is known when
//! they are loaded.

mod fork;

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::format::{
    self, AmcheckResult, Checks, Consistency, Finding, INVENTORY, MISSING, Manifest, ORPHANS, Preflight, SECRETS, Seal, Severity,
    Sha256Hex, VERSION,
};
use crate::seal::{self, Identities};
use crate::source::Identity;
use crate::verify::{identity, needed, notice, wrong};

/// The files that are read for the first look, where they are there; each is at most [`HELD`] bytes.
pub const READ: [&str; 6] =
    [format::PREFLIGHT, format::MANIFEST, format::CHECKS, format::SECRETS, "env/secrets.env.age", format::RECOVERY_KEY];
/// Nothing that describes a bundle is larger.
pub const HELD: u64 = 16 << 20;

/// What was read and listed of it, by path.
#[derive(Debug, Default)]
pub struct Brought {
    /// Of [`READ`].
    pub held: BTreeMap<String, Vec<u8>>,
    /// Every file but the media, and its bytes.
    listed: BTreeMap<String, u64>,
    /// Files and bytes.
    media: (u64, u64),
}

impl Brought {
    /// A file is there. Of media the sums are enough: there may be millions. False where there are more files than any bundle has.
    #[must_use]
    pub fn list(&mut self, path: String, bytes: u64) -> bool {
        const OTHERS: usize = 1000;
        const MEDIA_FILES: u64 = 20_000_000;
        if path.starts_with("media/") && ![INVENTORY, MISSING, ORPHANS].contains(&path.as_str()) {
            let (files, sum) = self.media;
            self.media = (files + 1, sum.saturating_add(bytes));
        } else {
            self.listed.insert(path, bytes);
        }
        self.listed.len() <= OTHERS && self.media.0 <= MEDIA_FILES
    }

    /// Paths of all that is no media.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.listed.keys().map(String::as_str)
    }

    #[must_use]
    pub const fn media_bytes(&self) -> u64 {
        self.media.1
    }
}

pub struct Look {
    pub preflight: Preflight,
    pub manifest: Manifest,
    pub findings: Vec<Finding>,
    /// Where the secrets were opened, are whole, and open what the database holds.
    pub identity: Option<Identity>,
    /// The identity file that a passphrase opened.
    pub unlocked: Option<SecretString>,
}

impl Look {
    /// Whether anything speaks against taking it in.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|it| it.severity != Severity::Wrong)
    }
}

/// Without `identities`, sealed secrets stay closed: that is no finding, and there is no identity.
///
/// # Errors
/// What is wrong with it, where it is no bundle at all.
pub fn look(brought: &Brought, identities: Option<&Identities>) -> Result<Look, Finding> {
    let preflight: Preflight = parsed(brought, format::PREFLIGHT)?;
    let manifest: Manifest = parsed(brought, format::MANIFEST)?;
    for (file, version) in [(format::PREFLIGHT, preflight.format), (format::MANIFEST, manifest.format)] {
        if version != VERSION {
            let sentence = format!("{file} is of version {version} of the format, and this program knows {VERSION}");
            return Err(wrong(file, "unknown_version", sentence));
        }
    }
    let mut findings = Vec::new();
    whole(brought, &manifest, &mut findings);
    server(&preflight, &mut findings);
    if let Some(checks) = brought.held.get(format::CHECKS).and_then(|it| serde_json::from_slice(it).ok()) {
        database(&checks, &mut findings);
    }
    let unlocked = unlock(brought, &manifest, identities, &mut findings);
    let opened = unlocked.as_ref().and_then(|it| Identities::file(it).ok());
    let identity = secrets(brought, &manifest, &preflight, opened.as_ref().or(identities), &mut findings);
    Ok(Look { preflight, manifest, findings, identity, unlocked })
}

fn parsed<T: serde::de::DeserializeOwned>(brought: &Brought, name: &str) -> Result<T, Finding> {
    let Some(bytes) = brought.held.get(name) else {
        let sentence = match name {
            format::MANIFEST => "MANIFEST.json is missing: the bundle was never finished, or not all of it has arrived".to_owned(),
            _ => format!("{name} is missing: this is no bundle, or not all of it has arrived"),
        };
        return Err(wrong(name, "missing", sentence));
    };
    serde_json::from_slice(bytes).map_err(|error| wrong(name, "unreadable", format!("{name} is not as the format has it: {error}")))
}

/// Every file that the manifest names, of its size, and as much media as the inventory has; what was read, to the byte.
fn whole(brought: &Brought, manifest: &Manifest, findings: &mut Vec<Finding>) {
    for name in needed(&manifest.seal).iter().filter(|name| !manifest.files.keys().any(|it| it.as_str() == **name)) {
        findings.push(wrong(name, "missing", format!("MANIFEST.json has no {name}, which every bundle has")));
    }
    for (path, facts) in &manifest.files {
        let held = brought.held.get(path.as_str());
        match brought.listed.get(path.as_str()) {
            None => findings.push(wrong(path.as_str(), "missing", format!("{path} is missing: not all of the bundle has arrived"))),
            Some(bytes) if *bytes != facts.bytes || held.is_some_and(|it| Sha256Hex::of(it) != facts.sha256) => {
                let sentence = format!("{path} is not what it was when the bundle was made: bring it again");
                findings.push(wrong(path.as_str(), "digest_differs", sentence));
            }
            Some(_) => {}
        }
    }
    let (files, bytes) = brought.media;
    let said = &manifest.inventory;
    if (files, bytes) != (said.files, said.bytes) {
        let sentence = format!(
            "{files} media files of {bytes} bytes are there, and MANIFEST.json says {} of {}: not all of the bundle has arrived, or something was added",
            said.files, said.bytes
        );
        findings.push(wrong(format::MEDIA, "media_differs", sentence));
    }
    if said.missing > 0 {
        let sentence = format!(
            "{} media files are not in the bundle: the old server lacked them, or none were taken along. media/MISSING.ndjson names them",
            said.missing
        );
        findings.push(notice(MISSING, "missing_before", sentence));
    }
}

/// What can't be run here, and what is better known.
fn server(preflight: &Preflight, findings: &mut Vec<Finding>) {
    findings.extend(fork::judge(&preflight.mastodon));
    let postgresql = &preflight.postgresql;
    if !postgresql.encoding.eq_ignore_ascii_case("UTF8") {
        let sentence = format!("the database is encoded in {}, and Mastodon's is UTF8", postgresql.encoding);
        findings.push(wrong("postgresql", "encoding", sentence));
    }
    if preflight.consistency == Consistency::Live {
        let sentence = "the bundle was made while the old server served: what was written there since is not in it. Stop the old server and \
                        bring a last bundle before you cut over";
        findings.push(notice(format::PREFLIGHT, "live", sentence.to_owned()));
    }
}

fn database(checks: &Checks, findings: &mut Vec<Finding>) {
    for duplicates in &checks.duplicates {
        let sentence = format!("{duplicates}. Run `tootctl maintenance fix-duplicates` on the old server, and make the bundle anew");
        findings.push(wrong(&duplicates.table, "duplicates", sentence));
    }
    if let AmcheckResult::Run { indexes } = &checks.amcheck {
        let corrupt = indexes.iter().filter(|it| it.error.is_some()).count();
        if corrupt > 0 {
            let sentence =
                format!("{corrupt} indexes of the old database are corrupt. They are made anew here, so nothing is lost by that");
            findings.push(notice(format::CHECKS, "corrupt_indexes", sentence));
        }
    }
}

/// A passphrase opens the bundle's recovery key, where it has one.
fn unlock(brought: &Brought, manifest: &Manifest, identities: Option<&Identities>, findings: &mut Vec<Finding>) -> Option<SecretString> {
    let has_key = manifest.files.keys().any(|it| it.as_str() == format::RECOVERY_KEY);
    let key = brought.held.get(format::RECOVERY_KEY).filter(|_| has_key)?;
    seal::unlocked(identities?, key).unwrap_or_else(|error| {
        findings.push(wrong(format::RECOVERY_KEY, "not_opened", error.to_string()));
        None
    })
}

fn secrets(
    brought: &Brought,
    manifest: &Manifest,
    preflight: &Preflight,
    identities: Option<&Identities>,
    findings: &mut Vec<Finding>,
) -> Option<Identity> {
    let opened = if manifest.seal == Seal::Plain {
        brought.held.get(SECRETS)?.clone()
    } else {
        let name = format!("{SECRETS}{}", format::SEALED);
        let sealed = brought.held.get(&name)?;
        match seal::open(&name, sealed, identities?) {
            Ok(opened) => opened,
            Err(error) => {
                findings.push(wrong(SECRETS, "not_opened", error.to_string()));
                return None;
            }
        }
    };
    identity(opened, &preflight.ciphertexts, findings)
}
