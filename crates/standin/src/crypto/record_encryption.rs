//! `ActiveRecord::Encryption`, non-deterministic: AES-256-GCM, the message as JSON with `p`, `h.iv` and `h.at`, all strict base64.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use data_encoding::BASE64;
use serde_json::{Value, json};

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

impl RecordCipher {
    pub fn new(identity: &Identity) -> Self {
        let keys = &identity.record_encryption;
        let key = record_encryption_key(&keys.primary_key, &keys.key_derivation_salt);
        Self { key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("the key has 32 bytes")) }
    }

    pub fn encrypt(&self, clear: &str) -> String {
        let iv: [u8; 12] = random_bytes(12).try_into().expect("twelve bytes were asked for");
        let mut sealed = clear.as_bytes().to_vec();
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut sealed)
            .expect("a key fits in a message");
        json!({"p": BASE64.encode(&sealed), "h": {"iv": BASE64.encode(&iv), "at": BASE64.encode(tag.as_ref())}}).to_string()
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
        String::from_utf8(clear.to_vec()).ok()
    }
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
}
