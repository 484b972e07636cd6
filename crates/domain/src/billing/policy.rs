//! Access is one pure, total function of standing, time and the operator's settings.
//!
//! Nothing is ever deleted from here, and nothing is revoked for want of knowledge: a verdict is made of facts that are known.

use chrono::{DateTime, TimeDelta, Utc};

use crate::lifecycle::{Hold, Standing};

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Nobody: plans are granted, by hand or, with `grant_every_launch`, each at its launch.
    None { grant_every_launch: bool },
}

/// What a server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Run,
    ReadOnly,
    Suspend(Hold),
}

#[derive(Debug, Clone)]
pub struct BillingFacts {
    pub standing: Standing,
    pub now: DateTime<Utc>,
    /// How long a server runs on after a payment failed.
    pub grace: TimeDelta,
    /// How long it can be read after that, before it is suspended.
    pub read_only: TimeDelta,
}

/// What was decided, why in a word, and why in a sentence for the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub access: Access,
    pub reason: &'static str,
    pub sentence: String,
}

fn verdict(access: Access, reason: &'static str, sentence: impl Into<String>) -> Option<Verdict> {
    Some(Verdict { access, reason, sentence: sentence.into() })
}

type Policy = fn(&BillingFacts) -> Option<Verdict>;

/// The first that has something to say decides; whom none of them knows has never paid.
const CHAIN: [Policy; 4] = [granted, paid_for, failed_payment, ended];

/// What a server of this standing may do now.
#[must_use]
pub fn access(facts: &BillingFacts) -> Verdict {
    CHAIN.iter().find_map(|policy| policy(facts)).unwrap_or_else(never_paid)
}

/// The standing that a launch begins with.
#[must_use]
pub fn standing_at_launch(provider: Provider) -> Standing {
    match provider {
        Provider::None { grant_every_launch: true } => Standing::Granted { by: "platform".to_owned(), until: None },
        Provider::None { grant_every_launch: false } => Standing::Incomplete,
    }
}

fn granted(facts: &BillingFacts) -> Option<Verdict> {
    match &facts.standing {
        Standing::Granted { until: None, .. } => verdict(Access::Run, "granted", "This server was granted free of charge."),
        Standing::Granted { until: Some(until), .. } if facts.now < *until => {
            verdict(Access::Run, "granted", format!("This server was granted free of charge until {}.", until.date_naive()))
        }
        _ => None,
    }
}

/// A period that has passed still counts until an event says otherwise: billing that is away revokes nothing.
fn paid_for(facts: &BillingFacts) -> Option<Verdict> {
    match facts.standing {
        Standing::Trialing { until } => verdict(Access::Run, "trialing", format!("This server is on trial until {}.", until.date_naive())),
        Standing::Current { .. } => verdict(Access::Run, "paid", "This server is paid for."),
        _ => None,
    }
}

fn failed_payment(facts: &BillingFacts) -> Option<Verdict> {
    let Standing::PastDue { since } = facts.standing else { return None };
    let end = since + facts.grace;
    if facts.now < end {
        let sentence =
            format!("The last payment failed. The server runs on until {}; please check your means of payment.", end.date_naive());
        return verdict(Access::Run, "past_due", sentence);
    }
    wind_down(facts, end, "past_due_grace_over", "The last payment failed, and the time to make up for it is over.")
}

fn ended(facts: &BillingFacts) -> Option<Verdict> {
    match &facts.standing {
        Standing::Lapsed { since } => wind_down(facts, *since, "lapsed", "This server is not paid for any more."),
        Standing::Cancelled { at } => wind_down(facts, *at, "cancelled", "This server's plan was cancelled."),
        Standing::Granted { until: Some(until), .. } => wind_down(facts, *until, "grant_ended", "This server's grant has ended."),
        _ => None,
    }
}

fn never_paid() -> Verdict {
    Verdict {
        access: Access::Suspend(Hold::Billing),
        reason: "incomplete",
        sentence: "This server has not been paid for or granted yet. It starts as soon as it is.".to_owned(),
    }
}

/// Read-only first, then suspended.
fn wind_down(facts: &BillingFacts, since: DateTime<Utc>, reason: &'static str, sentence: &str) -> Option<Verdict> {
    let access = if facts.now < since + facts.read_only { Access::ReadOnly } else { Access::Suspend(Hold::Billing) };
    verdict(access, reason, sentence)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn decide(standing: Standing, now: i64) -> (Access, &'static str) {
        let facts = BillingFacts { standing, now: day(now), grace: TimeDelta::days(14), read_only: TimeDelta::days(30) };
        let verdict = access(&facts);
        assert!(verdict.sentence.ends_with('.'), "{}", verdict.sentence);
        (verdict.access, verdict.reason)
    }

    #[test]
    fn the_table_is_total() {
        let suspended = Access::Suspend(Hold::Billing);
        let granted = |until| Standing::Granted { by: "anna".to_owned(), until };
        let table = [
            (Standing::Incomplete, 0, suspended, "incomplete"),
            (Standing::Trialing { until: day(5) }, 4, Access::Run, "trialing"),
            (Standing::Trialing { until: day(5) }, 9, Access::Run, "trialing"),
            (Standing::Current { until: day(5) }, 4, Access::Run, "paid"),
            (Standing::Current { until: day(5) }, 50, Access::Run, "paid"),
            (Standing::PastDue { since: day(1) }, 14, Access::Run, "past_due"),
            (Standing::PastDue { since: day(1) }, 15, Access::ReadOnly, "past_due_grace_over"),
            (Standing::PastDue { since: day(1) }, 45, suspended, "past_due_grace_over"),
            (Standing::Lapsed { since: day(1) }, 30, Access::ReadOnly, "lapsed"),
            (Standing::Lapsed { since: day(1) }, 31, suspended, "lapsed"),
            (Standing::Cancelled { at: day(1) }, 30, Access::ReadOnly, "cancelled"),
            (Standing::Cancelled { at: day(1) }, 31, suspended, "cancelled"),
            (granted(None), 9_999, Access::Run, "granted"),
            (granted(Some(day(5))), 4, Access::Run, "granted"),
            (granted(Some(day(5))), 5, Access::ReadOnly, "grant_ended"),
            (granted(Some(day(5))), 35, suspended, "grant_ended"),
        ];
        for (standing, now, access, reason) in table {
            assert_eq!(decide(standing.clone(), now), (access, reason), "{standing:?} at day {now}");
        }
    }

    #[test]
    fn with_billing_off_a_setting_grants_every_launch() {
        let granted = standing_at_launch(Provider::None { grant_every_launch: true });
        assert_eq!(decide(granted, 0).0, Access::Run);
        let by_hand = standing_at_launch(Provider::None { grant_every_launch: false });
        assert_eq!(decide(by_hand, 0).0, Access::Suspend(Hold::Billing));
    }

    proptest! {
        #[test]
        fn access_never_comes_back_by_waiting(since in 0_i64..100, first in 0_i64..200, later in 0_i64..200) {
            let rank = |now| match decide(Standing::PastDue { since: day(since) }, now).0 {
                Access::Run => 0,
                Access::ReadOnly => 1,
                Access::Suspend(_) => 2,
            };
            prop_assert!(rank(first) <= rank(first + later));
        }
    }
}
