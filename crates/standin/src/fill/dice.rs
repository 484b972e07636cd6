//! Chance that can be repeated: the same seed, thing and number always roll the same (SplitMix64).

use std::fmt::Write as _;

#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, thing: &str, number: u64) -> Self {
        // FNV-1a, so that neighbouring things and numbers have nothing in common.
        let mixed = thing
            .bytes()
            .chain(number.to_le_bytes())
            .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let mut dice = Self(mixed);
        dice.roll();
        dice
    }

    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    pub const fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        let at = usize::try_from(self.below(among.len() as u64)).unwrap_or_default();
        &among[at]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.roll().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// `digits` hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            write!(text, "{:016x}", self.roll()).expect("a string takes all text");
        }
        text.truncate(digits);
        text
    }

    /// Bytes of a usual file: 1 to 200 KB, as many small ones as large ones.
    pub const fn file_size(&mut self) -> u64 {
        let least = 1024 << self.below(8);
        let size = least + self.below(least);
        if size > 200_000 { 200_000 } else { size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_throw_falls_the_same_and_another_does_not() {
        let throw = |seed, thing, number| Dice::new(seed, thing, number).hex(20);
        assert_eq!(throw(1, "status", 5), throw(1, "status", 5));
        assert_eq!(throw(1, "status", 5).len(), 20);
        for other in [throw(2, "status", 5), throw(1, "media", 5), throw(1, "status", 6)] {
            assert_ne!(other, throw(1, "status", 5));
        }
        assert_eq!(Dice::new(1, "body", 0).bytes(13).len(), 13);
    }

    #[test]
    fn files_are_small_and_large() {
        let mut dice = Dice::new(1, "size", 0);
        let sizes: Vec<u64> = (0..200).map(|_| dice.file_size()).collect();
        assert!(sizes.iter().all(|size| (1024..=200_000).contains(size)));
        assert!(sizes.iter().any(|size| *size < 4_000) && sizes.iter().any(|size| *size > 100_000));
    }
}
