//! A set of a million names in 8 MB: of each a 64-bit hash, keyed by a secret of this process, so that nobody can choose names that collide.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, Hash, RandomState},
};

/// So many are taken before they are sorted in among the others.
const RECENT: usize = 1 << 14;

#[derive(Default)]
pub(super) struct Keys {
    secret: RandomState,
    sorted: Vec<u64>,
    recent: HashSet<u64>,
}

impl Keys {
    pub(super) fn hash(&self, key: &impl Hash) -> u64 {
        self.secret.hash_one(key)
    }

    pub(super) fn contains(&self, hash: u64) -> bool {
        self.recent.contains(&hash) || self.sorted.binary_search(&hash).is_ok()
    }

    /// Whether it is new.
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        if self.sorted.binary_search(&hash).is_ok() || !self.recent.insert(hash) {
            return false;
        }
        if self.recent.len() >= RECENT {
            self.merge();
        }
        true
    }

    /// In place, from the greatest down, so that there is never a second copy.
    fn merge(&mut self) {
        let mut recent = self.recent.drain().collect::<Vec<_>>();
        recent.sort_unstable();
        let mut left = self.sorted.len();
        let mut to = left + recent.len();
        self.sorted.reserve_exact(recent.len());
        self.sorted.resize(to, 0);
        while let Some(&greatest) = recent.last() {
            to -= 1;
            if left > 0 && self.sorted[left - 1] > greatest {
                left -= 1;
                self.sorted[to] = self.sorted[left];
            } else {
                self.sorted[to] = greatest;
                recent.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_in_and_nothing_else() {
        let mut keys = Keys::default();
        let many = 5 * RECENT as u64 / 2;
        for number in 0..many {
            let hash = keys.hash(&number);
            assert!(!keys.contains(hash));
            assert!(keys.insert(hash));
            assert!(!keys.insert(hash));
        }
        assert!((0..many).all(|it| keys.contains(keys.hash(&it)) && !keys.insert(keys.hash(&it))));
        assert!((many..2 * many).all(|it| !keys.contains(keys.hash(&it))));
        assert!(keys.sorted.is_sorted() && keys.sorted.len() + keys.recent.len() == many as usize);
    }

    #[test]
    fn a_million_take_eight_megabytes() {
        let mut keys = Keys::default();
        for number in 0..1_000_000 {
            keys.insert(keys.hash(&number));
        }
        assert!(keys.sorted.capacity() * 8 + keys.recent.capacity() * 9 < 9_000_000);
    }
}
