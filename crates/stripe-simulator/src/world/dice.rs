//! Randomness that repeats: one seed gives one history, ids included (SplitMix64).

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound as u64) as usize
    }

    /// Whether it happens, with this probability.
    pub fn falls(&mut self, probability: f64) -> bool {
        (self.roll() >> 11) as f64 / ((1_u64 << 53) as f64) < probability
    }

    pub fn word(&mut self, length: usize) -> String {
        (0..length).map(|_| ALPHABET[self.below(ALPHABET.len())] as char).collect()
    }
}
