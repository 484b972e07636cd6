//! Events are hints: whom they are of is read anew, once for all that wait.

use std::collections::BTreeMap;

use howdah_billing::event::{Concern, Received};
use howdah_billing::{BillingError, checkout, invoice, payment, subscription};
use howdah_db::models::billing::{BillingEvent, Checkout, InvoiceRow, SubscriptionRow};

use super::sync::sync;
use super::{Billing, checkout as pages};
use crate::{App, Error};

/// Handled by one run.
const MOST: i64 = 500;

/// Handles what waits. What can't be, because the provider is away, waits on, and says why.
pub(crate) async fn handle(app: &App) -> Result<(), Error> {
    let billing = app.billing()?;
    let waiting = BillingEvent::unhandled(&mut *app.conn().await?, MOST).await?;
    let mut by_customer: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in waiting {
        match customer_of(app, billing, &event).await {
            Ok(Some(customer)) => by_customer.entry(customer).or_default().push(event.id),
            Ok(None) => handled(app, &[event.id], "It is of nothing of this platform.").await?,
            Err(error) => failed(app, &[event.id], &error).await?,
        }
    }
    for (customer, events) in by_customer {
        match sync(app, &customer).await {
            Ok(synced) => handled(app, &events, &synced.sentence()).await?,
            Err(error) => failed(app, &events, &error).await?,
        }
    }
    Ok(())
}

async fn handled(app: &App, ids: &[String], outcome: &str) -> Result<(), Error> {
    Ok(BillingEvent::handled(&mut *app.conn().await?, ids, outcome, app.now()).await?)
}

/// They wait on while the provider, or the record, is away. What can't be handled at all keeps no others waiting: the nightly comparison
/// tells of it, too.
async fn failed(app: &App, ids: &[String], error: &Error) -> Result<(), Error> {
    let text = error.internal_text();
    tracing::warn!(events = ids.len(), error = text, "billing events could not be handled");
    match error {
        Error::Unavailable { .. } | Error::PreconditionFailed => Ok(BillingEvent::trouble(&mut *app.conn().await?, ids, &text).await?),
        _ => handled(app, ids, &format!("It could not be handled: {text}")).await,
    }
}

/// Whose object it is of; `None` for one that is not there any more, or never was.
async fn customer_of(app: &App, billing: &Billing, event: &BillingEvent) -> Result<Option<String>, Error> {
    let Some(received) = Received::stored(&event.payload) else { return Ok(None) };
    let found = match received.concerns() {
        Concern::Customer(id) => Ok(Some(id.clone())),
        Concern::Subscription(id) => match SubscriptionRow::by_id(&mut *app.conn().await?, id).await? {
            Some(row) => Ok(Some(row.customer_id)),
            None => subscription::get(&billing.stripe, id).await.map(|it| Some(it.customer)),
        },
        Concern::Invoice(id) => match InvoiceRow::by_id(&mut *app.conn().await?, id).await? {
            Some(row) => Ok(Some(row.customer_id)),
            None => invoice::get(&billing.stripe, id).await.map(|it| Some(it.customer)),
        },
        Concern::Checkout(id) => return of_checkout(app, billing, id).await,
        Concern::Charge(id) => payment::charge(&billing.stripe, id).await.map(|it| it.customer),
        Concern::Dispute(id) => match payment::dispute(&billing.stripe, id).await {
            Ok(dispute) => payment::charge(&billing.stripe, &dispute.charge).await.map(|it| it.customer),
            Err(error) => Err(error),
        },
        Concern::Nothing => Ok(None),
    };
    match found {
        Err(BillingError::Missing { .. } | BillingError::NotAnId { .. }) => Ok(None),
        found => Ok(found?),
    }
}

/// What became of the page is noted first: an abandoned one frees the name.
async fn of_checkout(app: &App, billing: &Billing, id: &str) -> Result<Option<String>, Error> {
    let known = Checkout::by_id(&mut *app.conn().await?, id).await?;
    match checkout::get(&billing.stripe, id).await {
        Ok(theirs) => {
            // One that we have not stored yet, because we were killed, is found by whoever asks for it again.
            if known.is_some() {
                pages::settle(app, &theirs).await?;
            }
            Ok(theirs.customer)
        }
        Err(BillingError::Missing { .. } | BillingError::NotAnId { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
