//! Stripe's portal: where a customer keeps cards, addresses and tax ids, and finds invoices. What they subscribe to, and whether
//! they go on, is said on our pages.

use stripe_billing::billing_portal_configuration::ListBillingPortalConfiguration;
use stripe_billing::billing_portal_session::CreateBillingPortalSession;

use crate::objects::{PortalConfiguration, PortalSession};
use crate::operation::metadata;
use crate::read::{all, post};
use crate::{BillingError, Operation, Stripe};

/// The address of a portal of this customer's, good for some minutes: made when they go there.
///
/// # Errors
/// [`BillingError::Missing`] where the catalogue was never applied: the account's own portal may offer more than ours does.
pub async fn open(stripe: &Stripe, customer: &str, return_url: &str, operation: Operation) -> Result<String, BillingError> {
    let configuration = stripe.portal.get_or_try_init(|| configuration(stripe)).await?;
    let request = CreateBillingPortalSession::new().customer(customer).configuration(configuration).return_url(return_url);
    let session: PortalSession = post(stripe, &request, operation.key()).await?;
    Ok(session.url)
}

async fn configuration(stripe: &Stripe) -> Result<String, BillingError> {
    let known: Vec<PortalConfiguration> = all(stripe, &ListBillingPortalConfiguration::new().active(true).limit(100)).await?;
    let ours = known.iter().find(|it| it.metadata.as_ref().is_some_and(|it| it.contains_key(metadata::PORTAL)));
    let missing = || BillingError::Missing { object: "portal of ours yet: the catalogue has to be brought there first".to_owned() };
    ours.map(|it| it.id.clone()).ok_or_else(missing)
}
