//! Events that nobody told us: Stripe tries for three days to deliver one, and lists it for thirty.

use chrono::{DateTime, Utc};
use serde_json::Value;
use stripe_client_core::StripeRequest;
use stripe_core::event::{ListEvent, RetrieveEvent};
use stripe_types::RangeQueryTs;

use crate::event::{Received, WANTED};
use crate::read::id;
use crate::{BillingError, Stripe};

/// Those since then that were not delivered to every endpoint that wants them, the oldest first.
///
/// # Errors
/// Where Stripe can't be asked, or what it answers is no list of events.
pub async fn undelivered(stripe: &Stripe, since: DateTime<Utc>) -> Result<Vec<Received>, BillingError> {
    let mut found: Vec<Received> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut request = ListEvent::new().delivery_success(false).created(RangeQueryTs::gte(since.timestamp())).limit(100);
        if let Some(after) = after.take() {
            request = request.starting_after(after);
        }
        let page = json(&stripe.transport.send(request.build(), None).await?)?;
        let events = page["data"].as_array().ok_or_else(|| BillingError::unreadable("events", "no list"))?;
        found.extend(events.iter().filter_map(|it| Received::parse(&it.to_string())));
        let last = events.last().and_then(|it| it["id"].as_str());
        match last {
            Some(last) if page["has_more"] == true => after = Some(last.to_owned()),
            _ => break,
        }
    }
    found.retain(|it| WANTED.contains(&it.kind.as_str()));
    found.reverse();
    Ok(found)
}

/// # Errors
/// [`BillingError::Missing`] where there is none of this id, or it is older than 30 days.
pub async fn get(stripe: &Stripe, event: &str) -> Result<Received, BillingError> {
    let request = RetrieveEvent::new(id::<stripe_shared::EventId>("an event", event)?);
    let answer = stripe.transport.send(request.build(), None).await?;
    let raw = std::str::from_utf8(&answer).map_err(|error| BillingError::unreadable(event, error))?;
    Received::parse(raw).ok_or_else(|| BillingError::unreadable(event, "no event"))
}

fn json(bytes: &[u8]) -> Result<Value, BillingError> {
    serde_json::from_slice(bytes).map_err(|error| BillingError::unreadable("events", error))
}
