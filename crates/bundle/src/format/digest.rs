//! Digests: of a file's bytes, and of what a bundle holds whatever order it came in.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Sha256Hex([u8; 32]);

impl Sha256Hex {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Sha256> for Sha256Hex {
    fn from(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl TryFrom<String> for Sha256Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| "a digest is written in lower-case hexadecimal digits")?;
        bytes.try_into().map(Self).map_err(|_| "a SHA-256 has 64 digits")
    }
}

impl From<Sha256Hex> for String {
    fn from(digest: Sha256Hex) -> Self {
        HEXLOWER.encode(&digest.0)
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest of a multiset of byte strings: their number, and the sum of their SHA-256 as big-endian numbers, modulo 2^256. The order that they
/// come in does not matter, and it takes the same memory for any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Multiset {
    count: u64,
    /// Little-endian limbs of the sum.
    sum: [u64; 4],
}

impl Multiset {
    pub fn add(&mut self, member: &[u8]) {
        self.add_digest(&Sha256::digest(member).into());
    }

    fn add_digest(&mut self, digest: &[u8; 32]) {
        let mut carry = false;
        for (limb, bytes) in self.sum.iter_mut().zip(digest.rchunks_exact(8)) {
            let more = bytes.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
            let (sum, over) = limb.overflowing_add(more);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, over || again);
        }
        self.count += 1;
    }

    /// Both sets' members together.
    pub fn extend(&mut self, other: &Self) {
        let count = self.count + other.count;
        self.add_digest(&other.sum_bytes());
        self.count = count;
    }

    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The sum, as 32 big-endian bytes.
    #[must_use]
    pub fn digest(&self) -> Sha256Hex {
        Sha256Hex(self.sum_bytes())
    }

    fn sum_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, limb) in bytes.rchunks_exact_mut(8).zip(self.sum) {
            place.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    }
}

/// Says that two bundles hold the same: the same own media, and the same rows in each table.
///
/// SHA-256 over lines, each ended by a newline: first `media <count> <digest>`, whose multiset has one member a file, `<key> <bytes> <sha256>`;
/// then, sorted by name, one `table <name> <rows> <digest>` for each table, whose multiset has one member a row: its line of `COPY … TO STDOUT`
/// in text format, columns as the dump names them, without the newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ContentDigest(Sha256Hex);

impl ContentDigest {
    /// `tables`: sorted by name.
    #[must_use]
    pub fn of<'a>(media: &Multiset, tables: impl IntoIterator<Item = (&'a str, u64, Sha256Hex)>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(format!("media {} {}\n", media.count(), media.digest()));
        for (name, rows, digest) in tables {
            hasher.update(format!("table {name} {rows} {digest}\n"));
        }
        Self(hasher.into())
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn multiset(members: &[Vec<u8>]) -> Multiset {
        let mut set = Multiset::default();
        members.iter().for_each(|it| set.add(it));
        set
    }

    #[test]
    fn a_sum_carries_over_all_of_its_digits() {
        let mut set = Multiset::default();
        set.add_digest(&[0xff; 32]);
        let mut one = [0; 32];
        one[31] = 1;
        set.add_digest(&one);
        assert_eq!((set.count(), set.digest()), (2, Sha256Hex([0; 32])));
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_members_do(mut members: Vec<Vec<u8>>, split: prop::sample::Index, more: Vec<u8>) {
            let whole = multiset(&members);
            let (first, second) = members.split_at(split.index(members.len() + 1));
            let mut joined = multiset(first);
            joined.extend(&multiset(second));
            prop_assert_eq!(joined, whole);
            members.reverse();
            prop_assert_eq!(multiset(&members), whole);
            members.push(more);
            prop_assert_ne!(multiset(&members).digest(), whole.digest());
        }
    }
}
