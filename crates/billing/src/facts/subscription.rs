//! A subscription, as the domain knows it.

use howdah_domain::billing::facts::{Collection, Item, Period, Subscription, SubscriptionStatus};
use howdah_domain::money::Money;

use crate::BillingError;
use crate::objects::{Price, Subscription as Theirs, SubscriptionItem};
use crate::read::{currency, instance, money, optional_time, sold, time};

/// With its items, where the list within the object isn't whole.
pub(crate) fn subscription(theirs: &Theirs, items: &[SubscriptionItem]) -> Result<Subscription, BillingError> {
    let id = theirs.id.as_str();
    let period = period(theirs, items)?;
    let cancel_at = optional_time(id, theirs.cancel_at)?.or_else(|| theirs.cancel_at_period_end.then_some(period.end));
    Ok(Subscription {
        id: id.to_owned(),
        customer: theirs.customer.0.clone(),
        instance: instance(theirs.metadata.as_ref()),
        status: status(id, &theirs.status)?,
        collection: collection(theirs)?,
        currency: currency(id, &theirs.currency)?,
        created: time(id, theirs.created)?,
        period,
        trial_end: optional_time(id, theirs.trial_end)?,
        cancel_at,
        ended_at: optional_time(id, theirs.ended_at)?,
        items: items.iter().map(item).collect::<Result<_, _>>()?,
    })
}

fn status(id: &str, status: &str) -> Result<SubscriptionStatus, BillingError> {
    Ok(match status {
        "incomplete" => SubscriptionStatus::Incomplete,
        "incomplete_expired" => SubscriptionStatus::IncompleteExpired,
        "trialing" => SubscriptionStatus::Trialing,
        "active" => SubscriptionStatus::Active,
        "past_due" => SubscriptionStatus::PastDue,
        "unpaid" => SubscriptionStatus::Unpaid,
        "canceled" => SubscriptionStatus::Canceled,
        "paused" => SubscriptionStatus::Paused,
        unknown => return Err(BillingError::unreadable(id, format!("the state `{}` is not known here", unknown))),
    })
}

fn collection(theirs: &Theirs) -> Result<Collection, BillingError> {
    match theirs.collection_method.as_str() {
        "charge_automatically" => Ok(Collection::Automatic),
        "send_invoice" => Ok(Collection::ByInvoice { days_until_due: theirs.days_until_due.unwrap_or(0) }),
        unknown => Err(BillingError::unreadable(&theirs.id, format!("the way to pay `{}` is not known here", unknown))),
    }
}

/// All items of ours are billed by the month together; one without items has had no period but its first moment.
fn period(theirs: &Theirs, items: &[SubscriptionItem]) -> Result<Period, BillingError> {
    let id = theirs.id.as_str();
    let start = items.iter().map(|it| it.current_period_start).min().unwrap_or(theirs.created);
    let end = items.iter().map(|it| it.current_period_end).max().unwrap_or(theirs.created);
    Ok(Period { start: time(id, start)?, end: time(id, end)? })
}

fn item(theirs: &SubscriptionItem) -> Result<Item, BillingError> {
    let id = theirs.id.as_str();
    let price = &theirs.price;
    // A price without one amount (tiers, a fraction of a cent) is none of our catalogue's.
    let unit = money(id, price.unit_amount.unwrap_or(0), &price.currency)?;
    Ok(Item {
        id: id.to_owned(),
        price: price.id.clone(),
        sold: sold(price.metadata.as_ref()),
        unit: Money::new(by_month(unit.minor, price), unit.currency),
        quantity: theirs.quantity.unwrap_or(1),
    })
}

fn by_month(minor: i64, price: &Price) -> i64 {
    let Some(recurring) = &price.recurring else { return minor };
    let every = recurring.interval_count.max(1);
    match recurring.interval.as_str() {
        "year" => minor / every.saturating_mul(12),
        "month" => minor / every,
        _ => minor,
    }
}
