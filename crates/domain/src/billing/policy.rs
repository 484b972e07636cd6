//! Access is one pure, total function of standing, time and the operator's settings.
//!
//! Nothing is ever deleted from here, and nothing is revoked for want of knowledge: a verdict is made of facts that are known.

use chrono::{DateTime, TimeDelta, Utc};

use super::facts::Collection;
use crate::lifecycle::{Hold, Standing};

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Nobody: plans are granted, by hand or, with `grant_every_launch`, each at its launch.
    None { grant_every_launch: bool },
    /// A launch is paid, or a trial begun, before its server starts.
    Stripe,
}

/// What a server may do, from more to less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    Run,
    ReadOnly,
    Suspend(Hold),
}

/// The operator's settings: how long each stage lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long a server runs on after a card or a debit failed.
    pub grace: TimeDelta,
    /// How long after an invoice that was sent should have been paid: a transfer takes its time, and so does an office.
    pub invoice_grace: TimeDelta,
    /// How long it can be read after that, before it is suspended.
    pub read_only: TimeDelta,
    pub export_window: ExportWindow,
}

impl Terms {
    /// What is decided by, for a server whose subscription is paid in this way.
    #[must_use]
    pub const fn facts(&self, standing: Standing, collection: Option<Collection>, now: DateTime<Utc>) -> BillingFacts {
        let grace = match collection {
            Some(Collection::ByInvoice { .. }) => self.invoice_grace,
            Some(Collection::Automatic) | None => self.grace,
        };
        BillingFacts { standing, now, grace, read_only: self.read_only }
    }
}

/// How long a suspended server can be taken along before it is removed: 60 days at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExportWindow(TimeDelta);

impl ExportWindow {
    pub const LEAST: Self = Self(TimeDelta::days(60));

    /// `None`: it is too short.
    #[must_use]
    pub fn new(length: TimeDelta) -> Option<Self> {
        (length >= Self::LEAST.0).then_some(Self(length))
    }

    #[must_use]
    pub const fn length(self) -> TimeDelta {
        self.0
    }
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

/// When a standing that ends takes effect. One that doesn't end has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stages {
    /// When it began: the same for as long as it is the same matter.
    pub since: DateTime<Utc>,
    pub read_only_at: DateTime<Utc>,
    pub suspended_at: DateTime<Utc>,
}

impl BillingFacts {
    /// A payment that is given up early ends the grace, and brings the suspension no nearer than it was.
    #[must_use]
    pub fn stages(&self) -> Option<Stages> {
        let (since, read_only_at, suspended_at) = match self.standing {
            Standing::PastDue { since } => (since, since + self.grace, since + self.grace + self.read_only),
            Standing::Lapsed { since } => (since, since, since + self.grace + self.read_only),
            Standing::Cancelled { at: end } | Standing::Granted { until: Some(end), .. } => (end, end, end + self.read_only),
            Standing::Incomplete | Standing::Trialing { .. } | Standing::Current { .. } | Standing::Granted { until: None, .. } => {
                return None;
            }
        };
        Some(Stages { since, read_only_at, suspended_at })
    }
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
        Provider::None { grant_every_launch: false } | Provider::Stripe => Standing::Incomplete,
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
    let runs_until = facts.stages()?.read_only_at;
    if facts.now < runs_until {
        let sentence = format!(
            "A payment is missing since {}. The server runs on until {}; please pay, or check your means of payment.",
            since.date_naive(),
            runs_until.date_naive()
        );
        return verdict(Access::Run, "past_due", sentence);
    }
    wind_down(facts, "past_due_grace_over", "A payment is missing, and the time to make up for it is over.")
}

fn ended(facts: &BillingFacts) -> Option<Verdict> {
    match &facts.standing {
        Standing::Lapsed { .. } => wind_down(facts, "lapsed", "This server is not paid for any more."),
        Standing::Cancelled { at } if facts.now < *at => verdict(
            Access::Run,
            "cancelled_runs_on",
            format!("This server's plan was cancelled. It is paid for until {}.", at.date_naive()),
        ),
        Standing::Cancelled { .. } => wind_down(facts, "cancelled", "This server's plan was cancelled."),
        Standing::Granted { until: Some(_), .. } => wind_down(facts, "grant_ended", "This server's grant has ended."),
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
fn wind_down(facts: &BillingFacts, reason: &'static str, sentence: &str) -> Option<Verdict> {
    let access = if facts.now < facts.stages()?.suspended_at { Access::ReadOnly } else { Access::Suspend(Hold::Billing) };
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
            (Standing::Lapsed { since: day(1) }, 1, Access::ReadOnly, "lapsed"),
            (Standing::Lapsed { since: day(1) }, 44, Access::ReadOnly, "lapsed"),
            (Standing::Lapsed { since: day(1) }, 45, suspended, "lapsed"),
            (Standing::Cancelled { at: day(1) }, 0, Access::Run, "cancelled_runs_on"),
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
        assert_eq!(standing_at_launch(Provider::Stripe), Standing::Incomplete);
    }

    #[test]
    fn an_invoice_that_was_sent_has_a_longer_grace() {
        let terms = Terms {
            grace: TimeDelta::days(14),
            invoice_grace: TimeDelta::days(45),
            read_only: TimeDelta::days(30),
            export_window: ExportWindow::LEAST,
        };
        let at = |collection, now| access(&terms.facts(Standing::PastDue { since: day(0) }, collection, day(now))).access;
        let by_invoice = Some(Collection::ByInvoice { days_until_due: 30 });
        assert_eq!([at(Some(Collection::Automatic), 13), at(Some(Collection::Automatic), 14)], [Access::Run, Access::ReadOnly]);
        assert_eq!([at(by_invoice, 44), at(by_invoice, 45)], [Access::Run, Access::ReadOnly]);
        assert_eq!([at(None, 13), at(None, 14)], [Access::Run, Access::ReadOnly]);
    }

    #[test]
    fn no_export_window_is_shorter_than_sixty_days() {
        assert_eq!(ExportWindow::new(TimeDelta::days(60) - TimeDelta::seconds(1)), None);
        assert_eq!(ExportWindow::new(TimeDelta::days(60)), Some(ExportWindow::LEAST));
        assert_eq!(ExportWindow::new(TimeDelta::days(90)).map(ExportWindow::length), Some(TimeDelta::days(90)));
    }

    fn any_standing() -> impl Strategy<Value = Standing> {
        (0_u8..8, 0_i64..100).prop_map(|(kind, days)| match kind {
            0 => Standing::Incomplete,
            1 => Standing::Trialing { until: day(days) },
            2 => Standing::Current { until: day(days) },
            3 => Standing::PastDue { since: day(days) },
            4 => Standing::Lapsed { since: day(days) },
            5 => Standing::Cancelled { at: day(days) },
            6 => Standing::Granted { by: "anna".to_owned(), until: None },
            _ => Standing::Granted { by: "anna".to_owned(), until: Some(day(days)) },
        })
    }

    proptest! {
        #[test]
        fn access_never_comes_back_by_waiting(standing in any_standing(), first in 0_i64..200, later in 0_i64..200) {
            prop_assert!(decide(standing.clone(), first).0 <= decide(standing, first + later).0);
        }

        #[test]
        fn who_has_paid_runs(until in 0_i64..100, now in 0_i64..400) {
            prop_assert_eq!(decide(Standing::Current { until: day(until) }, now).0, Access::Run);
            if now < until {
                prop_assert_eq!(decide(Standing::Cancelled { at: day(until) }, now).0, Access::Run);
            }
        }

        /// Giving up early, as the provider does at a time of its own, suspends no earlier than its trying on would.
        #[test]
        fn giving_up_suspends_nobody_earlier(since in 0_i64..100, now in 0_i64..400) {
            let is_suspended = |standing| decide(standing, now).0 == Access::Suspend(Hold::Billing);
            prop_assert_eq!(is_suspended(Standing::PastDue { since: day(since) }), is_suspended(Standing::Lapsed { since: day(since) }));
        }
    }
}
