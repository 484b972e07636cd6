//! What can go wrong between us and Stripe, told apart by what whoever asked can do about it.

use std::fmt::Display;

#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    #[error("Stripe could not be reached for {endpoint}{}: what is known stays as it is, and it is tried again", status_text(*.status))]
    Unreachable { endpoint: String, status: Option<u16>, source: Option<reqwest::Error> },
    #[error("Stripe is asked too often, at {endpoint}: it is tried again later")]
    RateLimited { endpoint: String },
    /// What it made, if anything, is to be looked for; then it is asked again as another attempt.
    #[error("Stripe failed at {endpoint} ({status}), and keeps that under this attempt's key")]
    Kept { endpoint: String, status: u16 },
    #[error("Stripe refuses {endpoint} ({code}{}): {message}", param_text(.param.as_deref()))]
    Refused { endpoint: String, code: String, message: String, param: Option<String> },
    /// The card, or the bank behind it, said no; or its owner has to confirm.
    #[error("the payment did not go through ({code}{}): {message}", decline_text(.decline_code.as_deref()))]
    Card { code: String, decline_code: Option<String>, message: String },
    #[error("Stripe has no {object}")]
    Missing { object: String },
    #[error("what Stripe answered can't be read: {0}")]
    Unreadable(String),
    #[error("`{value}` is not {kind} of Stripe's")]
    NotAnId { kind: &'static str, value: String },
    #[error("the client for Stripe can't be set up: {0}")]
    Setup(String),
    /// A mistake of ours, found before it can cost anybody twice.
    #[error("{endpoint} changes something and was asked without an idempotency key: it was not sent")]
    Unkeyed { endpoint: String },
}

impl BillingError {
    /// Whether the same request may well succeed later, unchanged and with the same key.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::RateLimited { .. })
    }

    /// Whether the card's owner has to confirm the payment at their bank.
    #[must_use]
    pub fn needs_confirmation(&self) -> bool {
        let codes = ["authentication_required", "subscription_payment_intent_requires_action", "invoice_payment_intent_requires_action"];
        matches!(self, Self::Card { code, decline_code, .. }
            if codes.contains(&code.as_str()) || decline_code.as_deref() == Some("authentication_required"))
    }

    pub(crate) fn unreadable(object: impl Display, what: impl Display) -> Self {
        Self::Unreadable(format!("{object}: {what}"))
    }
}

fn status_text(status: Option<u16>) -> String {
    status.map(|it| format!(" (it answered {it})")).unwrap_or_default()
}

fn param_text(param: Option<&str>) -> String {
    param.map(|it| format!(", `{it}`")).unwrap_or_default()
}

fn decline_text(code: Option<&str>) -> String {
    code.map(|it| format!(", {it}")).unwrap_or_default()
}
