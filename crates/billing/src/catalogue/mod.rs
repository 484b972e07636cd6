//! The catalogue at Stripe: products and prices, the portal, and the endpoint that events go to.
//!
//! [`plan`] reads what is there and says what has to be done about it; [`apply`] does that, and a second plan is empty. A price
//! never changes: a new one takes its name, and whoever has the old one keeps it.

mod apply;
mod difference;
mod known;

use std::collections::BTreeSet;
use std::fmt;

use howdah_domain::billing::facts::Sold;
use howdah_domain::money::Money;

pub use apply::{Applied, apply};
pub use difference::difference;
pub use known::{Known, KnownEndpoint, KnownPortal, KnownPrice, KnownProduct};

use crate::{BillingError, Stripe};

/// Something that is sold, by the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    pub sold: Sold,
    pub name: String,
    pub description: Option<String>,
    /// One a currency.
    pub prices: Vec<Money>,
    /// Stripe's code of what it is for taxes: `txcd_10103001`.
    pub tax_code: Option<String>,
    /// Whether prices are with tax; where nobody has said, Stripe's own setting counts.
    pub tax_included: Option<bool>,
}

/// What a customer finds in the portal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portal {
    pub return_url: Option<String>,
    pub privacy_policy_url: Option<String>,
    pub terms_of_service_url: Option<String>,
}

/// All that is to be at Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub products: Vec<Product>,
    pub portal: Portal,
    /// Where events go to; none where this installation can't be reached, or has its endpoint by hand.
    pub endpoint: Option<String>,
}

/// A price of the catalogue that can be bought now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CataloguePrice {
    pub id: String,
    pub sold: Sold,
    pub amount: Money,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    CreateProduct {
        id: String,
        product: Product,
    },
    UpdateProduct {
        id: String,
        product: Product,
    },
    ArchiveProduct {
        id: String,
    },
    /// It takes the name of the one that it replaces, which is no longer sold.
    CreatePrice {
        product: String,
        sold: Sold,
        amount: Money,
        tax_included: Option<bool>,
        replaces: Option<String>,
    },
    ArchivePrice {
        id: String,
        lookup_key: Option<String>,
    },
    CreatePortal(Portal),
    UpdatePortal {
        id: String,
        portal: Portal,
    },
    CreateEndpoint {
        url: String,
    },
    UpdateEndpoint {
        id: String,
        url: String,
    },
    /// It speaks another version than we do; a new one takes its place.
    DisableEndpoint {
        id: String,
    },
}

/// `howdah_plan_small`; `None` for what is not ours to sell.
#[must_use]
pub fn product_id(sold: &Sold) -> Option<String> {
    match sold {
        Sold::Plan(name) => Some(format!("howdah_plan_{name}")),
        Sold::AddOn(name) => Some(format!("howdah_add_on_{name}")),
        Sold::Unknown => None,
    }
}

/// `howdah_plan_small_eur_month`
#[must_use]
pub fn lookup_key(product: &str, amount: Money) -> String {
    format!("{product}_{}_month", amount.currency.as_str().to_ascii_lowercase())
}

/// What has to be done at Stripe for all that is wanted to be there. Nothing is changed.
///
/// # Errors
/// Where Stripe can't be asked, or what is there can't be read.
pub async fn plan(stripe: &Stripe, wanted: &Wanted) -> Result<Vec<Change>, BillingError> {
    Ok(difference(wanted, &known::read(stripe).await?))
}

/// What can be bought now, by what it is.
///
/// # Errors
/// Where Stripe can't be asked, or what is there can't be read.
pub async fn prices(stripe: &Stripe) -> Result<Vec<CataloguePrice>, BillingError> {
    let known = known::prices(stripe).await?;
    Ok(known
        .into_iter()
        .filter(|it| it.lookup_key.is_some() && it.sold != Sold::Unknown)
        .filter_map(|it| Some(CataloguePrice { id: it.id, sold: it.sold, amount: it.amount? }))
        .collect())
}

pub(crate) fn wanted_events() -> BTreeSet<String> {
    crate::event::WANTED.iter().map(|it| (*it).to_owned()).collect()
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateProduct { id, product } => write!(f, "create the product {id}, `{}`", product.name),
            Self::UpdateProduct { id, product } => write!(f, "update the product {id}, `{}`", product.name),
            Self::ArchiveProduct { id } => write!(f, "sell the product {id} no longer"),
            Self::CreatePrice { product, amount, replaces: None, .. } => write!(f, "create the price {amount} a month of {product}"),
            Self::CreatePrice { product, amount, replaces: Some(old), .. } => {
                write!(f, "create the price {amount} a month of {product}, in place of {old}")
            }
            Self::ArchivePrice { id, lookup_key } => {
                write!(f, "sell at the price {id} ({}) no longer; who has it keeps it", lookup_key.as_deref().unwrap_or("no key"))
            }
            Self::CreatePortal(_) => f.write_str("create the portal"),
            Self::UpdatePortal { id, .. } => write!(f, "update the portal {id}"),
            Self::CreateEndpoint { url } => write!(f, "create the webhook's endpoint {url}"),
            Self::UpdateEndpoint { id, url } => write!(f, "update the webhook's endpoint {id}, {url}"),
            Self::DisableEndpoint { id } => write!(f, "disable the webhook's endpoint {id}: it speaks another version of the API"),
        }
    }
}
