//! A subscription, as the domain knows it.

use howdah_domain::billing::facts::{Collection, Item, Period, Subscription, SubscriptionStatus};
use howdah_domain::money::Money;
use stripe_shared::{Subscription as Theirs, SubscriptionCollectionMethod, SubscriptionItem, SubscriptionStatus as Status};

use crate::BillingError;
use crate::read::{currency, instance, money, optional_time, sold, time};

/// With its items, where the list within the object isn't whole.
pub(crate) fn subscription(theirs: &Theirs, items: &[SubscriptionItem]) -> Result<Subscription, BillingError> {
    let id = theirs.id.as_str();
    let period = period(theirs, items)?;
    let cancel_at = optional_time(id, theirs.cancel_at)?.or_else(|| theirs.cancel_at_period_end.then_some(period.end));
    Ok(Subscription {
        id: id.to_owned(),
        customer: theirs.customer.id().as_str().to_owned(),
        instance: instance(Some(&theirs.metadata)),
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

fn status(id: &str, status: &Status) -> Result<SubscriptionStatus, BillingError> {
    Ok(match status {
        Status::Incomplete => SubscriptionStatus::Incomplete,
        Status::IncompleteExpired => SubscriptionStatus::IncompleteExpired,
        Status::Trialing => SubscriptionStatus::Trialing,
        Status::Active => SubscriptionStatus::Active,
        Status::PastDue => SubscriptionStatus::PastDue,
        Status::Unpaid => SubscriptionStatus::Unpaid,
        Status::Canceled => SubscriptionStatus::Canceled,
        Status::Paused => SubscriptionStatus::Paused,
        unknown => return Err(BillingError::unreadable(id, format!("the state `{}` is not known here", unknown.as_str()))),
    })
}

fn collection(theirs: &Theirs) -> Result<Collection, BillingError> {
    match &theirs.collection_method {
        SubscriptionCollectionMethod::ChargeAutomatically => Ok(Collection::Automatic),
        SubscriptionCollectionMethod::SendInvoice => Ok(Collection::ByInvoice { days_until_due: theirs.days_until_due.unwrap_or(0) }),
        unknown => Err(BillingError::unreadable(&theirs.id, format!("the way to pay `{}` is not known here", unknown.as_str()))),
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
        price: price.id.as_str().to_owned(),
        sold: sold(&price.metadata),
        unit: Money::new(by_month(unit.minor, price), unit.currency),
        quantity: count(id, theirs.quantity)?.unwrap_or(1),
    })
}

fn by_month(minor: i64, price: &stripe_shared::Price) -> i64 {
    let Some(recurring) = &price.recurring else { return minor };
    let every = i64::try_from(recurring.interval_count).unwrap_or(i64::MAX).max(1);
    match recurring.interval {
        stripe_shared::RecurringInterval::Year => minor / every.saturating_mul(12),
        stripe_shared::RecurringInterval::Month => minor / every,
        _ => minor,
    }
}

pub(super) fn count(object: &str, quantity: Option<u64>) -> Result<Option<u32>, BillingError> {
    let too_many = |_| BillingError::unreadable(object, "a quantity is too large");
    quantity.map(|it| u32::try_from(it).map_err(too_many)).transpose()
}
