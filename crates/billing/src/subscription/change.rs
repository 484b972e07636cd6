//! What a subscription is of is changed: what that costs is shown before, by the same request.

use chrono::{DateTime, Utc};
use howdah_domain::billing::facts::{Invoice, InvoiceLine, Subscription};
use howdah_domain::money::Money;
use stripe_billing::invoice::{
    CreatePreviewInvoice, CreatePreviewInvoiceSubscriptionDetails, CreatePreviewInvoiceSubscriptionDetailsItems,
    CreatePreviewInvoiceSubscriptionDetailsProrationBehavior as PreviewedProration,
};
use stripe_billing::subscription::{UpdateSubscriptionItems, UpdateSubscriptionPaymentBehavior, UpdateSubscriptionProrationBehavior};

use super::{NewItem, update, updated};
use crate::read::{ask, money};
use crate::{BillingError, Operation, Stripe, invoice, objects};

/// Of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Add(NewItem),
    /// The item is of this price, and so many, from now on.
    Set {
        item: String,
        to: NewItem,
    },
    Remove {
        item: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proration {
    /// The rest of the period is charged, or credited, as of this moment: the one that the preview was of.
    Now { as_of: DateTime<Utc> },
    /// The new price counts from the next renewal.
    None,
}

/// What a change costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Charged at once, or credited; nothing where nothing is pro-rated.
    pub now: Vec<InvoiceLine>,
    /// The sum of `now` with tax: below zero, it is a credit for later invoices.
    pub total_now: Money,
    /// To be paid at once, what was credited before taken off.
    pub due_now: Money,
    /// The next renewal as it will be then, without what is used until then; none where the subscription ends before.
    pub renewal: Option<Invoice>,
}

/// What a change would cost; nothing is changed.
///
/// # Errors
/// Where Stripe can't be asked or refuses the change.
pub async fn preview_change(
    stripe: &Stripe,
    subscription: &str,
    changes: &[Change],
    proration: Proration,
) -> Result<Preview, BillingError> {
    let renewal = invoice::previewed(stripe, &preview(subscription, changes, Proration::None)).await?;
    if proration == Proration::None {
        let currency = match &renewal {
            Some(renewal) => renewal.total.currency,
            None => super::get(stripe, subscription).await?.currency,
        };
        let zero = Money::new(0, currency);
        return Ok(Preview { now: Vec::new(), total_now: zero, due_now: zero, renewal });
    }
    let now: objects::Invoice = ask(stripe, &preview(subscription, changes, proration)).await?;
    let due_now = money("a preview", now.amount_due, &now.currency)?;
    let now = invoice::read(stripe, now).await?;
    Ok(Preview { total_now: now.total, due_now, now: now.lines, renewal })
}

fn preview(subscription: &str, changes: &[Change], proration: Proration) -> CreatePreviewInvoice {
    let blank = CreatePreviewInvoiceSubscriptionDetailsItems::new;
    let items = changes.iter().cloned().map(|change| match change {
        Change::Add(it) => {
            CreatePreviewInvoiceSubscriptionDetailsItems { price: Some(it.price), quantity: Some(it.quantity.into()), ..blank() }
        }
        Change::Set { item, to } => CreatePreviewInvoiceSubscriptionDetailsItems {
            id: Some(item),
            price: Some(to.price),
            quantity: Some(to.quantity.into()),
            ..blank()
        },
        Change::Remove { item } => CreatePreviewInvoiceSubscriptionDetailsItems { id: Some(item), deleted: Some(true), ..blank() },
    });
    let (behavior, as_of) = match proration {
        Proration::Now { as_of } => (PreviewedProration::AlwaysInvoice, Some(as_of.timestamp())),
        Proration::None => (PreviewedProration::None, None),
    };
    CreatePreviewInvoice::new().subscription(subscription).subscription_details(CreatePreviewInvoiceSubscriptionDetails {
        items: Some(items.collect()),
        proration_behavior: Some(behavior),
        proration_date: as_of,
        ..CreatePreviewInvoiceSubscriptionDetails::new()
    })
}

/// Changes it. What has to be paid at once is paid, or nothing is changed.
///
/// # Errors
/// [`BillingError::Card`] where the payment doesn't go through.
pub async fn change(
    stripe: &Stripe,
    subscription: &str,
    changes: &[Change],
    proration: Proration,
    operation: Operation,
) -> Result<Subscription, BillingError> {
    let items = changes.iter().cloned().map(|change| {
        let blank = UpdateSubscriptionItems::new;
        match change {
            Change::Add(it) => UpdateSubscriptionItems { price: Some(it.price), quantity: Some(it.quantity.into()), ..blank() },
            Change::Set { item, to } => {
                UpdateSubscriptionItems { id: Some(item), price: Some(to.price), quantity: Some(to.quantity.into()), ..blank() }
            }
            Change::Remove { item } => UpdateSubscriptionItems { id: Some(item), deleted: Some(true), ..blank() },
        }
    });
    let request =
        updated(subscription)?.items(items.collect::<Vec<_>>()).payment_behavior(UpdateSubscriptionPaymentBehavior::ErrorIfIncomplete);
    let request = match proration {
        Proration::Now { as_of } => {
            request.proration_behavior(UpdateSubscriptionProrationBehavior::AlwaysInvoice).proration_date(as_of.timestamp())
        }
        Proration::None => request.proration_behavior(UpdateSubscriptionProrationBehavior::None),
    };
    update(stripe, request, operation.key()).await
}
