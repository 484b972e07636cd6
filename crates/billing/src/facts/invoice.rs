//! An invoice, as the domain knows it.

use howdah_domain::billing::facts::{Collection, Invoice, InvoiceLine, InvoiceStatus, Period};

use crate::BillingError;
use crate::objects::{Invoice as Theirs, InvoiceLine as TheirLine};
use crate::read::{money, optional_time, time};

/// With its lines, where the list within the object isn't whole.
pub(crate) fn invoice(theirs: &Theirs, lines: &[TheirLine]) -> Result<Invoice, BillingError> {
    // What an invoice is called before there is one.
    let id = theirs.id.as_deref().unwrap_or("upcoming");
    let customer = theirs.customer.as_ref().ok_or_else(|| BillingError::unreadable(id, "an invoice without a customer"))?;
    let amount = |it| money(id, it, &theirs.currency);
    let tax = theirs.total_taxes.iter().flatten().map(|it| it.amount).sum();
    Ok(Invoice {
        id: id.to_owned(),
        number: theirs.number.clone(),
        customer: customer.0.clone(),
        subscription: subscription(theirs),
        status: status(id, theirs.status.as_deref())?,
        collection: collection(id, theirs)?,
        created: time(id, theirs.created)?,
        due: optional_time(id, theirs.due_date)?,
        total: amount(theirs.total)?,
        tax: amount(tax)?,
        remaining: amount(theirs.amount_remaining)?,
        attempts: theirs.attempt_count,
        next_attempt: optional_time(id, theirs.next_payment_attempt)?,
        lines: lines.iter().map(line).collect::<Result<_, _>>()?,
        page: theirs.hosted_invoice_url.clone(),
        pdf: theirs.invoice_pdf.clone(),
    })
}

fn subscription(theirs: &Theirs) -> Option<String> {
    let details = theirs.parent.as_ref()?.subscription_details.as_ref()?;
    Some(details.subscription.0.clone())
}

fn status(id: &str, status: Option<&str>) -> Result<InvoiceStatus, BillingError> {
    Ok(match status {
        // A preview.
        None => InvoiceStatus::Draft,
        Some("draft") => InvoiceStatus::Draft,
        Some("open") => InvoiceStatus::Open,
        Some("paid") => InvoiceStatus::Paid,
        Some("uncollectible") => InvoiceStatus::Uncollectible,
        Some("void") => InvoiceStatus::Void,
        Some(unknown) => return Err(BillingError::unreadable(id, format!("the state `{}` is not known here", unknown))),
    })
}

fn collection(id: &str, theirs: &Theirs) -> Result<Collection, BillingError> {
    match theirs.collection_method.as_str() {
        "charge_automatically" => Ok(Collection::Automatic),
        "send_invoice" => {
            // Days begin when it is sent; a draft isn't yet.
            let begin = theirs.status_transitions.as_ref().and_then(|it| it.finalized_at).unwrap_or(theirs.created);
            let days = theirs.due_date.map_or(0, |due| (due - begin + 43_200).div_euclid(86_400));
            Ok(Collection::ByInvoice { days_until_due: u32::try_from(days).unwrap_or(0) })
        }
        unknown => Err(BillingError::unreadable(id, format!("the way to pay `{}` is not known here", unknown))),
    }
}

fn line(theirs: &TheirLine) -> Result<InvoiceLine, BillingError> {
    let id = theirs.id.as_str();
    Ok(InvoiceLine {
        id: id.to_owned(),
        description: theirs.description.clone().unwrap_or_default(),
        amount: money(id, theirs.amount, &theirs.currency)?,
        quantity: theirs.quantity,
        period: Period { start: time(id, theirs.period.start)?, end: time(id, theirs.period.end)? },
        is_proration: is_proration(theirs),
    })
}

fn is_proration(theirs: &TheirLine) -> bool {
    theirs.parent.as_ref().is_some_and(|parent| {
        parent.subscription_item_details.as_ref().is_some_and(|it| it.proration)
            || parent.invoice_item_details.as_ref().is_some_and(|it| it.proration)
    })
}
