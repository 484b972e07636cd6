//! Random words that let in whoever bears them, and what the record keeps of one: a digest, which lets nobody in.

use data_encoding::BASE64URL_NOPAD;
use howdah_domain::Randomness;
use sha2::{Digest as _, Sha256};

/// 256 random bits, as 43 characters that can stand in a URL, a header or a cookie.
pub(crate) fn new_token(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; 32];
    randomness.fill(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes)
}

pub(crate) fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
