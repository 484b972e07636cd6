//! A bulkhead before one database server or object store: only so many at once, and none while it is known to be away. So a server
//! outside that hangs costs those who need it their turn, and nobody else a place among the workers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

pub const AT_ONCE: usize = 8;
/// How long after a failure nobody tries.
const REST: Duration = Duration::from_secs(2);
/// How soon to come back to what is full: later, the more do, so that a hundred who wait for a slow store don't keep everybody busy.
const MOMENT: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

pub struct Bulkhead {
    places: Semaphore,
    /// Since a place was free.
    refused: AtomicU32,
    away_since: Mutex<Option<Instant>>,
}

impl Default for Bulkhead {
    fn default() -> Self {
        Self { places: Semaphore::new(AT_ONCE), refused: AtomicU32::default(), away_since: Mutex::default() }
    }
}

/// Why one may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// All places are taken.
    Full { again_in: Duration },
    /// It did not answer a moment ago.
    Away,
}

impl Bulkhead {
    /// Never waits: whoever can't pass comes back later.
    pub fn enter(&self, now: Instant) -> Result<SemaphorePermit<'_>, Shut> {
        let away_since = *self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        let away = away_since.is_some_and(|it| now.duration_since(it) < REST);
        if away {
            return Err(Shut::Away);
        }
        let Ok(place) = self.places.try_acquire() else {
            let before = self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Shut::Full { again_in: MOMENT.saturating_mul(1 + before / AT_ONCE as u32).min(LONGEST) });
        };
        self.refused.store(0, Ordering::Relaxed);
        Ok(place)
    }

    /// Whether it answered.
    pub fn answered(&self, answered: bool, now: Instant) {
        *self.away_since.lock().unwrap_or_else(PoisonError::into_inner) = if answered { None } else { Some(now) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_at_once() {
        let (bulkhead, now) = (Bulkhead::default(), Instant::now());
        let mut held: Vec<_> = (0..AT_ONCE).map(|_| bulkhead.enter(now).unwrap()).collect();
        assert_eq!(bulkhead.enter(now).err(), Some(Shut::Full { again_in: MOMENT }));
        held.pop();
        assert!(bulkhead.enter(now).is_ok());
    }

    #[test]
    fn the_more_wait_the_later_each_comes_back() {
        let (bulkhead, now) = (Bulkhead::default(), Instant::now());
        let mut held: Vec<_> = (0..AT_ONCE).map(|_| bulkhead.enter(now).unwrap()).collect();
        let waits: Vec<Duration> = (0..400)
            .map(|_| match bulkhead.enter(now) {
                Err(Shut::Full { again_in }) => again_in,
                other => panic!("{:?}", other.err()),
            })
            .collect();
        assert!(waits.is_sorted() && waits[0] == MOMENT && waits[AT_ONCE] == 2 * MOMENT && waits.last() == Some(&LONGEST));
        held.clear();
        held.extend((0..AT_ONCE).map(|_| bulkhead.enter(now).unwrap()));
        assert_eq!(bulkhead.enter(now).err(), Some(Shut::Full { again_in: MOMENT }), "it goes on");
    }

    #[test]
    fn nobody_tries_what_was_away_a_moment_ago() {
        let (bulkhead, now) = (Bulkhead::default(), Instant::now());
        bulkhead.answered(false, now);
        assert_eq!(bulkhead.enter(now + REST / 2).err(), Some(Shut::Away));
        assert!(bulkhead.enter(now + REST).is_ok(), "somebody has to find out that it is back");
        bulkhead.answered(false, now + REST);
        assert_eq!(bulkhead.enter(now + REST).err(), Some(Shut::Away));
        bulkhead.answered(true, now + REST);
        assert!(bulkhead.enter(now + REST).is_ok());
    }
}
