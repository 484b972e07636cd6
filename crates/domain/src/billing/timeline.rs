//! What will happen when to a server that is not paid for any more, so that nobody is surprised: dates for the worker, sentences for
//! the customer.
//!
//! The end is *Remove*, of our copy alone, announced to no other server. It moves with what really happened: a server that was
//! suspended late, or whose owners were warned late, because we were away, is removed as much later.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::policy::{BillingFacts, ExportWindow, Stages};
use crate::lifecycle::Standing;

/// How many days before the removal its owners are told.
pub const NOTICE_DAYS: [u8; 4] = [30, 14, 3, 1];

/// From the first of these notices to the removal, and from the last.
const WARNED: TimeDelta = TimeDelta::days(NOTICE_DAYS[0] as i64);
const ANNOUNCED: TimeDelta = TimeDelta::days(NOTICE_DAYS[3] as i64);

/// How long before a planned end the pages speak of it.
const BANNER_BEFORE: TimeDelta = TimeDelta::days(14);

/// What the record knows to have happened in this matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Happened {
    /// The server is suspended since then.
    pub suspended_at: Option<DateTime<Utc>>,
    /// When the first notice of the removal was sent, 30 days before.
    pub warned_at: Option<DateTime<Utc>>,
    /// When the last one was, a day before.
    pub announced_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The matter that it is of: another payment missed, another matter.
    pub since: DateTime<Utc>,
    pub banner_from: DateTime<Utc>,
    pub read_only_at: DateTime<Utc>,
    pub suspended_at: DateTime<Utc>,
    pub remove_at: DateTime<Utc>,
    /// Days before the removal, and when that is.
    pub notices: [(u8, DateTime<Utc>); 4],
}

/// The way down of a standing that ends; `None` for one that doesn't.
#[must_use]
pub fn timeline(facts: &BillingFacts, window: ExportWindow, happened: Happened) -> Option<Timeline> {
    let Stages { since, read_only_at, suspended_at } = facts.stages()?;
    let is_planned = matches!(facts.standing, Standing::Cancelled { .. } | Standing::Granted { .. });
    // What has not happened yet can happen now at the earliest.
    let or_now = |at: Option<DateTime<Utc>>| at.unwrap_or(facts.now);
    let stood_still = or_now(happened.suspended_at).max(suspended_at);
    let told = (or_now(happened.warned_at) + WARNED).max(or_now(happened.announced_at) + ANNOUNCED);
    let remove_at = (stood_still + window.length()).max(told);
    Some(Timeline {
        since,
        banner_from: if is_planned { since - BANNER_BEFORE } else { since },
        read_only_at,
        suspended_at,
        remove_at,
        notices: NOTICE_DAYS.map(|days| (days, remove_at - TimeDelta::days(days.into()))),
    })
}

/// A step on the way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    ReadOnly,
    Suspended,
    Removed,
}

/// What is said on every page of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    pub next: Stage,
    pub at: DateTime<Utc>,
    /// Begun ones count: a day before there is one left.
    pub days_left: u32,
    pub sentence: String,
    pub way_out: &'static str,
}

impl Timeline {
    /// The steps in order, with their dates and what each means.
    #[must_use]
    pub fn steps(&self) -> [(Stage, DateTime<Utc>, String); 3] {
        [(Stage::ReadOnly, self.read_only_at), (Stage::Suspended, self.suspended_at), (Stage::Removed, self.remove_at)]
            .map(|(stage, at)| (stage, at, stage.sentence(at.date_naive())))
    }

    /// What comes next, from when on the pages speak of it.
    #[must_use]
    pub fn banner(&self, facts: &BillingFacts) -> Option<Banner> {
        let is_time = self.banner_from <= facts.now;
        let (next, at, sentence) = self.steps().into_iter().find(|(_, at, _)| is_time && facts.now < *at)?;
        Some(Banner { next, at, days_left: days_left(facts.now, at), sentence, way_out: way_out(&facts.standing) })
    }
}

impl Stage {
    fn sentence(self, day: NaiveDate) -> String {
        match self {
            Self::ReadOnly => {
                format!("From {day} on the server can only be read: what others write still arrives, and nobody here can post.")
            }
            Self::Suspended => {
                format!("From {day} on the server stands still. All of it is kept, and can be taken along whole at any time.")
            }
            Self::Removed => format!(
                "On {day} our copy is deleted. No other server is told anything, so that the community can live on elsewhere, from what was taken along."
            ),
        }
    }
}

/// How all of it is stopped.
#[must_use]
pub const fn way_out(standing: &Standing) -> &'static str {
    match standing {
        Standing::PastDue { .. } | Standing::Lapsed { .. } => {
            "Pay what is open, or give another means of payment: all of this ends, and the server runs again."
        }
        Standing::Cancelled { .. } => "Choose a plan again: all of this ends, and the server runs on as it was.",
        Standing::Granted { .. } => "Choose a plan, or ask for the grant to go on: all of this ends, and the server runs on as it was.",
        Standing::Incomplete => "Pay the first invoice, and the server starts.",
        Standing::Trialing { .. } => "Give a means of payment, and the server runs on after the trial.",
        Standing::Current { .. } => "There is nothing to do.",
    }
}

fn days_left(now: DateTime<Utc>, at: DateTime<Utc>) -> u32 {
    let day = TimeDelta::days(1).num_seconds();
    u32::try_from((at - now).num_seconds().max(0).saturating_add(day - 1) / day).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::billing::policy::{Access, access};

    fn day(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn facts(standing: Standing, now: i64) -> BillingFacts {
        BillingFacts { standing, now: day(now), grace: TimeDelta::days(14), read_only: TimeDelta::days(30) }
    }

    fn dates(standing: Standing, now: i64, happened: Happened) -> Option<[i64; 5]> {
        let it = timeline(&facts(standing, now), ExportWindow::LEAST, happened)?;
        let days = |at: DateTime<Utc>| (at - DateTime::UNIX_EPOCH).num_days();
        assert_eq!(it.notices.map(|(before, at)| days(it.remove_at) - days(at) - i64::from(before)), [0; 4]);
        Some([it.banner_from, it.read_only_at, it.suspended_at, it.remove_at, it.notices[0].1].map(days))
    }

    #[test]
    fn each_ending_has_its_dates() {
        let none = Happened::default();
        let granted = |until: Option<i64>| Standing::Granted { by: "anna".to_owned(), until: until.map(day) };
        let table = [
            (Standing::PastDue { since: day(100) }, Some([100, 114, 144, 204, 174])),
            (Standing::Lapsed { since: day(100) }, Some([100, 100, 144, 204, 174])),
            (Standing::Cancelled { at: day(100) }, Some([86, 100, 130, 190, 160])),
            (granted(Some(100)), Some([86, 100, 130, 190, 160])),
            (granted(None), None),
            (Standing::Current { until: day(100) }, None),
            (Standing::Trialing { until: day(100) }, None),
            (Standing::Incomplete, None),
        ];
        for (standing, expected) in table {
            assert_eq!(dates(standing.clone(), 101, none), expected, "{standing:?}");
        }
    }

    #[test]
    fn what_we_were_late_with_is_given_to_the_customer() {
        let lapsed = Standing::Lapsed { since: day(100) };
        let at = |now, suspended: Option<i64>, warned: Option<i64>| {
            let happened = Happened { suspended_at: suspended.map(day), warned_at: warned.map(day), announced_at: None };
            dates(lapsed.clone(), now, happened).unwrap()[3]
        };
        assert_eq!(at(150, Some(144), None), 204);
        assert_eq!(at(170, Some(164), None), 224, "suspended 20 days late");
        assert_eq!(at(300, None, None), 360, "not suspended at all, so far");
        assert_eq!(at(190, Some(144), None), 220, "nobody was told in time");
        assert_eq!(at(195, Some(144), Some(190)), 220, "and once told, the date stands");
        assert_eq!(at(160, Some(20), None), 204, "held back before, for something else");
        assert_eq!(at(250, Some(144), Some(174)), 251, "and the last notice comes a day before");
    }

    #[test]
    fn the_banner_counts_down_to_what_comes_next() {
        let past_due = |now| facts(Standing::PastDue { since: day(100) }, now);
        let at = |now: i64| {
            let facts = past_due(now);
            let by = |happens: i64| (now >= happens).then(|| day(happens));
            let happened = Happened { suspended_at: by(144), warned_at: by(174), announced_at: by(203) };
            timeline(&facts, ExportWindow::LEAST, happened)?.banner(&facts).map(|it| (it.next, it.days_left))
        };
        assert_eq!(at(99), None);
        assert_eq!(at(100), Some((Stage::ReadOnly, 14)));
        assert_eq!(at(113), Some((Stage::ReadOnly, 1)));
        assert_eq!(at(114), Some((Stage::Suspended, 30)));
        assert_eq!(at(144), Some((Stage::Removed, 60)));
        assert_eq!(at(203), Some((Stage::Removed, 1)));
        assert_eq!(at(204), None);
        assert_eq!(days_left(day(1), day(2) - TimeDelta::seconds(1)), 1);
    }

    #[test]
    fn the_sentences_name_their_dates_and_end() {
        let facts = facts(Standing::PastDue { since: day(100) }, 101);
        let timeline = timeline(&facts, ExportWindow::LEAST, Happened::default()).unwrap();
        for (_, at, sentence) in timeline.steps() {
            assert!(sentence.contains(&at.date_naive().to_string()) && sentence.ends_with('.'), "{sentence}");
        }
        assert!(way_out(&facts.standing).starts_with("Pay"));
    }

    proptest! {
        /// What is announced is what is done.
        #[test]
        fn the_timeline_and_access_agree(kind in 0_u8..3, since in 0_i64..100, now in 0_i64..300) {
            let standing = match kind {
                0 => Standing::PastDue { since: day(since) },
                1 => Standing::Lapsed { since: day(since) },
                _ => Standing::Cancelled { at: day(since) },
            };
            let facts = facts(standing, now);
            let it = timeline(&facts, ExportWindow::LEAST, Happened::default()).unwrap();
            let expected = if facts.now < it.read_only_at {
                Access::Run
            } else if facts.now < it.suspended_at {
                Access::ReadOnly
            } else {
                Access::Suspend(crate::lifecycle::Hold::Billing)
            };
            prop_assume!(kind != 1 || since <= now);
            prop_assert_eq!(access(&facts).access, expected);
            prop_assert!(it.suspended_at + TimeDelta::days(60) <= it.remove_at);
        }
    }
}
