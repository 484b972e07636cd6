//! Stripe's portal: where a customer keeps cards, addresses and tax ids, and finds invoices. What they subscribe to, and whether
//! they go on, is said on our pages.

use stripe_billing::billing_portal_configuration::ListBillingPortalConfiguration;
use stripe_billing::billing_portal_session::CreateBillingPortalSession;
use stripe_client_core::StripeRequest;

use crate::operation::metadata;
use crate::read::all;
use crate::{BillingError, Operation, Stripe};

/// The address of a portal of this customer's, good for some minutes: made when they go there.
///
/// # Errors
/// [`BillingError::Missing`] where the catalogue was never applied: the account's own portal may offer more than ours does.
pub async fn open(stripe: &Stripe, customer: &str, return_url: &str, operation: Operation) -> Result<String, BillingError> {
    let configuration = stripe.portal.get_or_try_init(|| configuration(stripe)).await?;
    let request = CreateBillingPortalSession::new().customer(customer).configuration(configuration).return_url(return_url);
    let session = request.customize().request_strategy(operation.strategy()?).send(&stripe.transport).await?;
    Ok(session.url)
}

async fn configuration(stripe: &Stripe) -> Result<String, BillingError> {
    let known = all(stripe, ListBillingPortalConfiguration::new().active(true).limit(100).paginate()).await?;
    let ours = known.iter().find(|it| it.metadata.as_ref().is_some_and(|it| it.contains_key(metadata::PORTAL)));
    let missing = || BillingError::Missing { object: "portal of ours yet: the catalogue has to be brought there first".to_owned() };
    ours.map(|it| it.id.as_str().to_owned()).ok_or_else(missing)
}
