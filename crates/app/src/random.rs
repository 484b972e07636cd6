//! The operating system's randomness.

use howdah_domain::Randomness;
use rand::Rng;

/// The thread's generator, seeded from and reseeded by the operating system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
