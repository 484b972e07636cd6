//! When a certificate may be ordered. An ACME authority gives an account so many orders in a time, and refuses every further one,
//! renewals among them, until that time is over: so a hundred launches at once order one after the other.
//!
//! Of this process alone, and from its start: whoever was told a turn keeps it in the server's memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// How long what isn't ordered is saved up.
const SAVED: SignedDuration = SignedDuration::from_hours(1);

pub struct Orders {
    /// Between two turns.
    interval: SignedDuration,
    next: Mutex<Timestamp>,
}

impl Orders {
    /// So many an hour, and at most so many at once: in three hours four times as many, at most.
    #[must_use]
    pub fn new(per_hour: u16) -> Self {
        Self { interval: SAVED / i32::from(per_hour.max(1)), next: Mutex::new(Timestamp::UNIX_EPOCH) }
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next turn. The order may be made when it has come, which it has already where there was a pause.
    pub fn turn(&self, now: Timestamp) -> Timestamp {
        let mut next = self.lock();
        let turn = (*next).max(now - SAVED + self.interval);
        *next = turn + self.interval;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hours_worth_at_once_and_then_one_after_the_other() {
        let orders = Orders::new(60);
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let turns: Vec<i64> = (0..63).map(|_| orders.turn(now).duration_since(now).as_secs()).collect();
        assert_eq!(turns.iter().filter(|it| **it <= 0).count(), 60);
        assert_eq!(turns[60..], [60, 120, 180]);
        let later = now + SignedDuration::from_mins(10);
        let saved = std::iter::repeat_with(|| orders.turn(later)).take_while(|it| *it <= later).count();
        assert_eq!(saved, 10 - 3, "of ten minutes, three are given away");
    }

    #[test]
    fn no_three_hours_have_more_than_four_hours_worth() {
        let (orders, begin) = (Orders::new(60), "2026-01-01T12:00:00Z".parse::<Timestamp>().unwrap());
        // As greedy as can be: whoever has a turn asks for the next at once.
        let end = begin + SignedDuration::from_hours(3);
        let made = std::iter::successors(Some(begin), |now| Some((*now).max(orders.turn(*now)))).skip(1).take_while(|it| *it < end);
        assert_eq!(made.count(), 60 + 3 * 60 - 1);
    }
}
