//! Which mail about an ending is due: one at each step, and 30, 14, 3 and 1 days before the removal, none of them twice.
//!
//! Computed from where the server stands and what its owners were told, not kept as a schedule: after days in which nothing was sent,
//! only the newest is sent, which says what the others would have said.

use chrono::{DateTime, Utc};

use super::timeline::Timeline;
use crate::lifecycle::words;

words! {
    /// In the order in which they come.
    Notice {
        /// A payment is missing, or the end that was planned comes near.
        Ending = "ending",
        ReadOnly = "read_only",
        Suspended = "suspended",
        Removal30 = "removal_30",
        Removal14 = "removal_14",
        Removal3 = "removal_3",
        Removal1 = "removal_1",
    }
}

impl Notice {
    /// It is one of the removal: when the first of these was sent, the owners were warned.
    #[must_use]
    pub fn warns(self) -> bool {
        self >= Self::Removal30
    }
}

/// What was sent, and in which matter: [`Timeline::since`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub notice: Notice,
    pub of: DateTime<Utc>,
}

/// The notice that is to be sent now.
#[must_use]
pub fn due(timeline: &Timeline, told: &[Told], now: DateTime<Utc>) -> Option<Notice> {
    let (newest, _) = schedule(timeline).into_iter().filter(|(_, at)| *at <= now).max_by_key(|(notice, _)| *notice)?;
    let was_told = told.iter().any(|it| it.of == timeline.since && it.notice >= newest);
    (!was_told).then_some(newest)
}

fn schedule(timeline: &Timeline) -> [(Notice, DateTime<Utc>); 7] {
    let [removal_30, removal_14, removal_3, removal_1] = timeline.notices.map(|(_, at)| at);
    [
        (Notice::Ending, timeline.banner_from),
        (Notice::ReadOnly, timeline.read_only_at),
        (Notice::Suspended, timeline.suspended_at),
        (Notice::Removal30, removal_30),
        (Notice::Removal14, removal_14),
        (Notice::Removal3, removal_3),
        (Notice::Removal1, removal_1),
    ]
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::billing::policy::{BillingFacts, ExportWindow};
    use crate::billing::timeline::{Happened, timeline};
    use crate::lifecycle::Standing;

    fn day(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    /// The worker as it would be: it suspends when it is time to, sends what is due, and notes both.
    #[derive(Default)]
    struct Worker {
        happened: Happened,
        told: Vec<Told>,
        sent: Vec<(i64, Notice)>,
        removable: Option<i64>,
    }

    impl Worker {
        fn works_on(&mut self, standing: &Standing, today: i64) {
            let now = day(today);
            let facts = BillingFacts { standing: standing.clone(), now, grace: TimeDelta::days(14), read_only: TimeDelta::days(30) };
            let Some(it) = timeline(&facts, ExportWindow::LEAST, self.happened) else { return };
            if it.suspended_at <= now {
                self.happened.suspended_at.get_or_insert(now);
            }
            let Some(it) = timeline(&facts, ExportWindow::LEAST, self.happened) else { return };
            if it.remove_at <= now {
                self.removable.get_or_insert(today);
            }
            if let Some(notice) = due(&it, &self.told, now) {
                self.told.push(Told { notice, of: it.since });
                self.sent.push((today, notice));
                if notice.warns() {
                    self.happened.warned_at.get_or_insert(now);
                }
                if notice == Notice::Removal1 {
                    self.happened.announced_at = Some(now);
                }
            }
        }

        fn over(standing: &Standing, days: impl Iterator<Item = i64>) -> Self {
            let mut worker = Self::default();
            days.for_each(|today| worker.works_on(standing, today));
            worker
        }
    }

    use Notice::{Ending, ReadOnly, Removal1, Removal3, Removal14, Removal30, Suspended};

    #[test]
    fn each_step_is_told_once_on_its_day() {
        let worker = Worker::over(&Standing::PastDue { since: day(100) }, 100..250);
        let expected =
            [(100, Ending), (114, ReadOnly), (144, Suspended), (174, Removal30), (190, Removal14), (201, Removal3), (203, Removal1)];
        assert_eq!((worker.sent.as_slice(), worker.removable), (expected.as_slice(), Some(204)));
        let cancelled = Worker::over(&Standing::Cancelled { at: day(100) }, 50..250);
        assert_eq!(cancelled.sent[..3], [(86, Ending), (100, ReadOnly), (130, Suspended)]);
    }

    #[test]
    fn after_a_gap_only_the_newest_is_sent() {
        let past_due = Standing::PastDue { since: day(100) };
        let away = |from: i64, to: i64| Worker::over(&past_due, (100..from).chain(to..260));
        let worker = away(185, 202);
        assert_eq!(worker.sent[4..], [(202, Removal3), (203, Removal1)], "not Removal14, which is older");
        let through_the_end = away(195, 220);
        assert_eq!(through_the_end.sent[5..], [(220, Removal1)]);
        assert_eq!(through_the_end.removable, Some(221), "a day's notice all the same");
        let from_the_start = Worker::over(&past_due, 240..320);
        assert_eq!(from_the_start.sent[..2], [(240, Suspended), (270, Removal30)]);
        assert_eq!(from_the_start.removable, Some(300));
    }

    #[test]
    fn another_matter_is_told_anew() {
        let mut worker = Worker::over(&Standing::PastDue { since: day(100) }, 100..120);
        worker.works_on(&Standing::Current { until: day(130) }, 121);
        worker.works_on(&Standing::PastDue { since: day(130) }, 130);
        assert_eq!(worker.sent, [(100, Ending), (114, ReadOnly), (130, Ending)]);
        worker.works_on(&Standing::Lapsed { since: day(130) }, 131);
        assert_eq!(worker.sent.last(), Some(&(131, ReadOnly)), "given up, and still the same matter");
    }

    proptest! {
        #[test]
        fn whenever_the_worker_runs_nothing_is_told_twice_or_backwards(days in prop::collection::btree_set(90_i64..400, 1..60)) {
            let worker = Worker::over(&Standing::PastDue { since: day(100) }, days.into_iter());
            prop_assert!(worker.sent.is_sorted_by(|a, b| a.1 < b.1), "{:?}", worker.sent);
            if let Some(removable) = worker.removable {
                let first_warned = worker.sent.iter().find(|(_, notice)| notice.warns()).map(|(today, _)| *today);
                prop_assert!(first_warned.is_some_and(|it| it + 30 <= removable));
                prop_assert!(worker.sent.iter().any(|(today, notice)| *notice == Removal1 && *today < removable));
            }
        }
    }
}
