//! What whoever takes the money says of a customer's subscriptions and invoices, in our own words.
//!
//! Made by the `billing` crate alone, from a fresh read: never from an event, which may be old. Ids are the payment provider's own.

use chrono::{DateTime, Utc};

use crate::ids::InstanceId;
use crate::money::{Currency, Money};

/// The provider's states, all of them, so that whoever decides by them has to say something of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubscriptionStatus {
    /// The first invoice is not paid yet.
    Incomplete,
    /// It never was, and the time for it is over.
    IncompleteExpired,
    Trialing,
    Active,
    /// An invoice is not paid, and is tried again.
    PastDue,
    /// It was given up to try.
    Unpaid,
    Canceled,
    /// A trial ended without a means of payment.
    Paused,
}

/// How invoices are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Collection {
    /// By card or debit, as soon as they are due.
    Automatic,
    /// Sent by mail, to be paid within this many days.
    ByInvoice { days_until_due: u32 },
}

/// From the first moment to the one that is the next one's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// What a price is of, by the metadata that our catalogue gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sold {
    Plan(String),
    AddOn(String),
    /// A price that is not of our catalogue.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: String,
    pub price: String,
    pub sold: Sold,
    /// Of one, in a month.
    pub unit: Money,
    pub quantity: u32,
}

/// One subscription, of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub id: String,
    pub customer: String,
    /// By the metadata that we gave it; absent where somebody else made it.
    pub instance: Option<InstanceId>,
    pub status: SubscriptionStatus,
    pub collection: Collection,
    pub currency: Currency,
    pub created: DateTime<Utc>,
    pub period: Period,
    pub trial_end: Option<DateTime<Utc>>,
    /// It ends then, by the customer's wish.
    pub cancel_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    pub id: String,
    pub description: String,
    pub amount: Money,
    pub quantity: Option<u32>,
    pub period: Period,
    pub is_proration: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    pub id: String,
    /// What the customer calls it; a draft has none yet.
    pub number: Option<String>,
    pub customer: String,
    pub subscription: Option<String>,
    pub status: InvoiceStatus,
    pub collection: Collection,
    pub created: DateTime<Utc>,
    /// By when an invoice that was sent is to be paid.
    pub due: Option<DateTime<Utc>>,
    pub total: Money,
    /// Tax within `total`.
    pub tax: Money,
    /// Still to be paid.
    pub remaining: Money,
    pub attempts: u32,
    pub next_attempt: Option<DateTime<Utc>>,
    pub lines: Vec<InvoiceLine>,
    /// The provider's page where it is seen and paid.
    pub page: Option<String>,
    pub pdf: Option<String>,
}
