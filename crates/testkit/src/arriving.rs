//! A small bundle of a server elsewhere, as `howdah bundle create` lays it out: whole, sealed, with nothing in its database that is encrypted.

use std::collections::BTreeMap;
use std::io::Write as _;

use age::x25519::{Identity, Recipient};
use howdah_bundle::format::{
    self, AmcheckResult, Checks, Collation, Consistency, ContentDigest, Counts, Domains, DumpFacts, Expected, FileFacts, InventoryFacts,
    Manifest, Mastodon, MediaStore, MediaStoreKind, Multiset, Postgresql, Preflight, Schema, Seal, Sha256Hex, VERSION,
};
use howdah_bundle::seal::{Phrase, RecoveryKey, WorkFactor};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::rows::now;

pub struct Arriving {
    /// By path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What opens it: `AGE-SECRET-KEY-1…`, or a recovery phrase.
    pub key: String,
    /// `SECRET_KEY_BASE` of its server.
    pub secret_key_base: String,
}

const MEDIA: &str = "media/accounts/avatars/109/1/original/a.png";

/// # Panics
/// Where a bundle can't be made at all.
#[must_use]
pub fn bundle(domain: &str, version: &str) -> Arriving {
    let key = Identity::generate();
    made(domain, version, &key.to_public(), secret(&key), None)
}

/// One that a recovery phrase opens: that is its key.
///
/// # Panics
/// Where a bundle can't be made at all.
#[must_use]
pub fn bundle_with_phrase(domain: &str, version: &str) -> Arriving {
    let phrase = Phrase::of([5; 24]).passphrase();
    let (key, public) = RecoveryKey::make(&phrase, WorkFactor::RANDOM).expect("a phrase seals");
    let recipient = public.parse().expect("a public key is a recipient");
    made(domain, version, &recipient, phrase.expose_secret().to_owned(), Some(&key))
}

fn made(domain: &str, version: &str, recipient: &Recipient, key: String, recovery_key: Option<&RecoveryKey>) -> Arriving {
    let secret_key_base = "5".repeat(128);
    let mut files = BTreeMap::from([(MEDIA.to_owned(), b"png".to_vec())]);
    let sealed = |plain: &[u8]| seal(recipient, plain);
    let mut put = |name: &str, bytes: Vec<u8>| files.insert(name.to_owned(), bytes);
    put(format::PREFLIGHT, json(&preflight(domain, version)));
    put(
        format::CHECKS,
        json(&Checks { amcheck: AmcheckResult::Run { indexes: Vec::new() }, duplicates: Vec::new(), extensions: Vec::new() }),
    );
    put(format::ENV_DOTENV, b"LOCAL_DOMAIN=x\n".to_vec());
    put(format::ENV_COMPOSE, b"LOCAL_DOMAIN=x\n".to_vec());
    put(&format!("{}.age", format::SECRETS), sealed(secrets(&secret_key_base).as_bytes()));
    put(&format!("{}.age", format::DUMP), sealed(b"PGDMP"));
    put(format::INVENTORY, b"{}\n".to_vec());
    if let Some(key) = recovery_key {
        put(format::RECOVERY_KEY, key.as_bytes().to_vec());
    }
    let facts = |bytes: &Vec<u8>| FileFacts { bytes: bytes.len() as u64, sha256: Sha256Hex::of(bytes) };
    let listed = files.iter().filter(|(path, _)| path.as_str() != MEDIA);
    let manifest = Manifest {
        format: VERSION,
        made_by: "a test".to_owned(),
        started_at: now(),
        finished_at: now(),
        consistency: Consistency::Stopped,
        files: listed.map(|(path, bytes)| (format::BundlePath::parse(path).expect("a bundle's path"), facts(bytes))).collect(),
        inventory: InventoryFacts { files: 1, bytes: 3, sha256: Sha256Hex::of(b"{}\n"), missing: 0, orphans: 0 },
        dump: DumpFacts { pg_dump: "17".to_owned(), compression: "zstd".to_owned(), bytes: 5, sha256: Sha256Hex::of(b"PGDMP") },
        tables: BTreeMap::new(),
        content_digest: ContentDigest::of(&Multiset::default(), []),
        seal: Seal::Recipients { recipients: vec![recipient.to_string()] },
    };
    files.insert(format::MANIFEST.to_owned(), json(&manifest));
    Arriving { files, key, secret_key_base }
}

fn secret(key: &Identity) -> String {
    key.to_string().expose_secret().to_owned()
}

fn json(it: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(it).expect("a bundle's file is JSON")
}

fn seal(recipient: &Recipient, plain: &[u8]) -> Vec<u8> {
    let recipients: Vec<&dyn age::Recipient> = vec![recipient];
    let encryptor = age::Encryptor::with_recipients(recipients.into_iter()).expect("there is a recipient");
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).expect("a header is written");
    writer.write_all(plain).expect("a few bytes are written");
    writer.finish().expect("the end is written");
    sealed
}

fn secrets(secret_key_base: &str) -> String {
    let names = [
        "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY",
        "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY",
        "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT",
        "VAPID_PRIVATE_KEY",
        "VAPID_PUBLIC_KEY",
    ];
    let others: String = names.iter().map(|it| format!("{it}={}\n", "k".repeat(32))).collect();
    format!("SECRET_KEY_BASE={secret_key_base}\n{others}")
}

fn preflight(domain: &str, version: &str) -> Preflight {
    Preflight {
        format: VERSION,
        made_by: "a test".to_owned(),
        created_at: now(),
        consistency: Consistency::Stopped,
        domains: Domains { local: domain.to_owned(), web: domain.to_owned(), alternate: Vec::new() },
        mastodon: Mastodon { version: Some(version.to_owned()), source: None, commit: None, fork: None },
        schema: Schema { newest_migration: "20250924170259".to_owned(), migrations: 500, post_deployment_complete: Some(true) },
        postgresql: Postgresql {
            version: "17.1".to_owned(),
            version_num: 170_001,
            encoding: "UTF8".to_owned(),
            collation: Collation {
                provider: "libc".to_owned(),
                collate: "C".to_owned(),
                ctype: "C".to_owned(),
                version: None,
                library_version: None,
            },
            extensions: Vec::new(),
        },
        media: MediaStore { kind: MediaStoreKind::Disk, public_base_url: None },
        counts: Counts { local_users: 7, local_statuses: 1234, local_media: 1, tables: BTreeMap::new() },
        expected: Expected { database_bytes: 5000, media_bytes: 3 },
        ciphertexts: Vec::new(),
    }
}
