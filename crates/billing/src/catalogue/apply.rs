//! What was planned is done, each change with a key of its own.

use howdah_domain::billing::facts::Sold;
use howdah_domain::money::Money;
use secrecy::SecretString;
use stripe_billing::billing_portal_configuration::{
    CreateBillingPortalConfiguration, CreateBillingPortalConfigurationBusinessProfile, CreateBillingPortalConfigurationFeatures,
    CreateBillingPortalConfigurationFeaturesCustomerUpdate,
    CreateBillingPortalConfigurationFeaturesCustomerUpdateAllowedUpdates as Allowed, InvoiceListParam, PaymentMethodUpdateParam,
    UpdateBillingPortalConfiguration, UpdateBillingPortalConfigurationBusinessProfile, UpdateBillingPortalConfigurationFeatures,
    UpdateBillingPortalConfigurationFeaturesCustomerUpdate,
    UpdateBillingPortalConfigurationFeaturesCustomerUpdateAllowedUpdates as StillAllowed,
    UpdateBillingPortalConfigurationFeaturesSubscriptionCancel, UpdateBillingPortalConfigurationFeaturesSubscriptionUpdate,
};
use stripe_misc::webhook_endpoint::{CreateWebhookEndpoint, UpdateWebhookEndpoint};
use stripe_product::price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, UpdatePrice};
use stripe_product::product::{CreateProduct, UpdateProduct};
use stripe_shared::PriceTaxBehavior;

use super::{Change, Portal, Product, lookup_key};
use crate::event::WANTED;
use crate::objects::{Named, WebhookEndpoint};
use crate::operation::{Key, Metadata, metadata, metadata_of};
use crate::read::{amount as stripe_amount, id, post, stripe_currency};
use crate::{BillingError, Operation, Stripe};

/// What came of applying a plan, as far as it went.
#[derive(Debug)]
#[must_use = "the secret of a new endpoint is said once"]
pub struct Applied {
    /// What events from the new endpoint are signed with.
    pub endpoint_secret: Option<SecretString>,
    /// Where it was broken off, a new plan has what is left.
    pub outcome: Result<(), BillingError>,
}

/// Does what [`super::plan`] said, in its order; `operation` is of this run alone.
pub async fn apply(stripe: &Stripe, changes: &[Change], operation: Operation) -> Applied {
    let mut endpoint_secret = None;
    for (position, change) in changes.iter().enumerate() {
        tracing::info!(%change, "the catalogue at Stripe is changed");
        match one(stripe, change, operation.key_of(position)).await {
            Ok(secret) => endpoint_secret = secret.or(endpoint_secret),
            Err(error) => return Applied { endpoint_secret, outcome: Err(error) },
        }
    }
    Applied { endpoint_secret, outcome: Ok(()) }
}

async fn one(stripe: &Stripe, change: &Change, key: Key) -> Result<Option<SecretString>, BillingError> {
    let _: Named = match change {
        Change::CreateProduct { id, product } => post(stripe, &create_product(id, product), key).await?,
        Change::UpdateProduct { id, product } => post(stripe, &update_product(id, product)?, key).await?,
        Change::ArchiveProduct { id: product } => post(stripe, &UpdateProduct::new(id("a product", product)?).active(false), key).await?,
        Change::CreatePrice { product, sold, amount, tax_included, .. } => {
            post(stripe, &create_price(product, sold, *amount, *tax_included)?, key).await?
        }
        Change::ArchivePrice { id: price, .. } => post(stripe, &UpdatePrice::new(id("a price", price)?).active(false), key).await?,
        Change::CreatePortal(portal) => post(stripe, &create_portal(portal), key).await?,
        Change::UpdatePortal { id, portal } => post(stripe, &update_portal(id, portal)?, key).await?,
        Change::CreateEndpoint { url } => {
            let made: WebhookEndpoint = post(stripe, &create_endpoint(url), key).await?;
            return Ok(made.secret.map(SecretString::from));
        }
        Change::UpdateEndpoint { id: endpoint, .. } => {
            let events = WANTED.iter().filter_map(|it| it.parse().ok()).collect::<Vec<_>>();
            let request = UpdateWebhookEndpoint::new(id("an endpoint", endpoint)?).enabled_events(events).disabled(false);
            post(stripe, &request, key).await?
        }
        Change::DisableEndpoint { id: endpoint } => {
            post(stripe, &UpdateWebhookEndpoint::new(id("an endpoint", endpoint)?).disabled(true), key).await?
        }
    };
    Ok(None)
}

fn of(sold: &Sold) -> Metadata {
    match sold {
        Sold::Plan(name) => metadata_of([(metadata::PLAN, name.clone())]),
        Sold::AddOn(name) => metadata_of([(metadata::ADD_ON, name.clone())]),
        Sold::Unknown => Metadata::new(),
    }
}

fn create_product(id: &str, product: &Product) -> CreateProduct {
    let mut request = CreateProduct::new(&product.name).id(id).metadata(of(&product.sold));
    if let Some(description) = &product.description {
        request = request.description(description);
    }
    if let Some(code) = &product.tax_code {
        request = request.tax_code(code);
    }
    request
}

fn update_product(product_id: &str, product: &Product) -> Result<UpdateProduct, BillingError> {
    let mut request = UpdateProduct::new(id("a product", product_id)?)
        .active(true)
        .name(&product.name)
        .metadata(of(&product.sold))
        // Empty, Stripe takes it away.
        .description(product.description.as_deref().unwrap_or_default());
    if let Some(code) = &product.tax_code {
        request = request.tax_code(code);
    }
    Ok(request)
}

fn create_price(product: &str, sold: &Sold, amount: Money, tax_included: Option<bool>) -> Result<CreatePrice, BillingError> {
    let mut request = CreatePrice::new(stripe_currency(amount.currency))
        .product(product)
        .unit_amount(stripe_amount(amount)?)
        .recurring(CreatePriceRecurring::new(CreatePriceRecurringInterval::Month))
        .lookup_key(lookup_key(product, amount))
        .transfer_lookup_key(true)
        .metadata(of(sold));
    if let Some(included) = tax_included {
        request = request.tax_behavior(if included { PriceTaxBehavior::Inclusive } else { PriceTaxBehavior::Exclusive });
    }
    Ok(request)
}

/// What isn't named is not offered.
fn create_portal(portal: &Portal) -> CreateBillingPortalConfiguration {
    let allowed = vec![Allowed::Address, Allowed::Name, Allowed::TaxId];
    let customer = CreateBillingPortalConfigurationFeaturesCustomerUpdate { enabled: true, allowed_updates: Some(allowed) };
    let features = CreateBillingPortalConfigurationFeatures {
        customer_update: Some(customer),
        invoice_history: Some(InvoiceListParam::new(true)),
        payment_method_update: Some(PaymentMethodUpdateParam::new(true)),
        ..CreateBillingPortalConfigurationFeatures::new()
    };
    let profile = CreateBillingPortalConfigurationBusinessProfile {
        privacy_policy_url: portal.privacy_policy_url.clone(),
        terms_of_service_url: portal.terms_of_service_url.clone(),
        ..CreateBillingPortalConfigurationBusinessProfile::new()
    };
    let mut request = CreateBillingPortalConfiguration::new(features)
        .business_profile(profile)
        .metadata(metadata_of([(metadata::PORTAL, "1".to_owned())]));
    if let Some(url) = &portal.return_url {
        request = request.default_return_url(url);
    }
    request
}

fn update_portal(portal_id: &str, portal: &Portal) -> Result<UpdateBillingPortalConfiguration, BillingError> {
    let allowed = vec![StillAllowed::Address, StillAllowed::Name, StillAllowed::TaxId];
    let features = UpdateBillingPortalConfigurationFeatures {
        customer_update: Some(UpdateBillingPortalConfigurationFeaturesCustomerUpdate {
            enabled: Some(true),
            allowed_updates: Some(allowed),
        }),
        invoice_history: Some(InvoiceListParam::new(true)),
        payment_method_update: Some(PaymentMethodUpdateParam::new(true)),
        subscription_cancel: Some(UpdateBillingPortalConfigurationFeaturesSubscriptionCancel {
            enabled: Some(false),
            ..UpdateBillingPortalConfigurationFeaturesSubscriptionCancel::new()
        }),
        subscription_update: Some(UpdateBillingPortalConfigurationFeaturesSubscriptionUpdate {
            enabled: Some(false),
            ..UpdateBillingPortalConfigurationFeaturesSubscriptionUpdate::new()
        }),
    };
    let text = |it: &Option<String>| Some(it.clone().unwrap_or_default());
    let profile = UpdateBillingPortalConfigurationBusinessProfile {
        privacy_policy_url: text(&portal.privacy_policy_url),
        terms_of_service_url: text(&portal.terms_of_service_url),
        ..UpdateBillingPortalConfigurationBusinessProfile::new()
    };
    let id = id("a portal", portal_id)?;
    let request = UpdateBillingPortalConfiguration::new(id)
        .features(features)
        .business_profile(profile)
        .default_return_url(portal.return_url.clone().unwrap_or_default());
    Ok(request)
}

fn create_endpoint(url: &str) -> CreateWebhookEndpoint {
    let events = WANTED.iter().filter_map(|it| it.parse().ok()).collect::<Vec<_>>();
    CreateWebhookEndpoint::new(events, url).description("Howdah").api_version(stripe_client_core::VERSION)
}
