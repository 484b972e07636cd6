//! An event of Stripe's: a hint that something has changed, and at which object. What it is now is read anew.
//!
//! So little of an event is read, and so leniently, that none of another version of Stripe's API is lost on its way in.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::read::is_id;

/// What happened at Stripe: all that we want to be told of.
pub const WANTED: &[&str] = &[
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.refunded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.overdue",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.voided",
    "payment_method.attached",
    "payment_method.detached",
];

/// An event that is really Stripe's.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    pub event_id: String,
    /// `invoice.paid`
    pub kind: String,
    pub api_version: Option<String>,
    pub created: DateTime<Utc>,
    pub livemode: bool,
    /// The connected account that it is of, where it is not the endpoint's own.
    pub account: Option<String>,
    /// `invoice`
    pub object_kind: Option<String>,
    pub object_id: Option<String>,
    pub raw: String,
    concern: Concern,
}

/// What has to be read anew.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Concern {
    Customer(String),
    Subscription(String),
    Invoice(String),
    Checkout(String),
    Charge(String),
    Dispute(String),
    Nothing,
}

impl Received {
    #[must_use]
    pub fn concerns(&self) -> &Concern {
        &self.concern
    }

    /// One that was taken before, as it was kept; `None` where that is none.
    #[must_use]
    pub fn stored(raw: &str) -> Option<Self> {
        Self::parse(raw)
    }

    /// Reads one; `None` where it is no event.
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        let event: Value = serde_json::from_str(raw).ok()?;
        if event["object"] != "event" {
            return None;
        }
        let object = &event["data"]["object"];
        let kind = event["type"].as_str().filter(|it| is_kind(it))?;
        Some(Self {
            event_id: id(&event["id"])?,
            kind: kind.to_owned(),
            api_version: event["api_version"].as_str().filter(|it| it.len() <= 100).map(str::to_owned),
            created: DateTime::from_timestamp(event["created"].as_i64()?, 0)?,
            livemode: event["livemode"].as_bool()?,
            account: id(&event["account"]),
            object_kind: object["object"].as_str().filter(|it| is_kind(it)).map(str::to_owned),
            object_id: id(&object["id"]),
            concern: concern(object),
            raw: raw.to_owned(),
        })
    }
}

/// Without what is in it: names, addresses, amounts.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("event_id", &self.event_id)
            .field("kind", &self.kind)
            .field("created", &self.created)
            .field("concern", &self.concern)
            .finish_non_exhaustive()
    }
}

fn is_kind(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'_' | b'.');
    (1..=100).contains(&text.len()) && text.bytes().all(is_plain)
}

/// An id, or the id of an object in its place.
fn id(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["id"].as_str()).filter(|it| is_id(it)).map(str::to_owned)
}

fn concern(object: &Value) -> Concern {
    let of = |key: &str, concern: fn(String) -> Concern| id(&object[key]).map(concern);
    let subscription = || id(&object["parent"]["subscription_details"]["subscription"]).map(Concern::Subscription);
    let found = match object["object"].as_str().unwrap_or_default() {
        "customer" => of("id", Concern::Customer),
        "subscription" => of("id", Concern::Subscription),
        // An upcoming one has no id of its own yet.
        "invoice" => of("id", Concern::Invoice).or_else(subscription).or_else(|| of("customer", Concern::Customer)),
        "invoiceitem" => of("invoice", Concern::Invoice).or_else(|| of("customer", Concern::Customer)),
        "checkout.session" => of("id", Concern::Checkout),
        "charge" => of("id", Concern::Charge),
        "refund" => of("charge", Concern::Charge),
        "dispute" => of("id", Concern::Dispute),
        "payment_method" => of("customer", Concern::Customer),
        _ => None,
    };
    found.unwrap_or(Concern::Nothing)
}
