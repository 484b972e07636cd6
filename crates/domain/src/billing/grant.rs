//! What an operator may say over billing's head: a grant lets a server run, a hold keeps its data. Each has a name and a reason under
//! it, and an end or none.

use chrono::{DateTime, Utc};

use crate::lifecycle::Standing;

/// Free of charge, from when it was given on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub by: String,
    pub reason: String,
    pub until: Option<DateTime<Utc>>,
}

impl Grant {
    /// The standing of a server that this grant is of, and of which billing says `billed`.
    ///
    /// In force, it overrides. Once it has ended, billing decides, but nothing is counted from before its end: nobody is suspended the
    /// minute after for what was due while the grant held.
    #[must_use]
    pub fn over(&self, billed: Standing, now: DateTime<Utc>) -> Standing {
        let granted = || Standing::Granted { by: self.by.clone(), until: self.until };
        let Some(until) = self.until.filter(|until| *until <= now) else { return granted() };
        match billed {
            Standing::Trialing { .. } | Standing::Current { .. } => billed,
            Standing::PastDue { since } => Standing::PastDue { since: since.max(until) },
            Standing::Lapsed { since: ended } | Standing::Cancelled { at: ended } if until < ended => billed,
            Standing::Lapsed { .. } | Standing::Cancelled { .. } | Standing::Incomplete | Standing::Granted { .. } => granted(),
        }
    }
}

/// The data has to stay, whatever is paid: a dispute, a court. It stops the removal and nothing else; who is to stand still meanwhile
/// is another decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preservation {
    pub by: String,
    pub reason: String,
    pub until: Option<DateTime<Utc>>,
}

impl Preservation {
    #[must_use]
    pub fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn day(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    #[test]
    fn a_grant_ends_into_what_billing_says_and_nothing_counts_from_before() {
        let grant = Grant { by: "anna".to_owned(), reason: "a club of the town".to_owned(), until: Some(day(10)) };
        let granted = Standing::Granted { by: "anna".to_owned(), until: Some(day(10)) };
        let table = [
            (Standing::Incomplete, 9, granted.clone()),
            (Standing::Cancelled { at: day(1) }, 9, granted.clone()),
            (Standing::Current { until: day(40) }, 9, granted.clone()),
            (Standing::Current { until: day(40) }, 10, Standing::Current { until: day(40) }),
            (Standing::Trialing { until: day(40) }, 10, Standing::Trialing { until: day(40) }),
            (Standing::PastDue { since: day(2) }, 10, Standing::PastDue { since: day(10) }),
            (Standing::PastDue { since: day(12) }, 13, Standing::PastDue { since: day(12) }),
            (Standing::Lapsed { since: day(2) }, 10, granted.clone()),
            (Standing::Lapsed { since: day(12) }, 13, Standing::Lapsed { since: day(12) }),
            (Standing::Cancelled { at: day(2) }, 10, granted.clone()),
            (Standing::Cancelled { at: day(12) }, 13, Standing::Cancelled { at: day(12) }),
            (Standing::Incomplete, 10, granted),
        ];
        for (billed, now, standing) in table {
            assert_eq!(grant.over(billed.clone(), day(now)), standing, "{billed:?} on day {now}");
        }
        let for_ever = Grant { until: None, ..grant };
        assert_eq!(for_ever.over(Standing::Incomplete, day(9_999)), Standing::Granted { by: "anna".to_owned(), until: None });
    }
}
