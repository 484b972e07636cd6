//! Media files against the inventory, in 16 bytes a file: a fingerprint of the key, and one of what the file is.

use crate::format::{MediaFile, Multiset, Sha256Hex};

/// What was read below `media/`.
#[derive(Default)]
pub(super) struct MediaSeen {
    /// Sorted before it is asked.
    files: Vec<(u64, u64)>,
    sorted: bool,
    pub digest: Multiset,
    pub bytes: u64,
    /// Which of `files` an inventory's line named.
    named: Vec<bool>,
}

/// What a line of the inventory comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Same,
    Differs,
    Missing,
    Twice,
}

impl MediaSeen {
    pub fn add(&mut self, file: &MediaFile) {
        self.files.push((of_key(file.key.as_str()), of_content(file.bytes, file.sha256)));
        self.digest.add(file.digest_member().as_bytes());
        self.bytes += file.bytes;
    }

    pub const fn count(&self) -> u64 {
        self.files.len() as u64
    }

    pub fn compare(&mut self, line: &MediaFile) -> Compared {
        if !self.sorted {
            self.files.sort_unstable();
            self.named = vec![false; self.files.len()];
            self.sorted = true;
        }
        let key = of_key(line.key.as_str());
        let Ok(at) = self.files.binary_search_by_key(&key, |it| it.0) else { return Compared::Missing };
        if std::mem::replace(&mut self.named[at], true) {
            return Compared::Twice;
        }
        if self.files[at].1 == of_content(line.bytes, line.sha256) { Compared::Same } else { Compared::Differs }
    }

    /// How many files no line named.
    pub fn unnamed(&self) -> u64 {
        if self.sorted { self.named.iter().filter(|it| !**it).count() as u64 } else { self.count() }
    }
}

fn of_key(key: &str) -> u64 {
    first(&Sha256Hex::of(key.as_bytes()))
}

/// Of the whole digest and the size: a digest's first half alone could be aimed at.
fn of_content(bytes: u64, sha256: Sha256Hex) -> u64 {
    let mut whole = bytes.to_be_bytes().to_vec();
    whole.extend_from_slice(sha256.as_bytes());
    first(&Sha256Hex::of(&whole))
}

fn first(digest: &Sha256Hex) -> u64 {
    digest.as_bytes()[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
