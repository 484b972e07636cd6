//! Subscriptions: one a server.

use howdah_domain::InstanceId;
use howdah_domain::billing::facts::Subscription;
use stripe_billing::subscription::{
    CancelSubscription, CreateSubscription, CreateSubscriptionAutomaticTax, CreateSubscriptionInvoiceSettings, CreateSubscriptionItems,
    CustomFieldParams, DiscountsDataParam, ListSubscription, ListSubscriptionStatus, RetrieveSubscription, UpdateSubscription,
};
use stripe_billing::subscription_item::ListSubscriptionItem;
use stripe_client_core::{RequestStrategy, StripeRequest};
use stripe_product::promotion_code::ListPromotionCode;
use stripe_shared::SubscriptionCollectionMethod;

use crate::customer::{self, Address};
use crate::operation::{made_by, metadata, metadata_of};
use crate::read::{all, id};
use crate::{BillingError, Operation, Stripe, facts};

mod change;

pub use change::{Change, Preview, Proration, change, preview_change};

/// So many of a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    pub price: String,
    pub quantity: u32,
}

/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn get(stripe: &Stripe, subscription: &str) -> Result<Subscription, BillingError> {
    let request = RetrieveSubscription::new(id::<stripe_shared::SubscriptionId>("a subscription", subscription)?);
    read(stripe, request.customize().send(&stripe.transport).await?).await
}

/// Every one that a customer has or had, the newest first.
///
/// # Errors
/// Where Stripe can't be asked, or one of them can't be read.
pub async fn of_customer(stripe: &Stripe, customer: &str) -> Result<Vec<Subscription>, BillingError> {
    let mut found = Vec::new();
    for theirs in list(stripe, customer).await? {
        found.push(read(stripe, theirs).await?);
    }
    Ok(found)
}

/// The one that an operation made, by a checkout or without.
///
/// # Errors
/// Where Stripe can't be asked, or it can't be read.
pub async fn of_operation(stripe: &Stripe, customer: &str, operation: Operation) -> Result<Option<Subscription>, BillingError> {
    let found = list(stripe, customer).await?.into_iter().find(|it| made_by(Some(&it.metadata), operation));
    match found {
        Some(theirs) => read(stripe, theirs).await.map(Some),
        None => Ok(None),
    }
}

/// A subscription whose invoices are sent, and paid within some days.
#[derive(Debug, Clone)]
pub struct NewByInvoice {
    pub customer: String,
    pub instance: InstanceId,
    pub items: Vec<NewItem>,
    /// What its invoices say that they are of: the server's name.
    pub description: String,
    pub days_until_due: u32,
    /// The buyer's own, on each invoice.
    pub order_number: Option<String>,
    pub address: Address,
    pub automatic_tax: bool,
}

/// Makes it, or finds what the same operation made before.
///
/// # Errors
/// Where Stripe can't be asked or refuses.
pub async fn create_by_invoice(stripe: &Stripe, new: &NewByInvoice, operation: Operation) -> Result<Subscription, BillingError> {
    if let Some(made) = of_operation(stripe, &new.customer, operation).await? {
        return Ok(made);
    }
    customer::set_address(stripe, &new.customer, &new.address, operation).await?;
    let items = new.items.iter().map(|it| CreateSubscriptionItems {
        price: Some(it.price.clone()),
        quantity: Some(it.quantity.into()),
        ..CreateSubscriptionItems::new()
    });
    let mut request = CreateSubscription::new()
        .customer(&new.customer)
        .items(items.collect::<Vec<_>>())
        .collection_method(SubscriptionCollectionMethod::SendInvoice)
        .days_until_due(new.days_until_due)
        .description(&new.description)
        .automatic_tax(CreateSubscriptionAutomaticTax::new(new.automatic_tax))
        .metadata(metadata_of([(metadata::INSTANCE, new.instance.to_string()), (metadata::OPERATION, operation.id().to_string())]));
    if let Some(number) = &new.order_number {
        let field = CustomFieldParams { name: "Order number".to_owned(), value: number.clone() };
        let settings = CreateSubscriptionInvoiceSettings { custom_fields: Some(vec![field]), ..CreateSubscriptionInvoiceSettings::new() };
        request = request.invoice_settings(settings);
    }
    let made = request.customize().request_strategy(operation.strategy()?).send(&stripe.transport).await?;
    read(stripe, made).await
}

/// It ends with the period that is paid.
///
/// # Errors
/// Where Stripe can't be asked or refuses: what has ended can't be cancelled.
pub async fn cancel_at_period_end(stripe: &Stripe, subscription: &str, operation: Operation) -> Result<Subscription, BillingError> {
    update(stripe, updated(subscription)?.cancel_at_period_end(true), operation.strategy()?).await
}

/// It goes on: [`cancel_at_period_end`] is taken back.
///
/// # Errors
/// As there.
pub async fn take_back(stripe: &Stripe, subscription: &str, operation: Operation) -> Result<Subscription, BillingError> {
    update(stripe, updated(subscription)?.cancel_at_period_end(false), operation.strategy()?).await
}

/// It ends now. What has ended before is answered as it is.
///
/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn cancel_now(stripe: &Stripe, subscription: &str) -> Result<Subscription, BillingError> {
    let request = CancelSubscription::new(id::<stripe_shared::SubscriptionId>("a subscription", subscription)?);
    // A DELETE has no second effect by itself, and Stripe takes no key with it.
    match request.customize().send(&stripe.transport).await {
        Ok(ended) => read(stripe, ended).await,
        Err(BillingError::Missing { .. }) => get(stripe, subscription).await,
        Err(error) => Err(error),
    }
}

/// Gives it the discount that a customer has a code for, in place of any before.
///
/// # Errors
/// [`BillingError::Missing`] where no such code is good now.
pub async fn set_promotion_code(
    stripe: &Stripe,
    subscription: &str,
    code: &str,
    operation: Operation,
) -> Result<Subscription, BillingError> {
    let known = ListPromotionCode::new().code(code).active(true).customize().send(&stripe.transport).await?;
    let missing =
        || BillingError::Missing { object: format!("promotion code that is good now: `{}`", code.chars().take(80).collect::<String>()) };
    let promotion = known.data.first().ok_or_else(missing)?;
    let discount = DiscountsDataParam { promotion_code: Some(promotion.id.as_str().to_owned()), ..DiscountsDataParam::new() };
    update(stripe, updated(subscription)?.discounts(vec![discount]), operation.strategy()?).await
}

fn updated(subscription: &str) -> Result<UpdateSubscription, BillingError> {
    Ok(UpdateSubscription::new(id::<stripe_shared::SubscriptionId>("a subscription", subscription)?))
}

async fn update(stripe: &Stripe, request: UpdateSubscription, strategy: RequestStrategy) -> Result<Subscription, BillingError> {
    read(stripe, request.customize().request_strategy(strategy).send(&stripe.transport).await?).await
}

async fn list(stripe: &Stripe, customer: &str) -> Result<Vec<stripe_shared::Subscription>, BillingError> {
    let request = ListSubscription::new().customer(customer).status(ListSubscriptionStatus::All).limit(100);
    all(stripe, request.paginate()).await
}

async fn read(stripe: &Stripe, theirs: stripe_shared::Subscription) -> Result<Subscription, BillingError> {
    if !theirs.items.has_more {
        return facts::subscription(&theirs, &theirs.items.data);
    }
    let items = all(stripe, ListSubscriptionItem::new(theirs.id.as_str()).limit(100).paginate()).await?;
    facts::subscription(&theirs, &items)
}
