//! A bulkhead before one database server or object store: only so many at once, fewer while it is slow, and none while it is known to be
//! away. So a server outside that hangs costs those who need it their turn, and nobody else a place among the workers; and one that gets
//! slower the more is asked of it is asked less, instead of answering nobody in time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub const AT_ONCE: usize = 8;
/// How long after a failure nobody tries.
const REST: Duration = Duration::from_secs(2);
/// How soon to come back to what is full: later, the more do, so that a hundred who wait for a slow store don't keep everybody busy.
const MOMENT: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);
/// Who takes longer than this for all that a server needs is asked by half as many; the limit of a request is several times that.
const SLOW: Duration = Duration::from_secs(8);

#[derive(Default)]
pub struct Bulkhead {
    state: Mutex<State>,
}

struct State {
    held: usize,
    /// How many may be in at once, for now.
    limit: usize,
    /// Answers in good time since the limit was changed.
    well: usize,
    /// Who was sent away since a place was free.
    refused: u32,
    away_since: Option<Instant>,
}

impl Default for State {
    fn default() -> Self {
        Self { held: 0, limit: AT_ONCE, well: 0, refused: 0, away_since: None }
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

/// Held while it is asked.
pub struct Place<'a> {
    bulkhead: &'a Bulkhead,
    since: Instant,
}

impl Bulkhead {
    /// Never waits: whoever can't pass comes back later.
    pub fn enter(&self, now: Instant) -> Result<Place<'_>, Shut> {
        let mut state = self.state();
        if state.away_since.is_some_and(|it| now.duration_since(it) < REST) {
            return Err(Shut::Away);
        }
        if state.held >= state.limit {
            let again_in = MOMENT.saturating_mul(1 + state.refused / AT_ONCE as u32).min(LONGEST);
            state.refused = state.refused.saturating_add(1);
            return Err(Shut::Full { again_in });
        }
        state.held += 1;
        state.refused = 0;
        Ok(Place { bulkhead: self, since: now })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Whether it answered. What it takes is looked at, too.
    pub fn answered(&self, answered: bool, now: Instant) {
        let mut state = self.bulkhead.state();
        state.away_since = if answered { None } else { Some(now) };
        if !answered || now.duration_since(self.since) > SLOW {
            state.limit = (state.limit / 2).max(1);
            state.well = 0;
            return;
        }
        state.well += 1;
        if state.well >= state.limit {
            state.limit = (state.limit + 1).min(AT_ONCE);
            state.well = 0;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.bulkhead.state().held -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many get in.
    fn places(bulkhead: &Bulkhead, now: Instant) -> usize {
        let held: Vec<_> = (0..2 * AT_ONCE).map_while(|_| bulkhead.enter(now).ok()).collect();
        held.len()
    }

    #[test]
    fn only_so_many_at_once() {
        let (bulkhead, now) = (Bulkhead::default(), Instant::now());
        let mut held: Vec<_> = (0..AT_ONCE).map(|_| bulkhead.enter(now).ok().unwrap()).collect();
        assert_eq!(bulkhead.enter(now).err(), Some(Shut::Full { again_in: MOMENT }));
        held.pop();
        assert!(bulkhead.enter(now).is_ok());
    }

    #[test]
    fn the_more_wait_the_later_each_comes_back() {
        let (bulkhead, now) = (Bulkhead::default(), Instant::now());
        let mut held: Vec<_> = (0..AT_ONCE).map(|_| bulkhead.enter(now).ok().unwrap()).collect();
        let waits: Vec<Duration> = (0..400)
            .map(|_| match bulkhead.enter(now) {
                Err(Shut::Full { again_in }) => again_in,
                other => panic!("{:?}", other.err()),
            })
            .collect();
        assert!(waits.is_sorted() && waits[0] == MOMENT && waits[AT_ONCE] == 2 * MOMENT && waits.last() == Some(&LONGEST));
        held.clear();
        held.extend((0..AT_ONCE).map(|_| bulkhead.enter(now).ok().unwrap()));
        assert_eq!(bulkhead.enter(now).err(), Some(Shut::Full { again_in: MOMENT }), "it goes on");
    }

    #[test]
    fn nobody_tries_what_was_away_a_moment_ago() {
        let (bulkhead, now) = (Bulkhead::default(), Instant::now());
        bulkhead.enter(now).ok().unwrap().answered(false, now);
        assert_eq!(bulkhead.enter(now + REST / 2).err(), Some(Shut::Away));
        let found_out = bulkhead.enter(now + REST).ok().unwrap();
        found_out.answered(false, now + REST);
        assert_eq!(bulkhead.enter(now + REST).err(), Some(Shut::Away));
        found_out.answered(true, now + REST);
        assert!(bulkhead.enter(now + REST).is_ok());
    }

    #[test]
    fn what_is_slow_is_asked_by_fewer_until_it_is_not() {
        let (bulkhead, begun) = (Bulkhead::default(), Instant::now());
        for expected in [4, 2, 1, 1] {
            bulkhead.enter(begun).ok().unwrap().answered(true, begun + 2 * SLOW);
            assert_eq!(places(&bulkhead, begun), expected);
        }
        for expected in 2..=AT_ONCE {
            for _ in 1..expected {
                bulkhead.enter(begun).ok().unwrap().answered(true, begun + SLOW / 2);
            }
            assert_eq!(places(&bulkhead, begun), expected, "one more with each round that went well");
        }
        bulkhead.enter(begun).ok().unwrap().answered(true, begun);
        assert_eq!(places(&bulkhead, begun), AT_ONCE);
    }
}
