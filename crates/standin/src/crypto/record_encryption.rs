//! `ActiveRecord::Encryption`, non-deterministic: AES-256-GCM, the message as JSON with `p`, `h.iv` and `h.at`, all strict base64.
//!
//! A text of more than 140 bytes, as each signing key is, goes through zlib first, and `h.c` says so
//! (rails: `activerecord/lib/active_record/encryption/{encryptor,message_serializer}.rb`).

use std::io::{Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use data_encoding::BASE64;
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde_json::Value;

use super::keys::record_encryption_key;
use super::random_bytes;
use crate::config::Identity;

pub struct RecordCipher {
    key: LessSafeKey,
}

#[derive(Debug, thiserror::Error)]
#[error("ActiveRecord::Encryption::Errors::Decryption: the stored value does not open with this server's ACTIVE_RECORD_ENCRYPTION keys")]
pub struct DecryptionFailed;

const TAG: usize = 16;
/// Longer texts are compressed (`THRESHOLD_TO_JUSTIFY_COMPRESSION`).
const SHORT: usize = 140;

impl RecordCipher {
    pub fn new(identity: &Identity) -> Self {
        let keys = &identity.record_encryption;
        let key = record_encryption_key(&keys.primary_key, &keys.key_derivation_salt);
        Self { key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("the key has 32 bytes")) }
    }

    pub fn encrypt(&self, clear: &str) -> String {
        self.encrypt_with(random_bytes(12).try_into().expect("twelve bytes were asked for"), clear)
    }

    /// With an initialization vector that is chosen by the caller, who uses none twice for different texts.
    pub fn encrypt_with(&self, iv: [u8; 12], clear: &str) -> String {
        let is_long = clear.len() > SHORT;
        let mut sealed = if is_long { compressed(clear.as_bytes()) } else { clear.as_bytes().to_vec() };
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut sealed)
            .expect("a key fits in a message");
        let [payload, iv, tag] = [&sealed, iv.as_slice(), tag.as_ref()].map(|bytes| BASE64.encode(bytes));
        let says_so = if is_long { r#","c":true"# } else { "" };
        format!(r#"{{"p":"{payload}","h":{{"iv":"{iv}","at":"{tag}"{says_so}}}}}"#)
    }

    pub fn decrypt(&self, stored: &str) -> Result<String, DecryptionFailed> {
        self.open(stored).ok_or(DecryptionFailed)
    }

    fn open(&self, stored: &str) -> Option<String> {
        let message: Value = serde_json::from_str(stored).ok()?;
        let part = |value: &Value| BASE64.decode(value.as_str()?.as_bytes()).ok();
        let iv: [u8; 12] = part(&message["h"]["iv"])?.try_into().ok()?;
        let tag = part(&message["h"]["at"]).filter(|tag| tag.len() == TAG)?;
        let mut sealed = [part(&message["p"])?, tag].concat();
        let clear = self.key.open_in_place(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut sealed).ok()?;
        if message["h"]["c"] == true {
            let mut text = String::new();
            ZlibDecoder::new(&*clear).read_to_string(&mut text).ok()?;
            return Some(text);
        }
        String::from_utf8(clear.to_vec()).ok()
    }
}

fn compressed(clear: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(clear).and_then(|()| encoder.finish()).expect("memory takes what is written to it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Process};

    fn cipher(primary_key: &str) -> RecordCipher {
        let env = crate::config::whole_environment().with("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY", primary_key);
        RecordCipher::new(&Config::read(&env, Process::Task).unwrap().identity)
    }

    /// The stored value was made by Ruby's OpenSSL with the key that ActiveSupport 7.2 derives.
    #[test]
    fn what_rails_stored_opens_and_a_foreign_key_opens_nothing() {
        let stored = r#"{"p":"1J/6","h":{"iv":"MDAwMDAwMDAwMDAw","at":"Lt6pyKg5xcCm9oRXy00xTg=="}}"#;
        let own = cipher(&"a".repeat(32));
        assert_eq!(own.decrypt(stored).unwrap(), "PEM");
        assert_eq!(own.decrypt(&own.encrypt("key")).unwrap(), "key");
        assert!(cipher("another").decrypt(stored).is_err());
    }

    #[test]
    fn a_value_is_written_as_rails_writes_it() {
        assert_eq!(
            cipher(&"a".repeat(32)).encrypt_with(*b"000000000000", "PEM"),
            r#"{"p":"1J/6","h":{"iv":"MDAwMDAwMDAwMDAw","at":"Lt6pyKg5xcCm9oRXy00xTg=="}}"#
        );
    }

    #[test]
    fn a_long_value_is_compressed_and_says_so() {
        let (own, pem) = (cipher("own"), "-----BEGIN PRIVATE KEY-----\n".repeat(60));
        let stored = own.encrypt(&pem);
        assert!(stored.len() < pem.len() && stored.ends_with(r#","c":true}}"#), "{stored}");
        assert_eq!(own.decrypt(&stored).unwrap(), pem);
        assert!(own.encrypt(&"x".repeat(141)).contains(r#""c""#) && !own.encrypt(&"x".repeat(140)).contains(r#""c""#));
    }
}
