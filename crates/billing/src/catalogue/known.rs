//! What of ours is at Stripe.

use std::collections::BTreeSet;

use howdah_domain::billing::facts::Sold;
use howdah_domain::money::Money;
use stripe_billing::billing_portal_configuration::ListBillingPortalConfiguration;
use stripe_misc::webhook_endpoint::ListWebhookEndpoint;
use stripe_product::price::ListPrice;
use stripe_product::product::ListProduct;

use super::Portal;
use crate::objects::{PortalConfiguration, Price, Product, WebhookEndpoint};
use crate::operation::metadata;
use crate::read::{all, money, sold};
use crate::{BillingError, Stripe};

/// What of ours is at Stripe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub products: Vec<KnownProduct>,
    /// Those that are sold.
    pub prices: Vec<KnownPrice>,
    pub portal: Option<KnownPortal>,
    pub endpoints: Vec<KnownEndpoint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProduct {
    pub id: String,
    pub sold: Sold,
    pub name: String,
    pub description: Option<String>,
    pub tax_code: Option<String>,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPrice {
    pub id: String,
    pub product: String,
    pub sold: Sold,
    pub lookup_key: Option<String>,
    /// None where it is of tiers, or of another interval than a month.
    pub amount: Option<Money>,
    pub tax_included: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPortal {
    pub id: String,
    pub portal: Portal,
    /// Whether it offers what ours is to offer, and no more.
    pub offers_ours: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEndpoint {
    pub id: String,
    pub url: String,
    pub api_version: Option<String>,
    pub events: BTreeSet<String>,
    pub enabled: bool,
}

pub(super) async fn read(stripe: &Stripe) -> Result<Known, BillingError> {
    Ok(Known {
        products: products(stripe).await?,
        prices: prices(stripe).await?,
        portal: portal(stripe).await?,
        endpoints: endpoints(stripe).await?,
    })
}

async fn products(stripe: &Stripe) -> Result<Vec<KnownProduct>, BillingError> {
    let theirs: Vec<Product> = all(stripe, &ListProduct::new().limit(100)).await?;
    let ours = theirs.into_iter().filter(|it| it.id.starts_with("howdah_"));
    Ok(ours
        .map(|it| KnownProduct {
            id: it.id,
            sold: sold(it.metadata.as_ref()),
            tax_code: it.tax_code.map(|it| it.0),
            name: it.name,
            description: it.description,
            active: it.active,
        })
        .collect())
}

pub(super) async fn prices(stripe: &Stripe) -> Result<Vec<KnownPrice>, BillingError> {
    let theirs: Vec<Price> = all(stripe, &ListPrice::new().active(true).limit(100)).await?;
    theirs.iter().filter(|it| it.product.0.starts_with("howdah_")).map(price).collect()
}

fn price(theirs: &Price) -> Result<KnownPrice, BillingError> {
    let id = theirs.id.as_str();
    let is_monthly = theirs.recurring.as_ref().is_some_and(|it| it.interval == "month" && it.interval_count == 1);
    let amount = theirs.unit_amount.filter(|_| is_monthly);
    Ok(KnownPrice {
        id: id.to_owned(),
        product: theirs.product.0.clone(),
        sold: sold(theirs.metadata.as_ref()),
        lookup_key: theirs.lookup_key.clone(),
        amount: amount.map(|it| money(id, it, &theirs.currency)).transpose()?,
        tax_included: match theirs.tax_behavior.as_deref() {
            Some("inclusive") => Some(true),
            Some("exclusive") => Some(false),
            _ => None,
        },
    })
}

async fn portal(stripe: &Stripe) -> Result<Option<KnownPortal>, BillingError> {
    let theirs: Vec<PortalConfiguration> = all(stripe, &ListBillingPortalConfiguration::new().active(true).limit(100)).await?;
    let ours = theirs.into_iter().find(|it| it.metadata.as_ref().is_some_and(|it| it.contains_key(metadata::PORTAL)));
    Ok(ours.map(|it| KnownPortal {
        id: it.id.clone(),
        offers_ours: offers_ours(&it),
        portal: Portal {
            return_url: it.default_return_url,
            privacy_policy_url: it.business_profile.privacy_policy_url,
            terms_of_service_url: it.business_profile.terms_of_service_url,
        },
    }))
}

fn offers_ours(theirs: &PortalConfiguration) -> bool {
    let features = &theirs.features;
    let allowed = &features.customer_update.allowed_updates;
    let address = ["address", "name", "tax_id"];
    features.customer_update.enabled
        && allowed.len() == address.len()
        && allowed.iter().all(|it| address.contains(&it.as_str()))
        && features.invoice_history.enabled
        && features.payment_method_update.enabled
        && !features.subscription_cancel.enabled
        && !features.subscription_update.enabled
}

async fn endpoints(stripe: &Stripe) -> Result<Vec<KnownEndpoint>, BillingError> {
    let theirs: Vec<WebhookEndpoint> = all(stripe, &ListWebhookEndpoint::new().limit(100)).await?;
    Ok(theirs
        .into_iter()
        .map(|it| KnownEndpoint {
            id: it.id,
            url: it.url,
            api_version: it.api_version,
            events: it.enabled_events.into_iter().collect(),
            enabled: it.status == "enabled",
        })
        .collect())
}
