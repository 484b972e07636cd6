//! Invoices, and what is put on them beside a subscription's items: what was used.

use howdah_domain::billing::facts::{Invoice, Period};
use howdah_domain::money::Money;
use stripe_billing::invoice::{CreatePreviewInvoice, ListInvoice, PayInvoice, RetrieveInvoice};
use stripe_billing::invoice_item::{self, CreateInvoiceItem, ListInvoiceItem};
use stripe_client_core::{ListPaginator, StripeRequest};
use stripe_shared::{InvoiceBillingReason, InvoiceLineItem, InvoiceStatus};
use stripe_types::List;

use crate::operation::{made_by, metadata, metadata_of};
use crate::read::{all, amount, id, stripe_currency};
use crate::{BillingError, Operation, Stripe, facts};

/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn get(stripe: &Stripe, invoice: &str) -> Result<Invoice, BillingError> {
    let request = RetrieveInvoice::new(id::<stripe_shared::InvoiceId>("an invoice", invoice)?);
    read(stripe, request.customize().send(&stripe.transport).await?).await
}

/// Every one of a customer, the newest first.
///
/// # Errors
/// Where Stripe can't be asked, or one of them can't be read.
pub async fn of_customer(stripe: &Stripe, customer: &str) -> Result<Vec<Invoice>, BillingError> {
    list(stripe, ListInvoice::new().customer(customer)).await
}

/// Every one of a subscription, the newest first.
///
/// # Errors
/// Where Stripe can't be asked, or one of them can't be read.
pub async fn of_subscription(stripe: &Stripe, subscription: &str) -> Result<Vec<Invoice>, BillingError> {
    list(stripe, ListInvoice::new().subscription(subscription)).await
}

/// The draft of a subscription's renewal, for the hour or more that it is one.
///
/// # Errors
/// Where Stripe can't be asked, or it can't be read.
pub async fn draft_of(stripe: &Stripe, subscription: &str) -> Result<Option<Invoice>, BillingError> {
    let request = ListInvoice::new().subscription(subscription).status(InvoiceStatus::Draft).limit(100);
    let drafts = all(stripe, request.paginate()).await?;
    match drafts.into_iter().find(|it| it.billing_reason == Some(InvoiceBillingReason::SubscriptionCycle)) {
        Some(draft) => read(stripe, draft).await.map(Some),
        None => Ok(None),
    }
}

/// A line that is put on a draft.
#[derive(Debug, Clone)]
pub struct NewInvoiceItem {
    pub customer: String,
    pub subscription: String,
    /// The draft; without one, it comes on the subscription's next invoice.
    pub invoice: Option<String>,
    /// Below zero, it is a credit.
    pub amount: Money,
    pub description: String,
    pub period: Period,
}

/// Puts it there, or finds what the same operation put there before; answers the item's id.
///
/// # Errors
/// Where Stripe can't be asked or refuses: an invoice that is final takes no more items.
pub async fn add_item(stripe: &Stripe, new: &NewInvoiceItem, operation: Operation) -> Result<String, BillingError> {
    let listed = match &new.invoice {
        Some(invoice) => ListInvoiceItem::new().invoice(invoice),
        None => ListInvoiceItem::new().customer(&new.customer).pending(true),
    };
    let there = all(stripe, listed.limit(100).paginate()).await?;
    if let Some(found) = there.iter().find(|it| made_by(it.metadata.as_ref(), operation)) {
        return Ok(found.id.as_str().to_owned());
    }
    let period = invoice_item::Period::new(new.period.end.timestamp(), new.period.start.timestamp());
    let mut request = CreateInvoiceItem::new()
        .customer(&new.customer)
        .amount(amount(new.amount)?)
        .currency(stripe_currency(new.amount.currency))
        .description(&new.description)
        .period(period)
        .metadata(metadata_of([(metadata::OPERATION, operation.id().to_string())]));
    request = match &new.invoice {
        Some(invoice) => request.invoice(invoice),
        None => request.subscription(&new.subscription),
    };
    let made = request.customize().request_strategy(operation.strategy()?).send(&stripe.transport).await?;
    Ok(made.id.as_str().to_owned())
}

/// Has an open invoice paid with what its customer has to pay with.
///
/// # Errors
/// [`BillingError::Card`] where the payment doesn't go through.
pub async fn pay(stripe: &Stripe, invoice: &str, operation: Operation) -> Result<Invoice, BillingError> {
    let request = PayInvoice::new(id::<stripe_shared::InvoiceId>("an invoice", invoice)?);
    let paid = request.customize().request_strategy(operation.strategy()?).send(&stripe.transport).await?;
    read(stripe, paid).await
}

/// The next invoice as it would be now; none where there will be none.
///
/// # Errors
/// Where Stripe can't be asked, or it can't be read.
pub async fn preview_next(stripe: &Stripe, subscription: &str) -> Result<Option<Invoice>, BillingError> {
    match CreatePreviewInvoice::new().subscription(subscription).customize().send(&stripe.transport).await {
        Ok(preview) => read(stripe, preview).await.map(Some),
        Err(BillingError::Missing { .. }) => Ok(None),
        Err(BillingError::Refused { code, .. }) if code == "invoice_upcoming_none" => Ok(None),
        Err(error) => Err(error),
    }
}

async fn list(stripe: &Stripe, request: ListInvoice) -> Result<Vec<Invoice>, BillingError> {
    let mut found = Vec::new();
    for theirs in all(stripe, request.limit(100).paginate()).await? {
        found.push(read(stripe, theirs).await?);
    }
    Ok(found)
}

pub(crate) async fn read(stripe: &Stripe, theirs: stripe_shared::Invoice) -> Result<Invoice, BillingError> {
    if !theirs.lines.has_more {
        return facts::invoice(&theirs, &theirs.lines.data);
    }
    let id = id::<stripe_shared::InvoiceId>("an invoice", theirs.id.as_ref().map_or("", |it| it.as_str()))?;
    let lines = ListPaginator::<List<InvoiceLineItem>>::new_list(format!("/invoices/{id}/lines"), LineList { limit: 100 });
    facts::invoice(&theirs, &all(stripe, lines).await?)
}

#[derive(serde::Serialize)]
struct LineList {
    limit: u32,
}
