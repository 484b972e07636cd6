//! Time and randomness as arguments.
//!
//! Business time is read from a [`Clock`] and nowhere else, so that tests and the development stack can move it. Signatures and
//! leases keep the machine's own time.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// What time it is, in UTC.
pub trait Clock: Send + Sync + fmt::Debug {
    fn now(&self) -> DateTime<Utc>;
}

/// Where unguessable bytes come from.
pub trait Randomness: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's time becomes business time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The machine's time plus an offset, or a time that stands still.
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<ManualTime>,
}

#[derive(Debug, Clone, Copy)]
enum ManualTime {
    Fixed(DateTime<Utc>),
    Offset(TimeDelta),
}

impl ManualClock {
    /// Stands still until told otherwise.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { state: Mutex::new(ManualTime::Fixed(now)) }
    }

    /// Runs with the machine's time, `offset` ahead of it.
    #[must_use]
    pub fn ahead_by(offset: TimeDelta) -> Self {
        Self { state: Mutex::new(ManualTime::Offset(offset)) }
    }

    /// Moves on (or back, by a negative step).
    pub fn advance(&self, by: TimeDelta) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match *state {
            ManualTime::Fixed(now) => ManualTime::Fixed(now + by),
            ManualTime::Offset(offset) => ManualTime::Offset(offset + by),
        };
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            ManualTime::Fixed(now) => now,
            ManualTime::Offset(offset) => SystemClock.now() + offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = ManualClock::at(DateTime::UNIX_EPOCH);
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
        clock.advance(TimeDelta::days(200));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::days(200));
    }

    #[test]
    fn an_offset_runs_with_the_machine() {
        let before = SystemClock.now();
        let clock = ManualClock::ahead_by(TimeDelta::days(1));
        clock.advance(TimeDelta::days(1));
        assert!(clock.now() >= before + TimeDelta::days(2));
        assert!(clock.now() < before + TimeDelta::days(2) + TimeDelta::hours(1));
    }
}
