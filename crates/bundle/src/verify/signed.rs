//! Who signed: `SIGNATURE` over `MANIFEST.json`, by whoever made the bundle, and `VERIFY.SIGNATURE` over `VERIFY.json`, by whoever checked it.

use std::collections::BTreeMap;

use super::{notice, wrong};
use crate::format::{self, Finding, Manifest, Verify};
use crate::sign::PublicKey;

/// What is held until all is read: the two files that are signed, and their signatures.
pub(super) const HELD: [&str; 4] = [format::MANIFEST, format::SIGNATURE, format::VERIFY, format::VERIFY_SIGNATURE];

/// `held`: their bytes. A bundle that nobody signed is as good as its digests where no signer is asked for.
pub(super) fn judge(held: &BTreeMap<&'static str, Vec<u8>>, signers: &[PublicKey], manifest: Option<&Manifest>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if held.contains_key(format::MANIFEST) {
        match signature(held, format::MANIFEST, format::SIGNATURE, signers) {
            Signature::Absent if signers.is_empty() => {}
            Signature::Absent => {
                let sentence = "the bundle is not signed, and --signer says by whom it has to be: get it from them, or leave --signer out";
                findings.push(wrong(format::SIGNATURE, "not_signed", sentence.to_owned()));
            }
            Signature::NotAsked => {
                let sentence =
                    "the bundle is signed, and the signature was not checked: give --signer with the public key of whoever made it";
                findings.push(notice(format::SIGNATURE, "signature_not_checked", sentence.to_owned()));
            }
            Signature::Differs => findings.push(differs(format::MANIFEST, format::SIGNATURE)),
            Signature::Holds => {}
        }
    }
    if held.contains_key(format::VERIFY) {
        match signature(held, format::VERIFY, format::VERIFY_SIGNATURE, signers) {
            Signature::Differs => findings.push(differs(format::VERIFY, format::VERIFY_SIGNATURE)),
            Signature::Absent if !signers.is_empty() => {
                let sentence = "what VERIFY.json says is signed by nobody: it may be anybody's word";
                findings.push(notice(format::VERIFY, "not_signed", sentence.to_owned()));
            }
            Signature::Absent | Signature::NotAsked | Signature::Holds => {}
        }
        findings.extend(of_another(&held[format::VERIFY], manifest));
    }
    findings
}

enum Signature {
    Absent,
    /// It is there, and no signer was named.
    NotAsked,
    Differs,
    Holds,
}

fn signature(held: &BTreeMap<&'static str, Vec<u8>>, file: &str, name: &str, signers: &[PublicKey]) -> Signature {
    match (held.get(file), held.get(name)) {
        (_, None) | (None, _) => Signature::Absent,
        _ if signers.is_empty() => Signature::NotAsked,
        (Some(bytes), Some(signature)) if signers.iter().any(|it| it.signed(bytes, signature)) => Signature::Holds,
        _ => Signature::Differs,
    }
}

fn differs(file: &'static str, name: &str) -> Finding {
    let sentence = format!("{name} is no signature of this {file} by the --signer given: it was changed, or somebody else signed it");
    wrong(file, "signature_differs", sentence)
}

/// A check of another content says nothing of this bundle.
fn of_another(bytes: &[u8], manifest: Option<&Manifest>) -> Option<Finding> {
    let verify: Verify = match serde_json::from_slice(bytes) {
        Ok(verify) => verify,
        Err(error) => return Some(wrong(format::VERIFY, "unreadable", format!("VERIFY.json is not as the format has it: {error}"))),
    };
    let digest = manifest?.content_digest;
    verify.content_digest.filter(|it| *it != digest).map(|it| {
        let sentence = format!("VERIFY.json is of a bundle whose content is {it}, and this one's is {digest}: take it away");
        wrong(format::VERIFY, "of_another_bundle", sentence)
    })
}
