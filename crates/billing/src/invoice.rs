//! Invoices, and what is put on them beside a subscription's items: what was used.

use howdah_domain::billing::facts::{Invoice, Period};
use howdah_domain::money::Money;
use stripe_billing::invoice::{CreatePreviewInvoice, ListInvoice, PayInvoice, RetrieveInvoice};
use stripe_billing::invoice_item::{self, CreateInvoiceItem, ListInvoiceItem};
use stripe_shared::InvoiceStatus;

use crate::objects::{self, Named};
use crate::operation::{made_by, metadata, metadata_of};
use crate::read::{all, amount, ask, every_line, id, post, stripe_currency};
use crate::{BillingError, Operation, Stripe, facts};

/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn get(stripe: &Stripe, invoice: &str) -> Result<Invoice, BillingError> {
    let request = RetrieveInvoice::new(id("an invoice", invoice)?);
    read(stripe, ask(stripe, &request).await?).await
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
    let drafts: Vec<objects::Invoice> = all(stripe, &request).await?;
    match drafts.into_iter().find(|it| it.billing_reason.as_deref() == Some("subscription_cycle")) {
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
    let there: Vec<Named> = all(stripe, &listed.limit(100)).await?;
    if let Some(found) = there.iter().find(|it| made_by(it.metadata.as_ref(), operation)) {
        return Ok(found.id.clone());
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
    let made: Named = post(stripe, &request, operation.key()).await?;
    Ok(made.id)
}

/// Has an open invoice paid with what its customer has to pay with.
///
/// # Errors
/// [`BillingError::Card`] where the payment doesn't go through.
pub async fn pay(stripe: &Stripe, invoice: &str, operation: Operation) -> Result<Invoice, BillingError> {
    let request = PayInvoice::new(id("an invoice", invoice)?);
    let paid = post(stripe, &request, operation.key()).await?;
    read(stripe, paid).await
}

/// The next invoice as it would be now; none where there will be none.
///
/// # Errors
/// Where Stripe can't be asked, or it can't be read.
pub async fn preview_next(stripe: &Stripe, subscription: &str) -> Result<Option<Invoice>, BillingError> {
    previewed(stripe, &CreatePreviewInvoice::new().subscription(subscription)).await
}

pub(crate) async fn previewed(stripe: &Stripe, request: &CreatePreviewInvoice) -> Result<Option<Invoice>, BillingError> {
    match ask(stripe, request).await {
        Ok(preview) => read(stripe, preview).await.map(Some),
        Err(BillingError::Refused { code, .. }) if code == "invoice_upcoming_none" => Ok(None),
        Err(error) => Err(error),
    }
}

async fn list(stripe: &Stripe, request: ListInvoice) -> Result<Vec<Invoice>, BillingError> {
    let mut found = Vec::new();
    for theirs in all(stripe, &request.limit(100)).await? {
        found.push(read(stripe, theirs).await?);
    }
    Ok(found)
}

pub(crate) async fn read(stripe: &Stripe, theirs: objects::Invoice) -> Result<Invoice, BillingError> {
    if !theirs.lines.has_more {
        return facts::invoice(&theirs, &theirs.lines.data);
    }
    let id = id("an invoice", theirs.id.as_deref().unwrap_or_default())?;
    facts::invoice(&theirs, &every_line(stripe, id).await?)
}
