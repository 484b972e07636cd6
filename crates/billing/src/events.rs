//! Events that nobody told us: Stripe tries for three days to deliver one, and lists it for thirty.

use chrono::{DateTime, Utc};
use stripe_client_core::StripeRequest;
use stripe_core::event::{ListEvent, RetrieveEvent};
use stripe_types::RangeQueryTs;

use crate::event::{Received, WANTED};
use crate::read::{id, pages};
use crate::{BillingError, Stripe};

/// Those since then that were not delivered to every endpoint that wants them, the oldest first.
///
/// # Errors
/// Where Stripe can't be asked, or what it answers is no list of events.
pub async fn undelivered(stripe: &Stripe, since: DateTime<Utc>) -> Result<Vec<Received>, BillingError> {
    let request = ListEvent::new().delivery_success(false).created(RangeQueryTs::gte(since.timestamp())).limit(100).build();
    let listed = pages(stripe, &request.path, request.query.unwrap_or_default()).await?;
    // The newest comes first.
    let found = listed.iter().rev().filter_map(|it| Received::parse(&it.to_string()));
    Ok(found.filter(|it| WANTED.contains(&it.kind.as_str())).collect())
}

/// # Errors
/// [`BillingError::Missing`] where there is none of this id, or it is older than 30 days.
pub async fn get(stripe: &Stripe, event: &str) -> Result<Received, BillingError> {
    let request = RetrieveEvent::new(id("an event", event)?);
    let answer = stripe.transport.send(request.build(), None).await?;
    let raw = std::str::from_utf8(&answer).map_err(|error| BillingError::unreadable(event, error))?;
    Received::parse(raw).ok_or_else(|| BillingError::unreadable(event, "no event"))
}
