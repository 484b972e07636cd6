//! Stripe's objects: as much of each as is read here, so that nothing else of it can be in the way.
//!
//! None can be printed: they hold names, addresses and secrets.

use serde::{Deserialize, Deserializer};

use crate::operation::Metadata;

#[derive(Deserialize)]
pub struct List<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// Another object's id; Stripe may answer the object in its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference(pub String);

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Id(String),
            Object { id: String },
        }
        let (Either::Id(id) | Either::Object { id }) = Either::deserialize(deserializer)?;
        Ok(Self(id))
    }
}

/// Of an object of which no more is of interest.
#[derive(Deserialize)]
pub struct Named {
    pub id: String,
    pub metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub struct Customer {
    pub id: String,
    #[serde(default)]
    pub deleted: bool,
    pub email: Option<String>,
    pub name: Option<String>,
    pub default_source: Option<Reference>,
    pub invoice_settings: Option<InvoiceSettings>,
    pub metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub struct InvoiceSettings {
    pub default_payment_method: Option<Reference>,
}

#[derive(Deserialize)]
pub struct Subscription {
    pub id: String,
    pub customer: Reference,
    pub status: String,
    pub collection_method: String,
    pub days_until_due: Option<u32>,
    pub currency: String,
    pub created: i64,
    pub trial_end: Option<i64>,
    pub cancel_at: Option<i64>,
    #[serde(default)]
    pub cancel_at_period_end: bool,
    pub ended_at: Option<i64>,
    pub items: List<SubscriptionItem>,
    pub metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub struct SubscriptionItem {
    pub id: String,
    pub current_period_start: i64,
    pub current_period_end: i64,
    pub price: Price,
    pub quantity: Option<u32>,
}

#[derive(Deserialize)]
pub struct Price {
    pub id: String,
    pub product: Reference,
    pub currency: String,
    /// None where it is of tiers, or of a fraction of a cent.
    pub unit_amount: Option<i64>,
    pub recurring: Option<Recurring>,
    pub lookup_key: Option<String>,
    pub tax_behavior: Option<String>,
    pub metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub struct Recurring {
    pub interval: String,
    pub interval_count: i64,
}

#[derive(Deserialize)]
pub struct Invoice {
    /// A preview has none that could be asked for.
    pub id: Option<String>,
    pub number: Option<String>,
    pub customer: Option<Reference>,
    pub parent: Option<InvoiceParent>,
    pub status: Option<String>,
    pub billing_reason: Option<String>,
    pub collection_method: String,
    pub created: i64,
    pub due_date: Option<i64>,
    pub status_transitions: Option<StatusTransitions>,
    pub currency: String,
    pub total: i64,
    pub total_taxes: Option<Vec<Tax>>,
    pub amount_due: i64,
    pub amount_remaining: i64,
    #[serde(default)]
    pub attempt_count: u32,
    pub next_payment_attempt: Option<i64>,
    pub lines: List<InvoiceLine>,
    pub hosted_invoice_url: Option<String>,
    pub invoice_pdf: Option<String>,
}

#[derive(Deserialize)]
pub struct InvoiceParent {
    pub subscription_details: Option<SubscriptionDetails>,
}

#[derive(Deserialize)]
pub struct SubscriptionDetails {
    pub subscription: Reference,
}

#[derive(Deserialize)]
pub struct StatusTransitions {
    pub finalized_at: Option<i64>,
}

#[derive(Deserialize)]
pub struct Tax {
    pub amount: i64,
}

#[derive(Deserialize)]
pub struct InvoiceLine {
    pub id: String,
    pub description: Option<String>,
    pub amount: i64,
    pub currency: String,
    pub quantity: Option<u32>,
    pub period: Period,
    pub parent: Option<LineParent>,
}

#[derive(Deserialize)]
pub struct Period {
    pub start: i64,
    pub end: i64,
}

#[derive(Deserialize)]
pub struct LineParent {
    pub invoice_item_details: Option<LineDetails>,
    pub subscription_item_details: Option<LineDetails>,
}

#[derive(Deserialize)]
pub struct LineDetails {
    #[serde(default)]
    pub proration: bool,
}

#[derive(Deserialize)]
pub struct CheckoutSession {
    pub id: String,
    pub url: Option<String>,
    pub status: Option<String>,
    pub expires_at: i64,
    pub customer: Option<Reference>,
    pub subscription: Option<Reference>,
    pub metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub struct Charge {
    pub id: String,
    pub customer: Option<Reference>,
    pub amount: i64,
    pub amount_refunded: i64,
    pub currency: String,
    #[serde(default)]
    pub disputed: bool,
    pub created: i64,
}

#[derive(Deserialize)]
pub struct Dispute {
    pub id: String,
    pub charge: Reference,
    pub amount: i64,
    pub currency: String,
    pub reason: String,
    pub status: String,
    pub created: i64,
    pub evidence_details: Option<EvidenceDetails>,
}

#[derive(Deserialize)]
pub struct EvidenceDetails {
    pub due_by: Option<i64>,
}

#[derive(Deserialize)]
pub struct Product {
    pub id: String,
    pub active: bool,
    pub name: String,
    pub description: Option<String>,
    pub tax_code: Option<Reference>,
    pub metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub struct PortalSession {
    pub url: String,
}

#[derive(Deserialize)]
pub struct PortalConfiguration {
    pub id: String,
    pub default_return_url: Option<String>,
    pub business_profile: BusinessProfile,
    pub features: PortalFeatures,
    pub metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub struct BusinessProfile {
    pub privacy_policy_url: Option<String>,
    pub terms_of_service_url: Option<String>,
}

#[derive(Deserialize)]
pub struct PortalFeatures {
    pub customer_update: CustomerUpdate,
    pub invoice_history: Feature,
    pub payment_method_update: Feature,
    pub subscription_cancel: Feature,
    pub subscription_update: Feature,
}

#[derive(Deserialize)]
pub struct CustomerUpdate {
    pub enabled: bool,
    #[serde(default)]
    pub allowed_updates: Vec<String>,
}

#[derive(Deserialize)]
pub struct Feature {
    pub enabled: bool,
}

#[derive(Deserialize)]
pub struct WebhookEndpoint {
    pub id: String,
    pub url: String,
    pub api_version: Option<String>,
    pub enabled_events: Vec<String>,
    pub status: String,
    pub secret: Option<String>,
}
