//! An invoice, as the domain knows it.

use howdah_domain::billing::facts::{Collection, Invoice, InvoiceLine, InvoiceStatus, Period};
use stripe_shared::{Invoice as Theirs, InvoiceCollectionMethod, InvoiceLineItem, InvoiceStatus as Status};

use super::subscription::count;
use crate::BillingError;
use crate::read::{money, optional_time, time};

/// With its lines, where the list within the object isn't whole.
pub(crate) fn invoice(theirs: &Theirs, lines: &[InvoiceLineItem]) -> Result<Invoice, BillingError> {
    // What an invoice is called before there is one.
    let id = theirs.id.as_ref().map_or("upcoming", |it| it.as_str());
    let customer = theirs.customer.as_ref().ok_or_else(|| BillingError::unreadable(id, "an invoice without a customer"))?;
    let amount = |it| money(id, it, &theirs.currency);
    let tax = theirs.total_taxes.iter().flatten().map(|it| it.amount).sum();
    Ok(Invoice {
        id: id.to_owned(),
        number: theirs.number.clone(),
        customer: customer.id().as_str().to_owned(),
        subscription: subscription(theirs),
        status: status(id, theirs.status.as_ref())?,
        collection: collection(id, theirs)?,
        created: time(id, theirs.created)?,
        due: optional_time(id, theirs.due_date)?,
        total: amount(theirs.total)?,
        tax: amount(tax)?,
        remaining: amount(theirs.amount_remaining)?,
        attempts: count(id, Some(theirs.attempt_count))?.unwrap_or_default(),
        next_attempt: optional_time(id, theirs.next_payment_attempt)?,
        lines: lines.iter().map(line).collect::<Result<_, _>>()?,
        page: theirs.hosted_invoice_url.clone(),
        pdf: theirs.invoice_pdf.clone(),
    })
}

fn subscription(theirs: &Theirs) -> Option<String> {
    let by_parent = theirs.parent.as_ref().and_then(|it| it.subscription_details.as_ref()).map(|it| &it.subscription);
    by_parent.or(theirs.subscription.as_ref()).map(|it| it.id().as_str().to_owned())
}

fn status(id: &str, status: Option<&Status>) -> Result<InvoiceStatus, BillingError> {
    Ok(match status {
        // A preview.
        None => InvoiceStatus::Draft,
        Some(Status::Draft) => InvoiceStatus::Draft,
        Some(Status::Open) => InvoiceStatus::Open,
        Some(Status::Paid) => InvoiceStatus::Paid,
        Some(Status::Uncollectible) => InvoiceStatus::Uncollectible,
        Some(Status::Void) => InvoiceStatus::Void,
        Some(unknown) => return Err(BillingError::unreadable(id, format!("the state `{}` is not known here", unknown.as_str()))),
    })
}

fn collection(id: &str, theirs: &Theirs) -> Result<Collection, BillingError> {
    match &theirs.collection_method {
        InvoiceCollectionMethod::ChargeAutomatically => Ok(Collection::Automatic),
        InvoiceCollectionMethod::SendInvoice => {
            // Days begin when it is sent; a draft isn't yet.
            let begin = theirs.status_transitions.finalized_at.unwrap_or(theirs.created);
            let days = theirs.due_date.map_or(0, |due| (due - begin + 43_200).div_euclid(86_400));
            Ok(Collection::ByInvoice { days_until_due: u32::try_from(days).unwrap_or(0) })
        }
        unknown => Err(BillingError::unreadable(id, format!("the way to pay `{}` is not known here", unknown.as_str()))),
    }
}

fn line(theirs: &InvoiceLineItem) -> Result<InvoiceLine, BillingError> {
    let id = theirs.id.as_str();
    Ok(InvoiceLine {
        id: id.to_owned(),
        description: theirs.description.clone().unwrap_or_default(),
        amount: money(id, theirs.amount, &theirs.currency)?,
        quantity: count(id, theirs.quantity)?,
        period: Period { start: time(id, theirs.period.start)?, end: time(id, theirs.period.end)? },
        is_proration: is_proration(theirs),
    })
}

fn is_proration(theirs: &InvoiceLineItem) -> bool {
    theirs.parent.as_ref().is_some_and(|parent| {
        parent.subscription_item_details.as_ref().is_some_and(|it| it.proration)
            || parent.invoice_item_details.as_ref().is_some_and(|it| it.proration)
    })
}
