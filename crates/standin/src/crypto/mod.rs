//! The few formats of Rails, Devise and ActivityPub that the stand-in must read and write as the real ones do.

pub mod keys;
pub mod password;
pub mod record_encryption;
pub mod signing;
pub mod verifier;

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;

/// `SecureRandom.hex(bytes)`.
pub fn random_hex(bytes: usize) -> String {
    HEXLOWER.encode(&random_bytes(bytes))
}

pub fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
