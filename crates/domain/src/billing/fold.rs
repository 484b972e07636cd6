//! From what the provider says now to a server's standing: one total function of its subscriptions and their invoices.
//!
//! It knows nothing of events and nothing of what was said before: whatever was delivered twice, late or never, the same fresh read
//! gives the same standing. A read that lacks a subscription which the record knows is no read (another account's key, say), and
//! changes nothing.

use chrono::{DateTime, Utc};

use super::facts::{Collection, Invoice, InvoiceStatus, Subscription, SubscriptionStatus};
use super::grant::Grant;
use crate::lifecycle::Standing;

/// A fresh read of one server, whole: all of its subscriptions, the ended ones too, and all of their invoices.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    pub subscriptions: &'a [Subscription],
    pub invoices: &'a [Invoice],
    /// Invoices whose money was given back whole: they pay for nothing.
    pub refunded: &'a [String],
    /// The subscriptions that the record knows of this server.
    pub known: &'a [String],
    pub now: DateTime<Utc>,
}

/// What the read comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    pub standing: Standing,
    /// The subscription that the standing is of.
    pub subscription: Option<String>,
    /// How that one is paid: the grace depends on it.
    pub collection: Option<Collection>,
    /// It ends then, if nobody takes that back.
    pub cancels_at: Option<DateTime<Utc>>,
    /// Others that go on beside one that runs (two tabs, say): to be cancelled.
    pub duplicates: Vec<String>,
    /// Nothing was ever paid, and the time for it is over: the server's name is free again.
    pub frees_name: bool,
}

/// The read lacks a subscription that was there. Keep the last standing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("subscription `{0}` is in the record, and the provider did not list it")]
pub struct MissingSubscription(pub String);

/// The standing of a server.
///
/// # Errors
/// [`MissingSubscription`], where the read can't be whole.
pub fn standing(read: &Read<'_>, grant: Option<&Grant>) -> Result<Folded, MissingSubscription> {
    let is_listed = |id: &&String| read.subscriptions.iter().any(|it| it.id == **id);
    if let Some(missing) = read.known.iter().find(|id| !is_listed(id)) {
        return Err(MissingSubscription(missing.clone()));
    }
    let best = read.subscriptions.iter().map(|it| (it, of_one(it, read))).min_by_key(|(it, standing)| order(it, standing, read.now));
    let is_expired = |it: &Subscription| it.status == SubscriptionStatus::IncompleteExpired;
    let frees_name = grant.is_none() && !read.subscriptions.is_empty() && read.subscriptions.iter().all(is_expired);
    let chosen = best.as_ref().map(|(it, _)| *it);
    let billed = best.as_ref().map_or(Standing::Incomplete, |(_, standing)| standing.clone());
    Ok(Folded {
        standing: match grant {
            Some(grant) => grant.over(billed, read.now),
            None => billed,
        },
        subscription: chosen.map(|it| it.id.clone()),
        collection: chosen.map(|it| it.collection),
        cancels_at: chosen.filter(|it| goes_on(it.status)).and_then(|it| it.cancel_at),
        duplicates: chosen.map_or_else(Vec::new, |it| duplicates(it, read.subscriptions)),
        frees_name,
    })
}

/// What one subscription says alone.
fn of_one(subscription: &Subscription, read: &Read<'_>) -> Standing {
    let period = subscription.period;
    let unpaid_since = || unpaid_since(subscription, read).unwrap_or(period.start);
    match subscription.status {
        SubscriptionStatus::Incomplete | SubscriptionStatus::IncompleteExpired => Standing::Incomplete,
        SubscriptionStatus::Trialing => Standing::Trialing { until: subscription.trial_end.unwrap_or(period.end) },
        SubscriptionStatus::Active => match overdue_since(subscription, read) {
            Some(since) => Standing::PastDue { since },
            None => Standing::Current { until: period.end },
        },
        SubscriptionStatus::PastDue => Standing::PastDue { since: unpaid_since() },
        SubscriptionStatus::Unpaid => Standing::Lapsed { since: unpaid_since() },
        SubscriptionStatus::Paused => Standing::Lapsed { since: subscription.trial_end.unwrap_or(period.start) },
        SubscriptionStatus::Canceled => cancelled(subscription, read),
    }
}

/// It runs to the end of what was paid for. One that never began, because its first payment never came, has nothing to wind down: else
/// a server would run, read-only, for an unpaid order that was called off.
fn cancelled(subscription: &Subscription, read: &Read<'_>) -> Standing {
    let was_paid = of(subscription, read).any(|it| it.status == InvoiceStatus::Paid);
    let is_sent = matches!(subscription.collection, Collection::ByInvoice { .. });
    let has_begun = subscription.trial_end.is_some() || is_sent || was_paid;
    let ended = subscription.ended_at.unwrap_or(read.now.min(subscription.period.end));
    match has_begun {
        true => Standing::Cancelled { at: paid_until(subscription, read).map_or(ended, |paid| paid.max(ended)) },
        false => Standing::Incomplete,
    }
}

fn of<'a>(subscription: &'a Subscription, read: &Read<'a>) -> impl Iterator<Item = &'a Invoice> {
    read.invoices.iter().filter(|it| it.subscription.as_deref() == Some(subscription.id.as_str()))
}

fn is_unpaid(invoice: &Invoice) -> bool {
    invoice.status == InvoiceStatus::Open && invoice.remaining.minor > 0
}

/// When an invoice should have been paid: one that was sent, at its due time; another as soon as it was made.
fn payable_at(invoice: &Invoice) -> DateTime<Utc> {
    invoice.due.unwrap_or(invoice.created)
}

/// Since when the oldest invoice of a subscription that the provider calls past due is not paid. One that was never tried, and is not
/// overdue, counts only where there is no other.
fn unpaid_since(subscription: &Subscription, read: &Read<'_>) -> Option<DateTime<Utc>> {
    let unpaid = || of(subscription, read).filter(|it| is_unpaid(it));
    let has_failed = |it: &&Invoice| it.attempts > 0 || it.due.is_some_and(|due| due <= read.now);
    let failed = unpaid().filter(has_failed).map(payable_at).min();
    // The same at each read: an end that moves would be told anew each time.
    failed.or_else(|| unpaid().map(|it| it.created).min()).map(|since| since.min(read.now))
}

/// The provider calls a subscription active until it looks at its sent invoices again; here they are looked at now.
fn overdue_since(subscription: &Subscription, read: &Read<'_>) -> Option<DateTime<Utc>> {
    of(subscription, read).filter(|it| is_unpaid(it)).filter_map(|it| it.due).filter(|due| *due <= read.now).min()
}

/// The end of what was paid for in advance, and not given back. A line of no amount is a trial's.
fn paid_until(subscription: &Subscription, read: &Read<'_>) -> Option<DateTime<Utc>> {
    let is_paid = |it: &&Invoice| it.status == InvoiceStatus::Paid && !read.refunded.contains(&it.id);
    let lines = of(subscription, read).filter(is_paid).flat_map(|it| &it.lines);
    lines.filter(|it| it.amount.minor > 0).map(|it| it.period.end.min(subscription.period.end)).max()
}

/// The least is the one that counts: what lets the server run, paid before free, then what ended last; of equals the older.
fn order<'a>(subscription: &'a Subscription, standing: &Standing, now: DateTime<Utc>) -> (u8, i64, DateTime<Utc>, &'a str) {
    let (rank, late) = match standing {
        Standing::Current { .. } | Standing::Granted { .. } => (0, 0),
        Standing::Trialing { .. } => (1, 0),
        Standing::Cancelled { at } if now < *at => (2, at.timestamp()),
        Standing::PastDue { since } => (3, since.timestamp()),
        Standing::Lapsed { since: ended } | Standing::Cancelled { at: ended } => (4, ended.timestamp()),
        // One that can still be paid says more than one that can't.
        Standing::Incomplete => (5, i64::from(subscription.status == SubscriptionStatus::Incomplete)),
    };
    (rank, -late, subscription.created, &subscription.id)
}

/// It can still ask for money.
pub(super) const fn goes_on(status: SubscriptionStatus) -> bool {
    match status {
        SubscriptionStatus::Incomplete
        | SubscriptionStatus::Trialing
        | SubscriptionStatus::Active
        | SubscriptionStatus::PastDue
        | SubscriptionStatus::Unpaid
        | SubscriptionStatus::Paused => true,
        SubscriptionStatus::IncompleteExpired | SubscriptionStatus::Canceled => false,
    }
}

/// A server may run by it.
pub(super) const fn runs(status: SubscriptionStatus) -> bool {
    matches!(status, SubscriptionStatus::Trialing | SubscriptionStatus::Active | SubscriptionStatus::PastDue)
}

/// Beside one that runs, none may go on. Beside one that doesn't, another is the customer's way back.
fn duplicates(chosen: &Subscription, all: &[Subscription]) -> Vec<String> {
    if !runs(chosen.status) {
        return Vec::new();
    }
    let others = all.iter().filter(|it| it.id != chosen.id && goes_on(it.status));
    let mut others: Vec<String> = others.map(|it| it.id.clone()).collect();
    others.sort_unstable();
    others.dedup();
    others
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
