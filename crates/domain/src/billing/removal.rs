//! Whether a server's *Remove* may be proposed: our copy goes, nothing is announced. There is no way from here to *Close*.
//!
//! A webhook deletes nothing. What is needed is evidence of four kinds, gathered at that moment: time that has passed since the server
//! really stood still and since its owners really were warned, a fresh read of what the provider says, a final bundle that was
//! found whole, and nobody's word that the data has to be kept.

use chrono::{DateTime, Utc};

use super::fresh::is_fresh;
use super::grant::Preservation;
use super::policy::{Access, BillingFacts, ExportWindow, access};
use super::timeline::{Happened, timeline};
use crate::lifecycle::{Deletion, Standing};

/// The standing as it was folded from a read, and when that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshRead {
    pub standing: Standing,
    pub read_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalBundle {
    /// All that the server is, as it was then, and found whole after it was written.
    Verified { made_at: DateTime<Utc> },
    /// There was never anything to be kept: it never came up.
    NeverRan,
}

#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    pub happened: Happened,
    pub read: Option<&'a FreshRead>,
    pub bundle: Option<FinalBundle>,
    pub preservation: Option<&'a Preservation>,
}

/// What may be done, and nothing else: made by [`propose`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal(());

impl Proposal {
    #[must_use]
    pub const fn deletion(self) -> Deletion {
        Deletion::Remove
    }
}

/// Why not, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    #[error("this server is not held back for billing")]
    NotEnded,
    #[error("it has not been suspended yet")]
    NotSuspended,
    #[error("it can be taken along until {until}")]
    Window { until: DateTime<Utc> },
    #[error("it has to be kept, by the word of {by}: {reason}")]
    Kept { by: String, reason: String },
    #[error("its data had to be kept, and it can be taken along again until {until}")]
    WindowAfterKeeping { until: DateTime<Utc> },
    #[error("what the payment provider says was not read in the last hour")]
    NotRead,
    #[error("the payment provider says something else by now")]
    ReadDiffers,
    #[error("there is no final bundle of it, made after it was suspended and found whole")]
    NoBundle,
}

/// Whether the server may be removed now.
///
/// # Errors
/// [`NotYet`], with the first thing that speaks against it.
pub fn propose(facts: &BillingFacts, window: ExportWindow, evidence: &Evidence<'_>) -> Result<Proposal, NotYet> {
    if !matches!(access(facts).access, Access::Suspend(_)) {
        return Err(NotYet::NotEnded);
    }
    let timeline = timeline(facts, window, evidence.happened).ok_or(NotYet::NotEnded)?;
    let suspended_at = evidence.happened.suspended_at.ok_or(NotYet::NotSuspended)?;
    if facts.now < timeline.remove_at {
        return Err(NotYet::Window { until: timeline.remove_at });
    }
    is_not_kept(facts.now, window, evidence.preservation)?;
    let read = evidence.read.filter(|it| is_fresh(it.read_at, facts.now)).ok_or(NotYet::NotRead)?;
    if read.standing != facts.standing {
        return Err(NotYet::ReadDiffers);
    }
    match evidence.bundle {
        Some(FinalBundle::Verified { made_at }) if suspended_at <= made_at => Ok(Proposal(())),
        Some(FinalBundle::NeverRan) => Ok(Proposal(())),
        Some(FinalBundle::Verified { .. }) | None => Err(NotYet::NoBundle),
    }
}

/// While something has to be kept it may not be possible to take it along: after that the window begins anew.
fn is_not_kept(now: DateTime<Utc>, window: ExportWindow, preservation: Option<&Preservation>) -> Result<(), NotYet> {
    let Some(preservation) = preservation else { return Ok(()) };
    if preservation.is_in_force(now) {
        return Err(NotYet::Kept { by: preservation.by.clone(), reason: preservation.reason.clone() });
    }
    match preservation.until.map(|it| it + window.length()) {
        Some(until) if now < until => Err(NotYet::WindowAfterKeeping { until }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn day(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn facts(standing: Standing, now: DateTime<Utc>) -> BillingFacts {
        BillingFacts { standing, now, grace: TimeDelta::days(14), read_only: TimeDelta::days(30) }
    }

    fn decide(facts: &BillingFacts, evidence: &Evidence<'_>) -> Result<Proposal, NotYet> {
        propose(facts, ExportWindow::LEAST, evidence)
    }

    #[test]
    fn all_four_kinds_of_evidence_are_needed() {
        // Cancelled on day 0: read-only to day 30, suspended, warned on day 60, due on day 90.
        let standing = Standing::Cancelled { at: day(0) };
        let now = facts(standing.clone(), day(90));
        let read = FreshRead { standing: standing.clone(), read_at: day(90) };
        let whole = Evidence {
            happened: Happened { suspended_at: Some(day(30)), warned_at: Some(day(60)), announced_at: Some(day(89)) },
            read: Some(&read),
            bundle: Some(FinalBundle::Verified { made_at: day(31) }),
            preservation: None,
        };
        assert_eq!(decide(&now, &whole).map(Proposal::deletion), Ok(Deletion::Remove));
        let never_ran = Evidence { bundle: Some(FinalBundle::NeverRan), ..whole.clone() };
        assert!(decide(&now, &never_ran).is_ok());

        let refused = |evidence: Evidence<'_>| decide(&now, &evidence).unwrap_err();
        let happened = |suspended: Option<i64>, warned: Option<i64>| Evidence {
            happened: Happened { suspended_at: suspended.map(day), warned_at: warned.map(day), ..whole.happened },
            ..whole.clone()
        };
        assert_eq!(refused(happened(None, Some(60))), NotYet::NotSuspended);
        assert_eq!(refused(happened(Some(30), None)), NotYet::Window { until: day(120) });
        let unannounced = Happened { announced_at: None, ..whole.happened };
        assert_eq!(refused(Evidence { happened: unannounced, ..whole.clone() }), NotYet::Window { until: day(91) });
        assert_eq!(refused(happened(Some(31), Some(60))), NotYet::Window { until: day(91) });
        assert_eq!(refused(happened(Some(30), Some(70))), NotYet::Window { until: day(100) });
        assert_eq!(decide(&facts(standing.clone(), day(90) - TimeDelta::seconds(1)), &whole), Err(NotYet::Window { until: day(90) }));

        assert_eq!(refused(Evidence { read: None, ..whole.clone() }), NotYet::NotRead);
        let stale = FreshRead { read_at: day(90) - TimeDelta::minutes(61), ..read.clone() };
        assert_eq!(refused(Evidence { read: Some(&stale), ..whole.clone() }), NotYet::NotRead);
        let other = FreshRead { standing: Standing::Cancelled { at: day(1) }, ..read.clone() };
        assert_eq!(refused(Evidence { read: Some(&other), ..whole.clone() }), NotYet::ReadDiffers);

        assert_eq!(refused(Evidence { bundle: None, ..whole.clone() }), NotYet::NoBundle);
        let early = Some(FinalBundle::Verified { made_at: day(29) });
        assert_eq!(refused(Evidence { bundle: early, ..whole.clone() }), NotYet::NoBundle);

        let kept = |until: Option<i64>| Preservation { by: "anna".to_owned(), reason: "a court".to_owned(), until: until.map(day) };
        let with = |it: &Preservation| decide(&now, &Evidence { preservation: Some(it), ..whole.clone() });
        assert_eq!(with(&kept(None)), Err(NotYet::Kept { by: "anna".to_owned(), reason: "a court".to_owned() }));
        assert_eq!(with(&kept(Some(50))), Err(NotYet::WindowAfterKeeping { until: day(110) }));
        assert!(with(&kept(Some(30))).is_ok());
    }

    proptest! {
        /// Whatever the record and the provider say: who runs, reads, pays or never began is not removed, and nobody before 60
        /// days after the server really stood still, and 30 after its owners really were told.
        #[test]
        fn nobody_is_removed_early(kind in 0_u8..7, since in 0_i64..200, suspended in 0_i64..300, warned in 0_i64..300, now in 0_i64..500) {
            let standing = match kind {
                0 => Standing::Incomplete,
                1 => Standing::Trialing { until: day(since) },
                2 => Standing::Current { until: day(since) },
                3 => Standing::PastDue { since: day(since) },
                4 => Standing::Lapsed { since: day(since) },
                5 => Standing::Cancelled { at: day(since) },
                _ => Standing::Granted { by: "anna".to_owned(), until: Some(day(since)) },
            };
            let read = FreshRead { standing: standing.clone(), read_at: day(now) };
            let evidence = Evidence {
                happened: Happened { suspended_at: Some(day(suspended)), warned_at: Some(day(warned)), announced_at: Some(day(warned)) },
                read: Some(&read),
                bundle: Some(FinalBundle::Verified { made_at: day(suspended) }),
                preservation: None,
            };
            let is_proposed = decide(&facts(standing, day(now)), &evidence).is_ok();
            if is_proposed {
                prop_assert!(kind > 2);
                prop_assert!(now - suspended >= 60 && now - warned >= 30 && now - since >= 90);
            } else if kind > 4 {
                prop_assert!(now - suspended < 60 || now - warned < 30 || now - since < 90);
            }
        }
    }
}
