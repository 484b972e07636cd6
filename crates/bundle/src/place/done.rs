//! What media a run need not read again, in two 64-bit hashes a file.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Media, keys::Keys, record::KeptMedia};
use crate::format::{MediaFile, MediaKey};

/// By what a store tells that a file is still the same, beside its size: the `etag`, or without one the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stamp<'a> {
    Etag(&'a str),
    Modified(i64, u32),
}

/// A file as a listing tells it, or as an inventory told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct State<'a> {
    key: &'a str,
    bytes: u64,
    stamp: Option<Stamp<'a>>,
}

impl<'a> State<'a> {
    fn new(key: &'a MediaKey, bytes: u64, etag: Option<&'a String>, modified: Option<DateTime<Utc>>) -> Self {
        let time = |it: DateTime<Utc>| Stamp::Modified(it.timestamp(), it.timestamp_subsec_nanos());
        let stamp = etag.map(|it| Stamp::Etag(it)).or_else(|| modified.map(time));
        Self { key: key.as_str(), bytes, stamp }
    }

    /// Whether it says enough to be told from a changed file of the same name.
    pub(super) const fn stamped(&self) -> bool {
        self.stamp.is_some()
    }
}

impl<'a> From<&'a Media> for State<'a> {
    fn from(it: &'a Media) -> Self {
        Self::new(&it.key, it.bytes, it.etag.as_ref(), it.modified)
    }
}

impl<'a> From<&'a MediaFile> for State<'a> {
    fn from(it: &'a MediaFile) -> Self {
        Self::new(&it.key, it.bytes, it.etag.as_ref(), it.modified)
    }
}

impl<'a> From<&'a KeptMedia> for State<'a> {
    fn from(it: &'a KeptMedia) -> Self {
        Self::new(&it.key, it.bytes, it.etag.as_ref(), it.modified)
    }
}

#[derive(Hash)]
enum Mark<'a> {
    /// Something was written under this key.
    Written(&'a str),
    /// This was.
    Same(State<'a>),
    /// This lies in the earlier bundle, and goes for this one too.
    Kept(State<'a>),
}

#[derive(Default)]
pub(super) struct Done {
    marks: Keys,
    /// Hashes of the keys that were written more than once: their last record holds.
    again: HashSet<u64>,
}

impl Done {
    pub(super) fn note(&mut self, file: &MediaFile) {
        let written = self.marks.hash(&Mark::Written(file.key.as_str()));
        if !self.marks.insert(written) {
            self.again.insert(written);
        }
        self.marks.insert(self.marks.hash(&Mark::Same(file.into())));
    }

    pub(super) fn note_kept(&mut self, state: State<'_>) {
        self.marks.insert(self.marks.hash(&Mark::Kept(state)));
    }

    /// Whether anything was written under this key.
    pub(super) fn wrote(&self, key: &MediaKey) -> bool {
        self.marks.contains(self.marks.hash(&Mark::Written(key.as_str())))
    }

    /// Whether just this was written.
    pub(super) fn has(&self, state: State<'_>) -> bool {
        state.stamped() && self.marks.contains(self.marks.hash(&Mark::Same(state)))
    }

    pub(super) fn kept(&self, state: State<'_>) -> bool {
        state.stamped() && self.marks.contains(self.marks.hash(&Mark::Kept(state)))
    }

    /// A number for the key, if it was written more than once.
    pub(super) fn written_again(&self, key: &MediaKey) -> Option<u64> {
        let hash = self.marks.hash(&Mark::Written(key.as_str()));
        self.again.contains(&hash).then_some(hash)
    }

    pub(super) fn any_again(&self) -> bool {
        !self.again.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Sha256Hex;

    fn file(bytes: u64, etag: Option<&str>, second: Option<i64>) -> MediaFile {
        Media {
            key: MediaKey::parse("accounts/avatars/000/000/001/original/a.png").unwrap(),
            bytes,
            content_type: None,
            cache_control: None,
            acl: None,
            etag: etag.map(ToOwned::to_owned),
            modified: second.map(|it| DateTime::from_timestamp(it, 0).unwrap()),
        }
        .with_digest(Sha256Hex::of(b""))
    }

    #[test]
    fn unchanged_is_what_has_the_same_size_and_stamp() {
        let mut done = Done::default();
        done.note(&file(5, Some("e"), Some(1)));
        let has = |done: &Done, it: &MediaFile| done.has(it.into());
        assert!(has(&done, &file(5, Some("e"), Some(2))), "an etag says more than a time");
        assert!(!has(&done, &file(6, Some("e"), Some(1))));
        assert!(!has(&done, &file(5, Some("f"), Some(1))));
        assert!(!has(&done, &file(5, None, Some(1))));
        done.note(&file(5, None, Some(1)));
        assert!(has(&done, &file(5, None, Some(1))));
        assert!(!has(&done, &file(5, None, Some(2))));
        done.note(&file(7, None, None));
        assert!(!has(&done, &file(7, None, None)), "nothing tells whether it changed");
        let key = file(0, None, None).key;
        assert!(done.wrote(&key) && done.written_again(&key).is_some());
    }
}
