//! What was read against what the bundle says of itself.

use std::collections::BTreeMap;

use super::seen::{DumpFault, DumpSeen, NAMED, Seen};
use super::{Judged, notice, signed, wrong};
use crate::format::{self, Ciphertext, ContentDigest, Finding, Manifest, Seal, TableFacts, VERSION};
use crate::sign::PublicKey;
use crate::source::{self, Environment, Identity, Needs, Outcome};

pub(super) fn judge(seen: &mut Seen<'_>, signers: &[PublicKey]) -> Judged {
    let mut findings = std::mem::take(&mut seen.findings);
    let manifest = seen.manifest.clone();
    versions(seen, &mut findings);
    findings.extend(signed::judge(&seen.held, signers, manifest.as_ref()));
    let content_digest = match &manifest {
        None => {
            if !findings.iter().any(|it| it.object == format::MANIFEST) {
                let sentence = "MANIFEST.json is missing: the bundle was never finished. Run what made it once more, with the same options";
                findings.push(wrong(format::MANIFEST, "missing", sentence.to_owned()));
            }
            None
        }
        Some(manifest) => {
            files(seen, manifest, &mut findings);
            inventory(seen, manifest, &mut findings);
            dump(seen, manifest, &mut findings).and_then(|tables| content(seen, manifest, &tables, &mut findings))
        }
    };
    let secrets_proved = secrets(seen, &mut findings);
    Judged { findings, content_digest, secrets_proved }
}

fn versions(seen: &Seen<'_>, findings: &mut Vec<Finding>) {
    let versions =
        [(format::PREFLIGHT, seen.preflight.as_ref().map(|it| it.format)), (format::MANIFEST, seen.manifest.as_ref().map(|it| it.format))];
    for (file, version) in versions {
        if let Some(version) = version.filter(|it| *it != VERSION) {
            let sentence = format!("{file} is of version {version} of the format, and this program knows {VERSION}: take a newer howdah");
            findings.push(wrong(file, "unknown_version", sentence));
        }
    }
    if seen.preflight.is_none() && !findings.iter().any(|it| it.object == format::PREFLIGHT) {
        findings.push(wrong(format::PREFLIGHT, "missing", "PREFLIGHT.json is missing".to_owned()));
    }
}

/// All that the manifest names, and nothing besides.
fn files(seen: &Seen<'_>, manifest: &Manifest, findings: &mut Vec<Finding>) {
    const BESIDE: [&str; 4] = [format::MANIFEST, format::SIGNATURE, format::VERIFY, format::VERIFY_SIGNATURE];
    for name in needed(&manifest.seal).iter().filter(|name| !manifest.files.keys().any(|it| it.as_str() == **name)) {
        findings.push(wrong(name, "missing", format!("MANIFEST.json has no {name}, which every bundle has")));
    }
    for (path, facts) in &manifest.files {
        match seen.files.get(path) {
            None => findings.push(wrong(path.as_str(), "missing", format!("{path} is missing"))),
            Some(found) if found != facts => {
                let sentence = format!("{path} is not what it was when the bundle was made");
                findings.push(wrong(path.as_str(), "digest_differs", sentence));
            }
            Some(_) => {}
        }
    }
    for path in seen.files.keys().filter(|it| !manifest.files.contains_key(*it) && !BESIDE.contains(&it.as_str())).take(NAMED) {
        findings.push(wrong(path.as_str(), "not_in_manifest", format!("{path} is not in MANIFEST.json: somebody added it")));
    }
}

/// What every bundle has.
pub(crate) fn needed(seal: &Seal) -> [String; 7] {
    let sealed = if *seal == Seal::Plain { "" } else { format::SEALED };
    let [dump, secrets] = [format::DUMP, format::SECRETS].map(|it| format!("{it}{sealed}"));
    let [preflight, dotenv, compose, checks, inventory] =
        [format::PREFLIGHT, format::ENV_DOTENV, format::ENV_COMPOSE, format::CHECKS, format::INVENTORY].map(str::to_owned);
    [preflight, dotenv, compose, secrets, checks, dump, inventory]
}

fn inventory(seen: &Seen<'_>, manifest: &Manifest, findings: &mut Vec<Finding>) {
    let unnamed = seen.media.unnamed();
    if unnamed > 0 {
        let sentence = format!("{unnamed} media files are not in the inventory: somebody added them");
        findings.push(wrong(format::MEDIA, "not_in_inventory", sentence));
    }
    let (files, bytes) = seen.inventory;
    let said = &manifest.inventory;
    let read = seen.files.iter().find(|(path, _)| path.as_str() == format::INVENTORY).map(|(_, facts)| facts.sha256);
    if (files, bytes) != (said.files, said.bytes) || read.is_some_and(|it| it != said.sha256) {
        let sentence = format!("the inventory has {files} files of {bytes} bytes, and MANIFEST.json says {} of {}", said.files, said.bytes);
        findings.push(wrong(format::INVENTORY, "inventory_differs", sentence));
    }
    if said.missing > 0 {
        let sentence = format!(
            "{} media files are not in the bundle: the server lacked them, or none were taken along. media/MISSING.ndjson names them",
            said.missing
        );
        findings.push(notice(format::MISSING, "missing_before", sentence));
    }
}

/// The tables of the dump, where it could be read.
fn dump(seen: &mut Seen<'_>, manifest: &Manifest, findings: &mut Vec<Finding>) -> Option<BTreeMap<String, TableFacts>> {
    let DumpSeen { content, tables } = seen.dump.take()?;
    match tables {
        None => {
            let how = match manifest.seal {
                Seal::Passphrase => "--passphrase-file",
                _ => "--identity",
            };
            let sentence =
                format!("the dump is sealed and was not opened: it was compared with its digest alone. Give {how} to have its rows read");
            findings.push(notice(format::DUMP, "not_opened", sentence));
            None
        }
        Some(Err(DumpFault::Seal(error))) => {
            findings.push(wrong(format::DUMP, "not_opened", error.to_string()));
            None
        }
        Some(Err(DumpFault::Archive(error))) => {
            findings.push(wrong(format::DUMP, "unreadable", error.to_string()));
            None
        }
        Some(Ok(tables)) => {
            let said = (manifest.dump.bytes, manifest.dump.sha256);
            if content.is_some_and(|it| (it.bytes, it.sha256) != said) {
                findings.push(wrong(
                    format::DUMP,
                    "digest_differs",
                    "the opened dump is not what it was when the bundle was made".to_owned(),
                ));
            }
            compare_tables(&manifest.tables, &tables, findings);
            Some(tables)
        }
    }
}

/// Also for what was loaded into a database.
pub(crate) fn compare_tables(said: &BTreeMap<String, TableFacts>, found: &BTreeMap<String, TableFacts>, findings: &mut Vec<Finding>) {
    for (name, facts) in said {
        match found.get(name) {
            None => findings.push(wrong(name, "table_missing", format!("the dump has no table `{name}`"))),
            Some(it) if it.rows != facts.rows => {
                let sentence = format!("table `{name}` has {} rows in the dump, and MANIFEST.json says {}", it.rows, facts.rows);
                findings.push(wrong(name, "rows_differ", sentence));
            }
            Some(it) if it.digest != facts.digest => {
                findings.push(wrong(name, "rows_differ", format!("rows of table `{name}` are not what MANIFEST.json says")));
            }
            Some(_) => {}
        }
    }
    for name in found.keys().filter(|it| !said.contains_key(*it)) {
        findings.push(wrong(name, "table_added", format!("the dump has a table `{name}` that MANIFEST.json doesn't name")));
    }
}

fn content(
    seen: &Seen<'_>,
    manifest: &Manifest,
    tables: &BTreeMap<String, TableFacts>,
    findings: &mut Vec<Finding>,
) -> Option<ContentDigest> {
    let digest = ContentDigest::of(&seen.media.digest, tables.iter().map(|(name, it)| (name.as_str(), it.rows, it.digest)));
    if digest != manifest.content_digest {
        let sentence = format!("the content digest is {digest}, and MANIFEST.json says {}", manifest.content_digest);
        findings.push(wrong(format::MANIFEST, "content_differs", sentence));
    }
    Some(digest)
}

/// Whether the secrets open what the database holds; none where they were not opened, or nothing is encrypted.
fn secrets(seen: &mut Seen<'_>, findings: &mut Vec<Finding>) -> Option<bool> {
    let opened = match seen.secrets.take() {
        None if seen.files.keys().any(|it| it.as_str().starts_with(format::SECRETS)) => {
            findings.push(notice(format::SECRETS, "not_opened", "the secrets are sealed and were not opened".to_owned()));
            return None;
        }
        None => {
            findings.push(wrong(
                format::SECRETS,
                "missing",
                "the secrets are missing: without them the server can't be brought back".to_owned(),
            ));
            return Some(false);
        }
        Some(Err(error)) => {
            findings.push(wrong(format::SECRETS, "not_opened", error.to_string()));
            return Some(false);
        }
        Some(Ok(opened)) => opened,
    };
    let ciphertexts = &seen.preflight.as_ref()?.ciphertexts;
    let is_right = identity(opened, ciphertexts, findings).is_some();
    (!is_right || !ciphertexts.is_empty()).then_some(is_right)
}

/// The identity that opened secrets are, where it is whole and opens what the database holds.
pub(crate) fn identity(opened: Vec<u8>, ciphertexts: &[Ciphertext], findings: &mut Vec<Finding>) -> Option<Identity> {
    let Ok(text) = String::from_utf8(opened) else {
        findings.push(wrong(format::SECRETS, "unreadable", "the secrets are not text".to_owned()));
        return None;
    };
    let identity = Identity::parse(&Environment::from_dotenv(&text, &|_| None));
    let missing = identity.missing(Needs { record_encryption: !ciphertexts.is_empty(), otp_secret: false });
    if !missing.is_empty() {
        let sentence = format!("the secrets lack {}: without them the server can't be brought back", missing.join(", "));
        findings.push(wrong(format::SECRETS, "secrets_missing", sentence));
        return None;
    }
    let failed: Vec<_> = source::prove_some(&identity, ciphertexts).filter(|it| it.outcome != Outcome::Proved).collect();
    for proof in &failed {
        findings.push(wrong(format::SECRETS, "secrets_wrong", proof.to_string()));
    }
    failed.is_empty().then_some(identity)
}
