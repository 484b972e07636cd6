//! Nothing is taken from anybody by what may be out of date: before a server may do less than it does, the provider is read anew. To
//! do more, what is known is enough. With the provider away, everything stays as it is.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use super::policy::{Access, BillingFacts, Verdict, access};
use crate::lifecycle::Standing;

/// How old a read may be.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// A read of the future, by a clock that was wrong, is none.
#[must_use]
pub fn is_fresh(read_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    read_at <= now && now - read_at <= FRESH
}

/// What is to be done about a server that may do `current`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Keep,
    /// It would be allowed less: read, fold, and ask again.
    Read,
    To(Verdict),
}

/// `read_at`: when the standing was last folded from a whole read. A grant is our own word, and needs none.
#[must_use]
pub fn next(current: Access, facts: &BillingFacts, read_at: Option<DateTime<Utc>>) -> Next {
    let verdict = access(facts);
    let is_known = matches!(facts.standing, Standing::Granted { .. }) || read_at.is_some_and(|it| is_fresh(it, facts.now));
    match verdict.access.cmp(&current) {
        Ordering::Equal => Next::Keep,
        Ordering::Greater if !is_known => Next::Read,
        Ordering::Less | Ordering::Greater => Next::To(verdict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Hold;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn only_a_fresh_read_takes_something_away() {
        let suspended = Access::Suspend(Hold::Billing);
        let lapsed = Standing::Lapsed { since: at(0) };
        let paid = Standing::Current { until: at(9_999) };
        let ended = Standing::Granted { by: "anna".to_owned(), until: Some(at(0)) };
        let table = [
            (Access::Run, &lapsed, Some(40), "read_only"),
            (Access::Run, &lapsed, Some(39), "read"),
            (Access::Run, &lapsed, Some(101), "read"),
            (Access::Run, &lapsed, None, "read"),
            (Access::ReadOnly, &lapsed, Some(0), "keep"),
            (suspended, &lapsed, Some(0), "read_only"),
            (suspended, &paid, Some(0), "run"),
            (Access::Run, &paid, Some(0), "keep"),
            (Access::Run, &ended, None, "read_only"),
        ];
        for (current, standing, read_at, expected) in table {
            let facts =
                BillingFacts { standing: standing.clone(), now: at(100), grace: TimeDelta::days(14), read_only: TimeDelta::days(30) };
            let said = match next(current, &facts, read_at.map(at)) {
                Next::Keep => "keep",
                Next::Read => "read",
                Next::To(Verdict { access: Access::Run, .. }) => "run",
                Next::To(Verdict { access: Access::ReadOnly, .. }) => "read_only",
                Next::To(Verdict { access: Access::Suspend(_), .. }) => "suspend",
            };
            assert_eq!(said, expected, "{current:?}, {standing:?}, read at {read_at:?}");
        }
    }
}
