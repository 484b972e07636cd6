//! Checkout: Stripe's page on which a subscription is begun and its first invoice paid.

use chrono::{DateTime, Utc};
use howdah_domain::InstanceId;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAutomaticTax, CreateCheckoutSessionCustomerUpdate,
    CreateCheckoutSessionCustomerUpdateAddress, CreateCheckoutSessionCustomerUpdateName, CreateCheckoutSessionLineItems,
    CreateCheckoutSessionPaymentMethodCollection, CreateCheckoutSessionSubscriptionData,
    CreateCheckoutSessionSubscriptionDataTrialSettings, CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehavior as EndBehavior,
    CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehaviorMissingPaymentMethod as WithoutCard, CreateCheckoutSessionTaxIdCollection,
    ExpireCheckoutSession, ListCheckoutSession, RetrieveCheckoutSession,
};
use stripe_shared::CheckoutSessionMode;
use uuid::Uuid;

use crate::objects::CheckoutSession;
use crate::operation::{made_by, metadata, metadata_of};
use crate::read::{all, ask, id, instance, post, time};
use crate::subscription::NewItem;
use crate::{BillingError, Operation, Stripe};

/// Days for nothing before the first invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    pub days: u32,
    /// Whether a card is asked for at once. Else the subscription is paused when the trial ends without one.
    pub card: bool,
}

#[derive(Debug, Clone)]
pub struct NewCheckout {
    pub customer: String,
    pub instance: InstanceId,
    pub items: Vec<NewItem>,
    /// What invoices say that they are of: the server's name.
    pub description: String,
    pub trial: Option<Trial>,
    /// Where the customer comes back to; `{CHECKOUT_SESSION_ID}` in it is replaced.
    pub success_url: String,
    pub cancel_url: String,
    /// Between 30 minutes and 24 hours from now.
    pub expires_at: DateTime<Utc>,
    pub automatic_tax: bool,
    pub allow_promotion_codes: bool,
    pub tax_id_collection: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckoutStatus {
    Open,
    /// Its customer has finished it; whether it was paid is the subscription's to say.
    Complete,
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub id: String,
    /// Stripe's page, as long as it is open.
    pub url: Option<String>,
    pub status: CheckoutStatus,
    pub expires: DateTime<Utc>,
    pub customer: Option<String>,
    /// What came of it.
    pub subscription: Option<String>,
    /// By the metadata that we gave it.
    pub instance: Option<InstanceId>,
    pub operation: Option<Uuid>,
}

/// Opens one, or finds what the same operation opened before, whatever became of it.
///
/// # Errors
/// Where Stripe can't be asked or refuses.
pub async fn open(stripe: &Stripe, new: &NewCheckout, operation: Operation) -> Result<Checkout, BillingError> {
    let before = list(stripe, &new.customer).await?;
    if let Some(found) = before.iter().find(|it| made_by(it.metadata.as_ref(), operation)) {
        return checkout(found);
    }
    let made = post(stripe, &request(new, operation), operation.key()).await?;
    checkout(&made)
}

fn request(new: &NewCheckout, operation: Operation) -> CreateCheckoutSession {
    let items = new.items.iter().map(|it| CreateCheckoutSessionLineItems {
        price: Some(it.price.clone()),
        quantity: Some(it.quantity.into()),
        ..CreateCheckoutSessionLineItems::new()
    });
    let metadata = metadata_of([(metadata::INSTANCE, new.instance.to_string()), (metadata::OPERATION, operation.id().to_string())]);
    let without_card = new.trial.is_some_and(|it| !it.card);
    let subscription = CreateCheckoutSessionSubscriptionData {
        description: Some(new.description.clone()),
        metadata: Some(metadata.clone()),
        trial_period_days: new.trial.map(|it| it.days),
        trial_settings: without_card.then(|| CreateCheckoutSessionSubscriptionDataTrialSettings::new(EndBehavior::new(WithoutCard::Pause))),
        ..CreateCheckoutSessionSubscriptionData::new()
    };
    let mut request = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Subscription)
        .customer(&new.customer)
        .client_reference_id(new.instance.to_string())
        .line_items(items.collect::<Vec<_>>())
        .metadata(metadata)
        .subscription_data(subscription)
        .success_url(&new.success_url)
        .cancel_url(&new.cancel_url)
        .expires_at(new.expires_at.timestamp())
        .automatic_tax(CreateCheckoutSessionAutomaticTax::new(new.automatic_tax))
        .allow_promotion_codes(new.allow_promotion_codes)
        .tax_id_collection(CreateCheckoutSessionTaxIdCollection::new(new.tax_id_collection));
    if without_card {
        request = request.payment_method_collection(CreateCheckoutSessionPaymentMethodCollection::IfRequired);
    }
    if new.automatic_tax || new.tax_id_collection {
        request = request.customer_update(told_by_customer());
    }
    request
}

/// Taxes go by an address and a tax id by a name; Stripe wants leave to keep what is typed.
fn told_by_customer() -> CreateCheckoutSessionCustomerUpdate {
    CreateCheckoutSessionCustomerUpdate {
        address: Some(CreateCheckoutSessionCustomerUpdateAddress::Auto),
        name: Some(CreateCheckoutSessionCustomerUpdateName::Auto),
        ..CreateCheckoutSessionCustomerUpdate::new()
    }
}

/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn get(stripe: &Stripe, session: &str) -> Result<Checkout, BillingError> {
    let request = RetrieveCheckoutSession::new(id("a checkout session", session)?);
    checkout(&ask(stripe, &request).await?)
}

/// Closes one that is open; what was finished or has expired before is answered as it is.
///
/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn expire(stripe: &Stripe, session: &str, operation: Operation) -> Result<Checkout, BillingError> {
    let request = ExpireCheckoutSession::new(id("a checkout session", session)?);
    match post(stripe, &request, operation.key()).await {
        Ok(expired) => checkout(&expired),
        Err(BillingError::Refused { endpoint, code, message, param }) => match get(stripe, session).await? {
            Checkout { status: CheckoutStatus::Open, .. } => Err(BillingError::Refused { endpoint, code, message, param }),
            closed => Ok(closed),
        },
        Err(error) => Err(error),
    }
}

/// Every one of a customer, the newest first.
///
/// # Errors
/// Where Stripe can't be asked, or one of them can't be read.
pub async fn of_customer(stripe: &Stripe, customer: &str) -> Result<Vec<Checkout>, BillingError> {
    list(stripe, customer).await?.iter().map(checkout).collect()
}

async fn list(stripe: &Stripe, customer: &str) -> Result<Vec<CheckoutSession>, BillingError> {
    all(stripe, &ListCheckoutSession::new().customer(customer).limit(100)).await
}

fn checkout(theirs: &CheckoutSession) -> Result<Checkout, BillingError> {
    let id = theirs.id.as_str();
    Ok(Checkout {
        id: id.to_owned(),
        url: theirs.url.clone(),
        status: match theirs.status.as_deref() {
            Some("open") => CheckoutStatus::Open,
            Some("complete") => CheckoutStatus::Complete,
            Some("expired") => CheckoutStatus::Expired,
            unknown => {
                let state = unknown.unwrap_or_default();
                return Err(BillingError::unreadable(id, format!("the state `{state}` is not known here")));
            }
        },
        expires: time(id, theirs.expires_at)?,
        customer: theirs.customer.as_ref().map(|it| it.0.clone()),
        subscription: theirs.subscription.as_ref().map(|it| it.0.clone()),
        instance: instance(theirs.metadata.as_ref()),
        operation: theirs.metadata.as_ref().and_then(|it| it.get(metadata::OPERATION)).and_then(|it| it.parse().ok()),
    })
}
