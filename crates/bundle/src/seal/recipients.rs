use std::collections::BTreeSet;

use age::{Encryptor, scrypt, x25519};
use secrecy::{ExposeSecret as _, SecretString};

use super::SealError;
use crate::format::Seal;

/// Whom something is sealed to. Nothing here is secret but a passphrase, which is never shown.
#[derive(Debug)]
pub enum Recipients {
    /// Any one of these opens it: age's X25519 recipients, at least one, each once, sorted.
    Keys(Vec<x25519::Recipient>),
    Passphrase {
        passphrase: SecretString,
        work: WorkFactor,
    },
}

/// What guessing one passphrase costs: scrypt's log₂ N. Memory is 2^(N+10) bytes, for the writer and for each opener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkFactor(u8);

impl WorkFactor {
    /// As the stock `age` takes: about a second and 256 MiB. For what a person thought of.
    pub const PERSON: Self = Self(18);
    /// A few milliseconds and 8 MiB: for a phrase of 80 random bits and more, which no amount of guessing finds.
    pub const RANDOM: Self = Self(13);
    /// The most that an opener does, whoever wrote the file: some seconds and 1 GiB.
    pub const MOST: Self = Self(20);

    /// Between 1 and [`Self::MOST`].
    #[must_use]
    pub fn new(log_n: u8) -> Option<Self> {
        (1..=Self::MOST.0).contains(&log_n).then_some(Self(log_n))
    }

    #[must_use]
    pub const fn log_n(self) -> u8 {
        self.0
    }
}

impl Recipients {
    /// `age1…`, at least one.
    ///
    /// # Errors
    /// [`SealError::Recipient`], [`SealError::RecipientKind`], [`SealError::SecretAsRecipient`], [`SealError::NoRecipients`].
    pub fn keys<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, SealError> {
        let texts = texts.into_iter().map(|it| it.as_ref().trim().to_owned()).collect::<BTreeSet<_>>();
        let keys = texts.iter().map(|it| key(it)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(SealError::NoRecipients) } else { Ok(Self::Keys(keys)) }
    }

    /// # Errors
    /// [`SealError::EmptyPassphrase`].
    pub fn passphrase(passphrase: SecretString, work: WorkFactor) -> Result<Self, SealError> {
        if passphrase.expose_secret().is_empty() { Err(SealError::EmptyPassphrase) } else { Ok(Self::Passphrase { passphrase, work }) }
    }

    /// As the manifest and the journal name them.
    #[must_use]
    pub fn named(&self) -> Seal {
        match self {
            Self::Keys(keys) => Seal::Recipients { recipients: keys.iter().map(ToString::to_string).collect() },
            Self::Passphrase { .. } => Seal::Passphrase,
        }
    }

    pub(super) fn encryptor(&self) -> Result<Encryptor, SealError> {
        let made = match self {
            Self::Keys(keys) => Encryptor::with_recipients(keys.iter().map(|it| it as _)),
            Self::Passphrase { passphrase, work } => {
                let mut recipient = scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(work.0);
                Encryptor::with_recipients(std::iter::once(&recipient as _))
            }
        };
        // One kind of recipients, and at least one of it: age has nothing else to say.
        made.map_err(|it| SealError::Write(std::io::Error::other(it)))
    }
}

fn key(text: &str) -> Result<x25519::Recipient, SealError> {
    // What is refused here is shown in errors and logs: a secret must not be.
    if text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") {
        return Err(SealError::SecretAsRecipient);
    }
    text.parse().map_err(|_| {
        let shown = text.chars().filter(|it| !it.is_control()).take(80).collect();
        let other = text.starts_with("ssh-") || text.strip_prefix("age1").is_some_and(|it| it.contains('1'));
        if other { SealError::RecipientKind(shown) } else { SealError::Recipient(shown) }
    })
}
