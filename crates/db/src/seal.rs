//! Sealed columns: envelope encryption with XChaCha20-Poly1305.
//!
//! Each owner, an instance or a person, has a data key; a key-encryption key from a file wraps it. What is sealed is bound to its
//! owner, kind and version: moved to another row it does not open. Rotation wraps the data keys anew and touches nothing sealed.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use data_encoding::BASE64;
use rand::Rng;
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use uuid::Uuid;

const NONCE: usize = 24;

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("line {line} of the key file is not `<id> <base64 of 32 bytes>`")]
    KeyFile { line: usize },
    #[error("the key file holds no key")]
    NoKey,
    #[error("the key file has two keys called `{id}`")]
    TwoKeys { id: String },
    #[error("the data key of {owner} is wrapped by the key-encryption key `{kek}`, which is not in the key file")]
    UnknownKek { owner: Uuid, kek: String },
    #[error("the data key of {owner} does not open with the key-encryption key `{kek}`")]
    DataKey { owner: Uuid, kek: String },
    #[error("`{kind}` version {version} of {owner} does not open: it was sealed for something else, or changed")]
    Sealed { owner: Uuid, kind: String, version: i32 },
}

/// Key-encryption keys: one to wrap with, and those before it to unwrap what was wrapped by them.
pub struct KeyRing {
    /// Never empty; the first wraps.
    keys: Vec<Kek>,
}

struct Kek {
    id: String,
    key: SecretBox<[u8; 32]>,
}

/// A data key, wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    pub kek_id: String,
    pub bytes: Vec<u8>,
}

/// The key of one instance or person.
pub struct DataKey {
    owner: Uuid,
    key: SecretBox<[u8; 32]>,
}

impl KeyRing {
    /// Reads a key file: a line a key, `<id> <base64 of 32 bytes>`, the one to wrap with first; `#` begins a comment.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let mut keys: Vec<Kek> = Vec::new();
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || SealError::KeyFile { line: number };
            let (id, key) = line.split_once(char::is_whitespace).ok_or_else(malformed)?;
            let key: [u8; 32] = BASE64.decode(key.trim().as_bytes()).ok().and_then(|it| it.try_into().ok()).ok_or_else(malformed)?;
            if id.len() > 64 || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                return Err(malformed());
            }
            if keys.iter().any(|it| it.id == id) {
                return Err(SealError::TwoKeys { id: id.to_owned() });
            }
            keys.push(Kek { id: id.to_owned(), key: SecretBox::new(Box::new(key)) });
        }
        if keys.is_empty() { Err(SealError::NoKey) } else { Ok(Self { keys }) }
    }

    /// A line for a key file, with a new key.
    #[must_use]
    pub fn generate(id: &str) -> String {
        format!("{id} {}\n", BASE64.encode(&random::<32>()))
    }

    /// The key that wraps.
    #[must_use]
    pub fn current(&self) -> &str {
        &self.keys[0].id
    }

    /// A new data key for an owner.
    #[must_use]
    pub fn new_data_key(&self, owner: Uuid) -> (DataKey, Wrapped) {
        let data_key = DataKey { owner, key: SecretBox::new(Box::new(random())) };
        let wrapped = self.wrap(&data_key);
        (data_key, wrapped)
    }

    #[must_use]
    pub fn wrap(&self, data_key: &DataKey) -> Wrapped {
        let kek = &self.keys[0];
        let bytes = encrypt(&kek.key, data_key.key.expose_secret(), &wrap_context(data_key.owner, &kek.id));
        Wrapped { kek_id: kek.id.clone(), bytes }
    }

    pub fn unwrap(&self, owner: Uuid, wrapped: &Wrapped) -> Result<DataKey, SealError> {
        let kek = self
            .keys
            .iter()
            .find(|it| it.id == wrapped.kek_id)
            .ok_or_else(|| SealError::UnknownKek { owner, kek: wrapped.kek_id.clone() })?;
        let key = decrypt(&kek.key, &wrapped.bytes, &wrap_context(owner, &kek.id))
            .and_then(|it| <[u8; 32]>::try_from(it).ok())
            .ok_or_else(|| SealError::DataKey { owner, kek: kek.id.clone() })?;
        Ok(DataKey { owner, key: SecretBox::new(Box::new(key)) })
    }
}

impl DataKey {
    #[must_use]
    pub fn seal(&self, kind: &str, version: i32, plain: &[u8]) -> Vec<u8> {
        encrypt(&self.key, plain, &self.context(kind, version))
    }

    pub fn open(&self, kind: &str, version: i32, sealed: &[u8]) -> Result<SecretSlice<u8>, SealError> {
        decrypt(&self.key, sealed, &self.context(kind, version)).map(SecretSlice::from).ok_or_else(|| SealError::Sealed {
            owner: self.owner,
            kind: kind.to_owned(),
            version,
        })
    }

    fn context(&self, kind: &str, version: i32) -> Vec<u8> {
        let mut context = b"howdah sealed column 1\0".to_vec();
        context.extend(self.owner.as_bytes());
        context.extend(version.to_be_bytes());
        context.extend(kind.as_bytes());
        context
    }
}

fn wrap_context(owner: Uuid, kek_id: &str) -> Vec<u8> {
    let mut context = b"howdah data key 1\0".to_vec();
    context.extend(owner.as_bytes());
    context.extend(kek_id.as_bytes());
    context
}

/// The nonce, then the cipher text with its tag.
fn encrypt(key: &SecretBox<[u8; 32]>, plain: &[u8], context: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE] = random();
    let cipher = XChaCha20Poly1305::new(&Key::from(*key.expose_secret()));
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context }).expect("only texts of 256 GiB are refused");
    [&nonce[..], &sealed].concat()
}

fn decrypt(key: &SecretBox<[u8; 32]>, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
    let cipher = XChaCha20Poly1305::new(&Key::from(*key.expose_secret()));
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: context }).ok()
}

/// From the operating system's generator, through the thread's; nonces and keys are nobody's argument.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|it| &it.id)).finish()
    }
}
