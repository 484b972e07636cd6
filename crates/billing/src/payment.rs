//! What becomes of a payment after it: refunds and disputes.

use chrono::{DateTime, Utc};
use howdah_domain::money::Money;
use stripe_core::charge::RetrieveCharge;
use stripe_core::dispute::RetrieveDispute;

use crate::read::{ask, id, money, time};
use crate::{BillingError, Stripe, objects};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub id: String,
    pub customer: Option<String>,
    pub amount: Money,
    pub refunded: Money,
    pub disputed: bool,
    pub created: DateTime<Utc>,
}

/// A payment that its customer's bank took back, or asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    pub id: String,
    pub charge: String,
    pub amount: Money,
    /// Stripe's own words: `fraudulent`, `product_not_received`.
    pub reason: String,
    /// Stripe's own words: `needs_response`, `won`, `lost`.
    pub status: String,
    pub created: DateTime<Utc>,
    /// By when an answer has to be there.
    pub respond_by: Option<DateTime<Utc>>,
}

/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn charge(stripe: &Stripe, charge: &str) -> Result<Charge, BillingError> {
    let request = RetrieveCharge::new(id("a charge", charge)?);
    let theirs: objects::Charge = ask(stripe, &request).await?;
    let id = theirs.id.as_str();
    Ok(Charge {
        id: id.to_owned(),
        customer: theirs.customer.as_ref().map(|it| it.0.clone()),
        amount: money(id, theirs.amount, &theirs.currency)?,
        refunded: money(id, theirs.amount_refunded, &theirs.currency)?,
        disputed: theirs.disputed,
        created: time(id, theirs.created)?,
    })
}

/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn dispute(stripe: &Stripe, dispute: &str) -> Result<Dispute, BillingError> {
    let request = RetrieveDispute::new(id("a dispute", dispute)?);
    let theirs: objects::Dispute = ask(stripe, &request).await?;
    let id = theirs.id.as_str();
    Ok(Dispute {
        id: id.to_owned(),
        charge: theirs.charge.0.clone(),
        amount: money(id, theirs.amount, &theirs.currency)?,
        reason: theirs.reason.clone(),
        status: theirs.status.clone(),
        created: time(id, theirs.created)?,
        respond_by: theirs.evidence_details.as_ref().and_then(|it| it.due_by).map(|it| time(id, it)).transpose()?,
    })
}
