//! Random histories of one server: what happens at the provider, deliveries that are late, doubled, lost and out of order, days in which
//! the provider is away; and a worker that goes by the rules. Nobody is ever held back who should run, and nobody runs on for whom
//! the time is over, once the provider could be asked.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::facts::{Collection, Invoice, InvoiceLine, InvoiceStatus, Period, Subscription, SubscriptionStatus};
use super::fold::{Read, standing};
use super::fresh::{Next, next};
use super::policy::{Access, BillingFacts, access};
use crate::lifecycle::{Hold, Standing};
use crate::money::Money;

const HOURS: i64 = 24 * 150;

fn hour(hours: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
}

fn facts(standing: Standing, now: i64) -> BillingFacts {
    BillingFacts { standing, now: hour(now), grace: TimeDelta::days(14), read_only: TimeDelta::days(30) }
}

#[derive(Debug, Clone)]
struct Change {
    at: i64,
    status: SubscriptionStatus,
    /// Hours until each delivery of it; none: lost.
    delivered_after: Vec<i64>,
}

#[derive(Debug, Clone)]
struct History {
    changes: Vec<Change>,
    /// The provider answers nothing from the first hour to the last.
    away: Vec<(i64, i64)>,
}

impl History {
    fn can_be_read(&self, now: i64) -> bool {
        !self.away.iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    fn delivers(&self, now: i64) -> bool {
        self.changes.iter().any(|it| it.delivered_after.iter().any(|after| it.at + after == now))
    }

    /// What the provider would answer now, folded.
    fn truth(&self, now: i64) -> Standing {
        let until_now: Vec<&Change> = self.changes.iter().filter(|it| it.at <= now).collect();
        let status = until_now.last().map_or(SubscriptionStatus::Incomplete, |it| it.status);
        let is_owing = |status| matches!(status, SubscriptionStatus::PastDue | SubscriptionStatus::Unpaid);
        let owing_since = until_now.iter().rev().take_while(|it| is_owing(it.status)).last().map(|it| it.at);
        let began = until_now.iter().any(|it| it.status == SubscriptionStatus::Active);
        let invoices: Vec<Invoice> = began
            .then(|| invoice("in_0", InvoiceStatus::Paid, 0))
            .into_iter()
            .chain(owing_since.map(|since| invoice("in_1", InvoiceStatus::Open, since)))
            .collect();
        let ended_at = until_now.iter().find(|it| it.status == SubscriptionStatus::Canceled).map(|it| hour(it.at));
        let subscriptions = [Subscription { status, ended_at, ..subscription() }];
        let read = Read { subscriptions: &subscriptions, invoices: &invoices, refunded: &[], known: &[], now: hour(now) };
        standing(&read, None).unwrap().standing
    }
}

fn subscription() -> Subscription {
    Subscription {
        id: "sub".to_owned(),
        customer: "cus_1".to_owned(),
        instance: None,
        status: SubscriptionStatus::Incomplete,
        collection: Collection::Automatic,
        currency: "EUR".parse().unwrap(),
        created: hour(0),
        period: Period { start: hour(0), end: hour(24 * 30) },
        trial_end: None,
        cancel_at: None,
        ended_at: None,
        items: Vec::new(),
    }
}

fn invoice(id: &str, status: InvoiceStatus, made: i64) -> Invoice {
    let (amount, none) = (Money::new(900, "EUR".parse().unwrap()), Money::zero("EUR".parse().unwrap()));
    let period = Period { start: hour(made), end: hour(made + 24 * 30) };
    let line = InvoiceLine { id: format!("il_{id}"), description: String::new(), amount, quantity: None, period, is_proration: false };
    Invoice {
        id: id.to_owned(),
        number: None,
        customer: "cus_1".to_owned(),
        subscription: Some("sub".to_owned()),
        status,
        collection: Collection::Automatic,
        created: hour(made),
        due: None,
        total: amount,
        tax: none,
        remaining: if status == InvoiceStatus::Paid { none } else { amount },
        attempts: 1,
        next_attempt: None,
        lines: vec![line],
        page: None,
        pdf: None,
    }
}

/// The record of one server, and what its worker does in an hour.
struct Worker<'a> {
    history: &'a History,
    standing: Standing,
    read_at: i64,
    current: Access,
}

impl Worker<'_> {
    fn read(&mut self, now: i64) {
        if self.history.can_be_read(now) {
            (self.standing, self.read_at) = (self.history.truth(now), now);
        }
    }

    fn works(&mut self, now: i64) {
        if self.history.delivers(now) || now % 24 == 0 {
            self.read(now);
        }
        let next_step = |it: &Self| next(it.current, &facts(it.standing.clone(), now), Some(hour(it.read_at)));
        if next_step(self) == Next::Read {
            self.read(now);
        }
        if let Next::To(verdict) = next_step(self) {
            self.current = verdict.access;
        }
    }
}

/// Changes as the provider allows them: what is cancelled stays so.
fn any_history() -> impl Strategy<Value = History> {
    use SubscriptionStatus::{Active, Canceled, PastDue, Paused, Unpaid};
    let status = prop::sample::select(vec![Active, Active, Active, PastDue, PastDue, Unpaid, Paused, Canceled]);
    let change = (1_i64..24 * 40, status, prop::collection::vec(0_i64..24 * 5, 0..3));
    let away = prop::collection::vec((0_i64..HOURS, 1_i64..24 * 4), 0..4);
    (prop::collection::vec(change, 0..8), away).prop_map(|(changes, away)| {
        let mut history = History { changes: Vec::new(), away: away.into_iter().map(|(from, length)| (from, from + length)).collect() };
        let mut at = 0;
        for (later, status, delivered_after) in changes {
            at += later;
            let has_begun = !history.changes.is_empty();
            history.changes.push(Change { at, status: if has_begun { status } else { Active }, delivered_after });
            if has_begun && status == Canceled {
                break;
            }
        }
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nobody_is_held_back_wrongly_and_nobody_runs_on_unpaid(history in any_history()) {
        let mut worker = Worker { history: &history, standing: history.truth(0), read_at: 0, current: Access::Suspend(Hold::Billing) };
        let mut hours_too_many = 0;
        for now in 0..HOURS {
            let before = worker.current;
            worker.works(now);
            let allowed = access(&facts(history.truth(now), now)).access;
            if before < worker.current {
                prop_assert!(worker.current <= allowed, "hour {}: {:?}, and {:?} was allowed", now, worker.current, allowed);
            }
            if now % 24 == 0 && history.can_be_read(now) {
                prop_assert_eq!(worker.current, allowed, "hour {}", now);
            }
            let is_too_much = worker.current < allowed && history.can_be_read(now);
            hours_too_many = if is_too_much { hours_too_many + 1 } else { 0 };
            prop_assert!(hours_too_many <= 24, "hour {}: for a day it does more than is paid for", now);
        }
    }
}
