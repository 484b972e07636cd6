//! How many requests a store bears at a time: one more for each round that went well, half when it says that it was too much.

use std::{sync::Mutex, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// The longest that a store may make us wait by one answer.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub(super) struct Pace {
    turns: Semaphore,
    state: Mutex<State>,
    most: usize,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Turns that are to be taken out of use when they come back.
    surplus: usize,
    /// Of the round that is under way: when `limit` went well, there is one more.
    well: usize,
    /// When it last was: what began before was too much already then.
    halved: Option<Instant>,
    closed_until: Option<Instant>,
}

/// One request's turn.
pub(super) struct Turn<'a> {
    pace: &'a Pace,
    permit: Option<SemaphorePermit<'a>>,
    began: Instant,
}

impl Pace {
    pub(super) fn new(start: usize, most: usize) -> Self {
        let state = State { limit: start, surplus: 0, well: 0, halved: None, closed_until: None };
        Self { turns: Semaphore::new(start), state: Mutex::new(state), most }
    }

    /// Waits until the store is open, and one of the turns is free.
    pub(super) async fn turn(&self) -> Turn<'_> {
        // It is never closed.
        let permit = self.turns.acquire().await.ok();
        loop {
            let now = Instant::now();
            match self.closed_until().filter(|it| *it > now) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return Turn { pace: self, permit, began: now },
            }
        }
    }

    fn closed_until(&self) -> Option<Instant> {
        self.state().closed_until
    }

    fn too_much(&self, began: Instant, now: Instant, retry_after: Option<Duration>) {
        let mut state = self.state();
        if let Some(wait) = retry_after {
            state.closed_until = state.closed_until.max(Some(now + wait.min(LONGEST_WAIT)));
        }
        if state.halved.is_some_and(|halved| began <= halved) {
            return;
        }
        let fewer = state.limit - (state.limit / 2).max(1);
        state.limit -= fewer;
        state.surplus += fewer - self.turns.forget_permits(fewer);
        (state.well, state.halved) = (0, Some(now));
        tracing::debug!(limit = state.limit, "the store asks for fewer requests at a time");
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn limit(&self) -> usize {
        self.state().limit
    }
}

impl Turn<'_> {
    pub(super) fn went_well(&self) {
        let mut state = self.pace.state();
        state.well += 1;
        if state.well < state.limit || state.limit >= self.pace.most {
            return;
        }
        state.well = 0;
        state.limit += 1;
        if state.surplus > 0 {
            state.surplus -= 1;
        } else {
            self.pace.turns.add_permits(1);
        }
    }

    /// All that were under way when it got too much say so, and it is halved once.
    pub(super) fn was_too_much(&self, retry_after: Option<Duration>) {
        self.pace.too_much(self.began, Instant::now(), retry_after);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_round_that_goes_well_allows_one_more_up_to_the_most() {
        let pace = Pace::new(2, 4);
        for (well, limit) in [(1, 2), (1, 3), (2, 3), (1, 4), (100, 4)] {
            for _ in 0..well {
                pace.turn().await.went_well();
            }
            assert_eq!((pace.limit(), pace.turns.available_permits()), (limit, limit));
        }
    }

    #[tokio::test]
    async fn it_is_halved_once_for_all_that_were_under_way() {
        let pace = Pace::new(8, 64);
        let mut turns = Vec::new();
        for _ in 0..8 {
            turns.push(pace.turn().await);
        }
        let now = Instant::now();
        turns.iter().for_each(|it| pace.too_much(it.began, now, None));
        assert_eq!(pace.limit(), 4);
        drop(turns);
        assert_eq!(pace.turns.available_permits(), 4, "half of the turns are not given out again");
        for (later, limit) in [(1, 2), (2, 1), (3, 1)] {
            let later = now + Duration::from_millis(later);
            pace.too_much(later, later, None);
            assert_eq!((pace.limit(), pace.turns.available_permits()), (limit, limit), "one always may");
        }
    }

    #[tokio::test]
    async fn what_comes_back_late_is_taken_out_before_more_is_allowed() {
        let pace = Pace::new(2, 64);
        let (one, other) = (pace.turn().await, pace.turn().await);
        pace.too_much(one.began, one.began, None);
        one.went_well();
        assert_eq!((pace.limit(), pace.turns.available_permits()), (2, 0));
        drop((one, other));
        assert_eq!(pace.turns.available_permits(), 2);
    }

    #[test]
    fn a_store_may_ask_to_wait_but_not_for_ever() {
        let pace = Pace::new(8, 8);
        let now = Instant::now();
        pace.too_much(now, now, Some(Duration::from_secs(7)));
        assert_eq!(pace.closed_until(), Some(now + Duration::from_secs(7)));
        pace.too_much(now, now, Some(Duration::from_secs(3)));
        assert_eq!(pace.closed_until(), Some(now + Duration::from_secs(7)), "the longest of all answers");
        pace.too_much(now, now, Some(Duration::from_secs(1 << 40)));
        assert_eq!(pace.closed_until(), Some(now + LONGEST_WAIT));
    }
}
