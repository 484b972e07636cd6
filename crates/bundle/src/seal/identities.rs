use std::fmt;

use age::{Identity, scrypt, x25519};
use secrecy::{ExposeSecret as _, SecretString};

use super::{SealError, WorkFactor};

/// What opens a sealed file.
pub enum Identities {
    Keys(Vec<x25519::Identity>),
    Passphrase(SecretString),
}

impl Identities {
    /// An identity file as `age-keygen` writes it: a secret key a line, `#` before a comment.
    ///
    /// # Errors
    /// [`SealError::Identity`], [`SealError::SealedIdentity`], [`SealError::NoIdentities`]. None shows what a line holds.
    pub fn file(text: &SecretString) -> Result<Self, SealError> {
        let text = text.expose_secret();
        if text.starts_with("age-encryption.org/") || text.starts_with("-----BEGIN AGE") {
            return Err(SealError::SealedIdentity);
        }
        let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(|(at, line)| line.parse().map_err(|_| SealError::Identity(at + 1))).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(SealError::NoIdentities) } else { Ok(Self::Keys(keys)) }
    }

    /// # Errors
    /// [`SealError::EmptyPassphrase`].
    pub fn passphrase(passphrase: SecretString) -> Result<Self, SealError> {
        if passphrase.expose_secret().is_empty() { Err(SealError::EmptyPassphrase) } else { Ok(Self::Passphrase(passphrase)) }
    }

    pub(super) fn for_age(&self, most: WorkFactor) -> Vec<Box<dyn Identity + '_>> {
        match self {
            Self::Keys(keys) => keys.iter().map(|it| Box::new(it.clone()) as Box<dyn Identity>).collect(),
            Self::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(most.log_n());
                vec![Box::new(identity)]
            }
        }
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(keys) => write!(f, "Keys({} of them)", keys.len()),
            Self::Passphrase(_) => f.write_str("Passphrase"),
        }
    }
}
