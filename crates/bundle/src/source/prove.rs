//! Whether the secrets of an identity decrypt what a database holds.
//!
//! Active Record Encryption, as Mastodon uses it (not deterministic): AES-256-GCM; its key is PBKDF2-HMAC of the primary key, salted with the
//! key derivation salt, 2¹⁶ rounds, by SHA-256, or by SHA-1 for what Rails' defaults before 7.1 encrypted
//! (rails: `activerecord/lib/active_record/encryption/`, `activesupport/lib/active_support/key_generator.rb`). The authentication tag proves
//! the key; what was encrypted is forgotten at once.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Identity;
use super::settings::{DETERMINISTIC_KEY, KEY_DERIVATION_SALT, PRIMARY_KEY};
use crate::format::Ciphertext;

const ROUNDS: NonZeroU32 = NonZeroU32::new(1 << 16).expect("it isn't zero");

/// Of one encrypted column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub table: String,
    pub column: String,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Proved,
    /// The value does not open: one of these variables is not what it was encrypted with, or two of them hold each other's value.
    WrongKey {
        variables: Vec<&'static str>,
    },
    /// These have no value, so that nothing could be tried.
    Missing {
        variables: Vec<&'static str>,
    },
    /// The value is no message of Active Record Encryption's.
    Unreadable {
        why: String,
    },
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, column, outcome } = self;
        match outcome {
            Outcome::Proved => write!(f, "{table}.{column} opens"),
            Outcome::WrongKey { variables } => write!(f, "{table}.{column} does not open with the values of {}", variables.join(", ")),
            Outcome::Missing { variables } => write!(f, "{table}.{column} can't be opened, since {} have no value", variables.join(", ")),
            Outcome::Unreadable { why } => write!(f, "{table}.{column} holds no encrypted value: {why}"),
        }
    }
}

/// One a ciphertext, in their order. Up to half a second of CPU time: off an async runtime's threads where that matters.
#[must_use]
pub fn prove(identity: &Identity, ciphertexts: &[Ciphertext]) -> Vec<Proof> {
    let prover = Prover::of(identity);
    let proof = |it: &Ciphertext| Proof { table: it.table.clone(), column: it.column.clone(), outcome: prover.outcome(&it.value) };
    ciphertexts.iter().map(proof).collect()
}

/// As [`prove`], of a bundle that somebody else made: no more values than there are encrypted columns.
pub(crate) fn prove_some(identity: &Identity, ciphertexts: &[Ciphertext]) -> impl Iterator<Item = Proof> {
    const MOST: usize = 8;
    prove(identity, &ciphertexts[..ciphertexts.len().min(MOST)]).into_iter()
}

/// The keys that the environment means, made once for all ciphertexts.
struct Prover<'a> {
    identity: &'a Identity,
    keys: Option<[LessSafeKey; 2]>,
}

impl<'a> Prover<'a> {
    fn of(identity: &'a Identity) -> Self {
        let keys = identity.primary_key.as_ref().zip(identity.key_derivation_salt.as_ref()).map(|(key, salt)| keys(key, salt));
        Self { identity, keys }
    }

    fn outcome(&self, value: &str) -> Outcome {
        let message = match Message::parse(value) {
            Ok(message) => message,
            Err(why) => return Outcome::Unreadable { why: why.to_owned() },
        };
        match &self.keys {
            None => Outcome::Missing { variables: self.missing() },
            Some(keys) if message.opens(keys) => Outcome::Proved,
            Some(_) => Outcome::WrongKey { variables: self.mixed_up(&message).unwrap_or(vec![PRIMARY_KEY, KEY_DERIVATION_SALT]) },
        }
    }

    fn missing(&self) -> Vec<&'static str> {
        let needed = [(PRIMARY_KEY, &self.identity.primary_key), (KEY_DERIVATION_SALT, &self.identity.key_derivation_salt)];
        needed.into_iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect()
    }

    /// The variables that hold another's value: the three look alike, and are easily put behind each other's names.
    fn mixed_up(&self, message: &Message) -> Option<Vec<&'static str>> {
        let Identity { primary_key, deterministic_key, key_derivation_salt, .. } = self.identity;
        let held = [(PRIMARY_KEY, primary_key), (DETERMINISTIC_KEY, deterministic_key), (KEY_DERIVATION_SALT, key_derivation_salt)];
        for (of_key, key) in held {
            for (of_salt, salt) in held {
                let Some((key, salt)) = key.as_ref().zip(salt.as_ref()) else { continue };
                if of_key != of_salt && message.opens(&keys(key, salt)) {
                    let right = |name: &&str| {
                        *name == PRIMARY_KEY && of_key == PRIMARY_KEY || *name == KEY_DERIVATION_SALT && of_salt == KEY_DERIVATION_SALT
                    };
                    let wrong = [PRIMARY_KEY, KEY_DERIVATION_SALT, of_key, of_salt].into_iter().filter(|it| !right(it));
                    let mut wrong: Vec<_> = wrong.collect();
                    wrong.sort_unstable();
                    wrong.dedup();
                    return Some(wrong);
                }
            }
        }
        None
    }
}

fn keys(primary_key: &SecretString, salt: &SecretString) -> [LessSafeKey; 2] {
    [pbkdf2::PBKDF2_HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA1].map(|algorithm| {
        let mut key = [0; 32];
        pbkdf2::derive(algorithm, ROUNDS, salt.expose_secret().as_bytes(), primary_key.expose_secret().as_bytes(), &mut key);
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("the key has the cipher's 32 bytes"))
    })
}

struct Message {
    iv: [u8; 12],
    /// With the tag behind it.
    sealed: Vec<u8>,
}

impl Message {
    /// Some KB at most are read out of a database: see [`super::Facts::ciphertexts`].
    fn parse(text: &str) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Raw {
            p: String,
            h: Headers,
        }
        #[derive(Deserialize)]
        struct Headers {
            iv: String,
            at: String,
            /// An encrypted key of its own: envelope encryption, which Mastodon doesn't use.
            k: Option<serde_json::Value>,
        }
        let raw: Raw = serde_json::from_str(text).map_err(|_| "it is no message of Active Record Encryption's")?;
        if raw.h.k.is_some() {
            return Err("its key is encrypted by another one, as Mastodon's aren't");
        }
        let bytes = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| "one of its parts is not in base64");
        let iv = bytes(&raw.h.iv)?.try_into().map_err(|_| "its initialization vector has not 12 bytes")?;
        let tag: [u8; 16] = bytes(&raw.h.at)?.try_into().map_err(|_| "its authentication tag has not 16 bytes")?;
        let mut sealed = bytes(&raw.p)?;
        sealed.extend(tag);
        Ok(Self { iv, sealed })
    }

    fn opens(&self, keys: &[LessSafeKey]) -> bool {
        let opens = |key: &LessSafeKey| {
            let nonce = Nonce::assume_unique_for_key(self.iv);
            key.open_in_place(nonce, Aad::empty(), &mut self.sealed.clone()).is_ok()
        };
        keys.iter().any(opens)
    }
}

impl Identity {
    /// Whether the two VAPID keys belong together; absent where one has no value. Their texts are URL-safe base64, the private one without
    /// its leading zeros (gem `webpush`).
    #[must_use]
    pub fn vapid_pair_matches(&self) -> Option<bool> {
        let (private, public) = (self.vapid_private_key.as_ref()?, self.vapid_public_key.as_ref()?);
        let bytes = |text: &SecretString| BASE64URL_NOPAD.decode(text.expose_secret().trim_end_matches('=').as_bytes());
        let (Ok(private), Ok(public)) = (bytes(private), bytes(public)) else { return Some(false) };
        let mut scalar = [0; 32];
        let Some(place) = 32_usize.checked_sub(private.len()) else { return Some(false) };
        scalar[place..].copy_from_slice(&private);
        Some(EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &scalar, &public).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::KeyPair as _;
    use serde_json::json;

    use super::*;
    use crate::source::Environment;

    /// Made by Ruby's OpenSSL with the keys that ActiveSupport 7.2 derives from 32 `a` and 32 `c`, by SHA-256.
    const STORED: &str = r#"{"p":"ppEjcOdJGQWazmPCIAcl7Q==","h":{"iv":"9U1miQbw9nunxKES","at":"j0dC8Z0eCxkv8ApIt73ZWw=="}}"#;
    /// And by SHA-1.
    const STORED_BEFORE_7_1: &str = r#"{"p":"5MPSDEDqfTwQcFaL0oRVRA==","h":{"iv":"8rPnxAH9p9p+SPTO","at":"p0GHgNQVHl5nkV4o5KVuWw=="}}"#;

    fn identity(primary: &str, deterministic: &str, salt: &str) -> Identity {
        let line = |name, value: &str| format!("{name}={}\n", value.repeat(32));
        let text = line(PRIMARY_KEY, primary) + &line(DETERMINISTIC_KEY, deterministic) + &line(KEY_DERIVATION_SALT, salt);
        Identity::parse(&Environment::from_dotenv(&text, &|_| None))
    }

    fn outcome(identity: &Identity, value: &str) -> Outcome {
        let ciphertext = Ciphertext { table: "users".to_owned(), column: "otp_secret".to_owned(), value: value.to_owned() };
        let proofs = prove(identity, &[ciphertext]);
        assert_eq!((proofs.len(), proofs[0].table.as_str(), proofs[0].column.as_str()), (1, "users", "otp_secret"));
        proofs[0].outcome.clone()
    }

    #[test]
    fn what_rails_stored_opens_with_its_keys() {
        for stored in [STORED, STORED_BEFORE_7_1] {
            assert_eq!(outcome(&identity("a", "b", "c"), stored), Outcome::Proved);
        }
    }

    #[test]
    fn a_wrong_key_is_named() {
        for (primary, deterministic, salt, variables) in [
            ("x", "b", "c", vec![PRIMARY_KEY, KEY_DERIVATION_SALT]),
            ("a", "b", "x", vec![PRIMARY_KEY, KEY_DERIVATION_SALT]),
            ("b", "a", "c", vec![DETERMINISTIC_KEY, PRIMARY_KEY]),
            ("c", "b", "a", vec![KEY_DERIVATION_SALT, PRIMARY_KEY]),
            ("a", "c", "b", vec![DETERMINISTIC_KEY, KEY_DERIVATION_SALT]),
        ] {
            assert_eq!(outcome(&identity(primary, deterministic, salt), STORED), Outcome::WrongKey { variables });
        }
        assert_eq!(outcome(&identity("a", "b", ""), STORED), Outcome::Missing { variables: vec![KEY_DERIVATION_SALT] });
    }

    #[test]
    fn another_value_is_no_proof() {
        let mut message: serde_json::Value = serde_json::from_str(STORED).unwrap();
        for value in ["".to_owned(), "PEM".to_owned(), "{}".to_owned(), json!({"p": "!", "h": {"iv": "", "at": ""}}).to_string()] {
            assert!(matches!(outcome(&identity("a", "b", "c"), &value), Outcome::Unreadable { .. }), "{value}");
        }
        message["h"]["at"] = json!(BASE64.encode(&[0; 16]));
        assert!(matches!(outcome(&identity("a", "b", "c"), &message.to_string()), Outcome::WrongKey { .. }));
    }

    #[test]
    fn two_vapid_keys_belong_together_or_do_not() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = BASE64URL_NOPAD.encode(
            aws_lc_rs::encoding::AsBigEndian::<aws_lc_rs::encoding::EcPrivateKeyBin>::as_be_bytes(&pair.private_key()).unwrap().as_ref(),
        );
        let public = |pair: &EcdsaKeyPair| BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        let identity = |private: &str, public: &str| {
            Identity::parse(&Environment::from_dotenv(&format!("VAPID_PRIVATE_KEY={private}\nVAPID_PUBLIC_KEY={public}"), &|_| None))
        };
        assert_eq!(identity(&format!("{private}="), &format!("{}=", public(&pair))).vapid_pair_matches(), Some(true));
        assert_eq!(identity(&private, &public(&other)).vapid_pair_matches(), Some(false));
        assert_eq!(identity("no base64!", &public(&pair)).vapid_pair_matches(), Some(false));
        assert_eq!(identity("", &public(&pair)).vapid_pair_matches(), None);
    }
}
