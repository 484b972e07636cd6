//! What is read of the provider, as rows of the record.

use chrono::{DateTime, Utc};
use howdah_db::models::billing::{InvoiceRow, SubscriptionRow};
use howdah_domain::billing::facts::{Collection, Invoice, InvoiceStatus, Item, Sold, Subscription, SubscriptionStatus};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn subscription(it: &Subscription, instance: Option<uuid::Uuid>, read_at: DateTime<Utc>) -> SubscriptionRow {
    SubscriptionRow {
        id: it.id.clone(),
        customer_id: it.customer.clone(),
        instance_id: instance,
        status: status(it.status).to_owned(),
        days_until_due: days_until_due(it.collection),
        currency: it.currency.to_string(),
        period_start: it.period.start,
        period_end: it.period.end,
        trial_end: it.trial_end,
        cancel_at: it.cancel_at,
        ended_at: it.ended_at,
        created_at: it.created,
        items: it.items.iter().map(item).collect(),
        read_at,
    }
}

fn item(it: &Item) -> Value {
    let (kind, name) = match &it.sold {
        Sold::Plan(name) => ("plan", Some(name)),
        Sold::AddOn(name) => ("add_on", Some(name)),
        Sold::Unknown => ("unknown", None),
    };
    json!({"id": it.id, "price": it.price, "kind": kind, "name": name, "unit": it.unit.minor, "quantity": it.quantity})
}

pub(super) fn invoice(it: &Invoice, read_at: DateTime<Utc>) -> InvoiceRow {
    InvoiceRow {
        id: it.id.clone(),
        customer_id: it.customer.clone(),
        subscription_id: it.subscription.clone(),
        number: it.number.clone(),
        status: invoice_status(it.status).to_owned(),
        days_until_due: days_until_due(it.collection),
        currency: it.total.currency.to_string(),
        total: it.total.minor,
        tax: it.tax.minor,
        remaining: it.remaining.minor,
        attempts: i32::try_from(it.attempts).unwrap_or(i32::MAX),
        next_attempt_at: it.next_attempt,
        due_at: it.due,
        created_at: it.created,
        lines: it.lines.iter().map(line).collect(),
        page: it.page.clone(),
        pdf: it.pdf.clone(),
        read_at,
    }
}

fn line(it: &howdah_domain::billing::facts::InvoiceLine) -> Value {
    json!({
        "id": it.id, "description": it.description, "amount": it.amount.minor, "quantity": it.quantity,
        "start": it.period.start, "end": it.period.end, "proration": it.is_proration,
    })
}

pub(super) fn days_until_due(collection: Collection) -> Option<i32> {
    match collection {
        Collection::Automatic => None,
        Collection::ByInvoice { days_until_due } => Some(i32::try_from(days_until_due).unwrap_or(i32::MAX)),
    }
}

pub(super) fn collection(days_until_due: Option<i32>) -> Collection {
    match days_until_due.map(u32::try_from) {
        Some(Ok(days_until_due)) => Collection::ByInvoice { days_until_due },
        _ => Collection::Automatic,
    }
}

const fn status(status: SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::Incomplete => "incomplete",
        SubscriptionStatus::IncompleteExpired => "incomplete_expired",
        SubscriptionStatus::Trialing => "trialing",
        SubscriptionStatus::Active => "active",
        SubscriptionStatus::PastDue => "past_due",
        SubscriptionStatus::Unpaid => "unpaid",
        SubscriptionStatus::Canceled => "canceled",
        SubscriptionStatus::Paused => "paused",
    }
}

pub(super) fn status_of(word: &str) -> Option<SubscriptionStatus> {
    use SubscriptionStatus::{Active, Canceled, Incomplete, IncompleteExpired, PastDue, Paused, Trialing, Unpaid};
    let all = [Incomplete, IncompleteExpired, Trialing, Active, PastDue, Unpaid, Canceled, Paused];
    all.into_iter().find(|it| status(*it) == word)
}

const fn invoice_status(status: InvoiceStatus) -> &'static str {
    match status {
        InvoiceStatus::Draft => "draft",
        InvoiceStatus::Open => "open",
        InvoiceStatus::Paid => "paid",
        InvoiceStatus::Uncollectible => "uncollectible",
        InvoiceStatus::Void => "void",
    }
}

/// It runs, and can be changed.
pub(super) fn is_live(row: &SubscriptionRow) -> bool {
    ["trialing", "active", "past_due"].contains(&row.status.as_str())
}

/// There is no second one while it is.
pub(super) fn is_subscribed(row: &SubscriptionRow) -> bool {
    is_live(row) || ["unpaid", "paused"].contains(&row.status.as_str())
}

/// All items in a month, in minor units.
pub(super) fn monthly(row: &SubscriptionRow) -> i64 {
    items(row).iter().map(|it| it.unit.saturating_mul(it.quantity.into())).sum()
}

/// An item as the record has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ItemRow {
    pub id: String,
    pub price: String,
    /// `plan`, `add_on` or `unknown`.
    pub kind: String,
    pub name: Option<String>,
    pub unit: i64,
    pub quantity: u32,
}

pub(super) fn items(row: &SubscriptionRow) -> Vec<ItemRow> {
    Vec::deserialize(&row.items).unwrap_or_default()
}
