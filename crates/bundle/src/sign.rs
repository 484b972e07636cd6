//! The signatures of a bundle: Ed25519 (RFC 8032) over a file's bytes, 64 bytes, as `openssl pkeyutl -rawin` makes and checks them. Keys are
//! PEM, as `openssl genpkey -algorithm ed25519` writes them: whoever has no howdah can do the same.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use data_encoding::HEXLOWER;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject as _};
use secrecy::{ExposeSecret as _, SecretString};

/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410).
const INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a key can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("this is no Ed25519 key that signs: `openssl genpkey -algorithm ed25519 -out FILE` makes one (`-----BEGIN PRIVATE KEY-----`)")]
    Private,
    #[error("this is no public Ed25519 key: `openssl pkey -in KEY -pubout` prints a key's public half (`-----BEGIN PUBLIC KEY-----`)")]
    Public,
    #[error("this key signs, and its public half is wanted here: `openssl pkey -in KEY -pubout` prints it; keep this one where it was")]
    PrivateAsPublic,
}

/// Signs what a maker or a checker of a bundle says.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// # Errors
    /// [`SignError::Private`].
    pub fn from_pem(pem: &SecretString) -> Result<Self, SignError> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| SignError::Private)?;
        Ed25519KeyPair::from_pkcs8(key.secret_pkcs8_der()).map(Self).map_err(|_| SignError::Private)
    }

    /// The same for the same bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }

    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {:?})", self.public())
    }
}

/// Whose signature is believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// # Errors
    /// [`SignError::Public`], [`SignError::PrivateAsPublic`].
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        if PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).is_ok() {
            return Err(SignError::PrivateAsPublic);
        }
        let info = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| SignError::Public)?;
        let key = info.strip_prefix(&INFO).and_then(|key| key.try_into().ok());
        key.map(Self).ok_or(SignError::Public)
    }

    #[must_use]
    pub fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    /// Made, as is the signature, by OpenSSL 3.0; it signs nothing but this.
    const KEY: &str =
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIaHYXnt8+BkeKUtrMoTuFXcGHARP1jVotauHrLIKFOx\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str =
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAWCWr0BVFC6BVugRvkOOWcuja5NU5imH+tqB9QYOaZaQ=\n-----END PUBLIC KEY-----\n";
    const MESSAGE: &[u8] = b"what is signed\n";
    const SIGNATURE: &str = "P3hIbvLs2bjWLzgYpdWUHAm3rB/oKexAASWk6QWy+xwVQ0y38lGiNw9B3xqLJ6dh/8R+TS1gHi0qahz7crTRAQ==";

    #[test]
    fn a_signature_is_openssls() {
        let key = SigningKey::from_pem(&KEY.into()).unwrap();
        assert_eq!(BASE64.encode(&key.sign(MESSAGE)), SIGNATURE);
        assert_eq!(key.public(), PublicKey::from_pem(PUBLIC).unwrap());
        assert!(!format!("{key:?}").contains("868761"), "no secret is shown");
    }

    #[test]
    fn one_bit_more_or_less_and_it_is_no_signature() {
        let (public, signature) = (PublicKey::from_pem(PUBLIC).unwrap(), BASE64.decode(SIGNATURE.as_bytes()).unwrap());
        assert!(public.signed(MESSAGE, &signature));
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!public.signed(MESSAGE, &changed), "byte {at}");
        }
        for changed in [&MESSAGE[1..], b"", b"what is signed\r\n"] {
            assert!(!public.signed(changed, &signature));
        }
        assert!(!public.signed(MESSAGE, &signature[..63]) && !public.signed(MESSAGE, b""));
    }

    #[test]
    fn a_key_of_another_kind_is_refused_with_the_way_to_make_one() {
        let x25519 =
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEICgrYPNjt7LykKfyU5q3koZc9cP/D0PQNo+LObzfCVJK\n-----END PRIVATE KEY-----\n";
        for wrong in [x25519, PUBLIC, "", "AGE-SECRET-KEY-1"] {
            assert_eq!(SigningKey::from_pem(&wrong.into()).unwrap_err(), SignError::Private);
        }
        assert_eq!(PublicKey::from_pem(KEY), Err(SignError::PrivateAsPublic));
        let x25519 = PUBLIC.replace("K2VwAyEA", "K2VuAyEA");
        for wrong in [x25519.as_str(), "", "age1x"] {
            assert_eq!(PublicKey::from_pem(wrong), Err(SignError::Public));
        }
    }
}
