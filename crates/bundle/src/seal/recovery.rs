use std::fmt;
use std::str::FromStr;

use age::x25519;
use data_encoding::BASE64;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Identities, Recipients, SealError, Sealer, WorkFactor};
use crate::format::RECOVERY_KEY;

/// A key that a passphrase opens: an age identity file, sealed itself, as the stock `age -d -i` takes it. It lies in the bundle, which is sealed to
/// its public half: whoever makes the bundle needs neither the key nor the passphrase.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryKey(Vec<u8>);

impl RecoveryKey {
    /// A sealed identity file of one key has less than 400.
    pub const MOST: usize = 1024;

    /// A new one, and its public half.
    ///
    /// # Errors
    /// [`SealError::EmptyPassphrase`].
    pub fn make(passphrase: &SecretString, work: WorkFactor) -> Result<(Self, String), SealError> {
        let identity = x25519::Identity::generate();
        let public = identity.to_public().to_string();
        let file = SecretString::from(format!("# public key: {public}\n{}\n", identity.to_string().expose_secret()));
        let sealed = Sealer::seal(file.expose_secret().as_bytes(), &Recipients::passphrase(passphrase.clone(), work)?)?;
        Ok((Self(sealed), public))
    }

    /// As it lies in a bundle; `None` for what is too large, or no age file.
    #[must_use]
    pub fn read(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= Self::MOST && bytes.starts_with(b"age-encryption.org/")).then_some(Self(bytes))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.0)
    }

    /// The identity file.
    ///
    /// # Errors
    /// [`SealError::WrongPassphrase`], and others for what is no such file.
    pub fn open(&self, passphrase: &SecretString) -> Result<SecretString, SealError> {
        let opened = super::open(RECOVERY_KEY, &self.0, &Identities::passphrase(passphrase.clone())?)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| SealError::NoIdentities)
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryKey({} bytes)", self.0.len())
    }
}

impl FromStr for RecoveryKey {
    type Err = NoRecoveryKey;

    fn from_str(base64: &str) -> Result<Self, NoRecoveryKey> {
        BASE64.decode(base64.as_bytes()).ok().and_then(Self::read).ok_or(NoRecoveryKey)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("this is no age file of {} bytes at most, in base64", RecoveryKey::MOST)]
pub struct NoRecoveryKey;

/// With what a bundle is opened that has this recovery key: a passphrase opens the key first.
///
/// # Errors
/// As [`RecoveryKey::open`].
pub fn unlocked(identities: &Identities, key: &[u8]) -> Result<Option<SecretString>, SealError> {
    let Identities::Passphrase(passphrase) = identities else { return Ok(None) };
    let key = RecoveryKey::read(key.to_vec()).ok_or_else(|| SealError::NotAge { name: RECOVERY_KEY.to_owned() })?;
    key.open(passphrase).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passphrase_opens_what_is_sealed_to_the_keys_public_half() {
        let passphrase = SecretString::from("abandon-ability");
        let (key, public) = RecoveryKey::make(&passphrase, WorkFactor::new(1).unwrap()).unwrap();
        assert!(key.as_bytes().len() < 400, "{}", key.as_bytes().len());
        let sealed = Sealer::seal(b"secret", &Recipients::keys([&public]).unwrap()).unwrap();

        let typed = Identities::passphrase(passphrase).unwrap();
        let file = unlocked(&typed, key.as_bytes()).unwrap().unwrap();
        assert_eq!(super::super::open("f", &sealed, &Identities::file(&file).unwrap()).unwrap(), b"secret");
        assert!(unlocked(&Identities::file(&file).unwrap(), key.as_bytes()).unwrap().is_none(), "a key opens it itself");

        let wrong = unlocked(&Identities::passphrase("other".into()).unwrap(), key.as_bytes());
        assert!(matches!(wrong, Err(SealError::WrongPassphrase { name }) if name == RECOVERY_KEY));
        let other = Sealer::seal(&[0xff; 9], &Recipients::passphrase("p".into(), WorkFactor::new(1).unwrap()).unwrap()).unwrap();
        assert!(matches!(unlocked(&Identities::passphrase("p".into()).unwrap(), &other), Err(SealError::NoIdentities)));
        assert_eq!(key.to_base64().parse::<RecoveryKey>().unwrap(), key);
        assert!(RecoveryKey::read(vec![0; 300]).is_none() && RecoveryKey::read([key.as_bytes(), &[0; 1024]].concat()).is_none());
    }
}
