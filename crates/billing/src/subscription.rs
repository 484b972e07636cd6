//! Subscriptions: one a server.

use howdah_domain::InstanceId;
use howdah_domain::billing::facts::Subscription;
use stripe_billing::subscription::{
    CancelSubscription, CreateSubscription, CreateSubscriptionAutomaticTax, CreateSubscriptionInvoiceSettings, CreateSubscriptionItems,
    CustomFieldParams, DiscountsDataParam, ListSubscription, ListSubscriptionStatus, RetrieveSubscription, UpdateSubscription,
};
use stripe_billing::subscription_item::ListSubscriptionItem;
use stripe_product::promotion_code::ListPromotionCode;
use stripe_shared::SubscriptionCollectionMethod;

use crate::customer::{self, Address};
use crate::objects::{self, Named};
use crate::operation::{Key, made_by, metadata, metadata_of};
use crate::read::{all, ask, id, post};
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
    let request = RetrieveSubscription::new(id("a subscription", subscription)?);
    read(stripe, ask(stripe, &request).await?).await
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
    let found = list(stripe, customer).await?.into_iter().find(|it| made_by(it.metadata.as_ref(), operation));
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
    let made = post(stripe, &request, operation.key()).await?;
    read(stripe, made).await
}

/// It ends with the period that is paid.
///
/// # Errors
/// Where Stripe can't be asked or refuses: what has ended can't be cancelled.
pub async fn cancel_at_period_end(stripe: &Stripe, subscription: &str, operation: Operation) -> Result<Subscription, BillingError> {
    update(stripe, updated(subscription)?.cancel_at_period_end(true), operation.key()).await
}

/// It goes on: [`cancel_at_period_end`] is taken back.
///
/// # Errors
/// As there.
pub async fn take_back(stripe: &Stripe, subscription: &str, operation: Operation) -> Result<Subscription, BillingError> {
    update(stripe, updated(subscription)?.cancel_at_period_end(false), operation.key()).await
}

/// It ends now. What has ended before is answered as it is.
///
/// # Errors
/// [`BillingError::Missing`] where there is none of this id.
pub async fn cancel_now(stripe: &Stripe, subscription: &str) -> Result<Subscription, BillingError> {
    let request = CancelSubscription::new(id("a subscription", subscription)?);
    // A DELETE has no second effect by itself, and Stripe takes no key with it.
    match ask(stripe, &request).await {
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
    let known: objects::List<Named> = ask(stripe, &ListPromotionCode::new().code(code).active(true)).await?;
    let missing =
        || BillingError::Missing { object: format!("promotion code that is good now: `{}`", code.chars().take(80).collect::<String>()) };
    let promotion = known.data.first().ok_or_else(missing)?;
    let discount = DiscountsDataParam { promotion_code: Some(promotion.id.clone()), ..DiscountsDataParam::new() };
    update(stripe, updated(subscription)?.discounts(vec![discount]), operation.key()).await
}

fn updated(subscription: &str) -> Result<UpdateSubscription, BillingError> {
    Ok(UpdateSubscription::new(id("a subscription", subscription)?))
}

async fn update(stripe: &Stripe, request: UpdateSubscription, key: Key) -> Result<Subscription, BillingError> {
    read(stripe, post(stripe, &request, key).await?).await
}

async fn list(stripe: &Stripe, customer: &str) -> Result<Vec<objects::Subscription>, BillingError> {
    let request = ListSubscription::new().customer(customer).status(ListSubscriptionStatus::All).limit(100);
    all(stripe, &request).await
}

async fn read(stripe: &Stripe, theirs: objects::Subscription) -> Result<Subscription, BillingError> {
    if !theirs.items.has_more {
        return facts::subscription(&theirs, &theirs.items.data);
    }
    let items = all(stripe, &ListSubscriptionItem::new(&theirs.id).limit(100)).await?;
    facts::subscription(&theirs, &items)
}
