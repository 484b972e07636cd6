//! Sealing with [age](https://age-encryption.org/v1): the dump and the secrets of a bundle are for those alone whom its owner named.
//!
//! Files are age's binary format, not armored, so that the stock `age` opens what is sealed here, and the other way round. A bundle that was
//! asked to be plain ([`crate::format::Seal::Plain`]) never comes here. Sealing and opening are synchronous: both belong on a blocking thread.
//!
//! What is opened is hostile: a header is read only as far as [`HEADER_LIMIT`], and a passphrase's work is bounded by [`WorkFactor::MOST`].
//! Bytes come out of an [`Opener`] only when their chunk of 64 KiB is proven, but that the file is whole is known only at its end: whoever acts
//! on what was read has to have read to the end.

mod error;
mod identities;
mod opener;
mod phrase;
mod recipients;
mod recovery;
mod sealer;

pub use error::SealError;
pub use identities::Identities;
pub use opener::{HEADER_LIMIT, Opener};
pub use phrase::Phrase;
pub use recipients::{Recipients, WorkFactor};
pub use recovery::{RecoveryKey, unlocked};
pub use sealer::Sealer;

/// Opens something small, whole.
///
/// # Errors
/// [`SealError`].
pub fn open(name: &str, sealed: &[u8], identities: &Identities) -> Result<Vec<u8>, SealError> {
    let mut plain = Vec::with_capacity(sealed.len());
    let read = std::io::Read::read_to_end(&mut Opener::new(name, sealed, identities)?, &mut plain);
    read.map_err(|source| SealError::Read { name: name.to_owned(), source })?;
    Ok(plain)
}

#[cfg(test)]
mod tests;
