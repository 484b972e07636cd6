use std::io;

/// Why something can't be sealed or opened. `name` is the file's, as the caller calls it.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("`{0}` is no age recipient: one that `age-keygen` makes begins with `age1` and has 62 characters")]
    Recipient(String),
    #[error("a secret key was given where a recipient belongs: give its public half, which begins with `age1` (`age-keygen -y` prints it)")]
    SecretAsRecipient,
    #[error("`{0}` is a recipient of a kind that is not supported: only those that begin with `age1` and have 62 characters (X25519) are")]
    RecipientKind(String),
    #[error("no recipient was named, so that nobody could open it")]
    NoRecipients,
    #[error("an empty passphrase seals nothing")]
    EmptyPassphrase,
    #[error("line {0} of the identity file is no secret key: one begins with `AGE-SECRET-KEY-1`")]
    Identity(usize),
    #[error("the identity file is sealed itself: open it first (`age -d`)")]
    SealedIdentity,
    #[error("the identity file names no secret key: a line that begins with `AGE-SECRET-KEY-1` is one")]
    NoIdentities,
    #[error("`{name}` is not an age file")]
    NotAge { name: String },
    #[error("`{name}` is armored (text); turn it into age's binary format first: `age -d` opens it, `age` without `-a` seals it")]
    Armored { name: String },
    #[error("`{name}` is of a version of age's format that is not known here: open it with a newer `age`")]
    Version { name: String },
    #[error("`{name}` was sealed to other keys: give the secret key of one of its recipients")]
    WrongKey { name: String },
    #[error("`{name}` was sealed with another passphrase")]
    WrongPassphrase { name: String },
    #[error("`{name}` is sealed with a passphrase, and a key was given: give its passphrase")]
    WantsPassphrase { name: String },
    #[error("`{name}` is sealed to keys, and a passphrase was given: give an identity file")]
    WantsKey { name: String },
    #[error(
        "`{name}` wants 2^{wanted} rounds of work and {} MiB of memory for its passphrase, and at most 2^{most} are done: if it comes from where \
         you trust, open it with `age -d`",
        1_u64 << wanted.saturating_sub(10).min(53)
    )]
    Work { name: String, wanted: u8, most: u8 },
    #[error("`{name}` is cut short: get it again from where it is whole")]
    Truncated { name: String },
    #[error("`{name}` is not as it was sealed: it was cut short or changed; get it again from where it is whole")]
    Damaged { name: String },
    #[error("`{name}` can't be read: {source}")]
    Read { name: String, source: io::Error },
    #[error("can't write what is sealed: {0}")]
    Write(#[source] io::Error),
}

impl From<SealError> for io::Error {
    fn from(error: SealError) -> Self {
        let kind = match &error {
            SealError::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            SealError::Read { source, .. } | SealError::Write(source) => source.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
