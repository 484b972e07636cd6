//! The catalogue, as it is to be at the payment provider.

use howdah_billing::catalogue::{self, Applied, Change, Portal, Product, Wanted};
use howdah_domain::Plans;
use howdah_domain::billing::facts::Sold;

use super::operation::new_id;
use crate::{App, Error};

/// Where the provider sends its events: a path of the dashboard's.
pub const WEBHOOK: &str = "/webhooks/stripe";

/// What has to be done at the provider for the catalogue to be there; nothing is changed.
///
/// # Errors
/// Where billing is off, or the provider can't be asked.
pub async fn plan(app: &App) -> Result<Vec<Change>, Error> {
    Ok(catalogue::plan(&app.billing()?.stripe, &wanted(app)).await?)
}

/// Does it. What was done before something failed is told, and done once.
///
/// # Errors
/// Where billing is off.
pub async fn apply(app: &App, changes: &[Change]) -> Result<Applied, Error> {
    let operation = howdah_billing::Operation::new(new_id(app), "catalogue");
    Ok(catalogue::apply(&app.billing()?.stripe, changes, operation).await)
}

fn wanted(app: &App) -> Wanted {
    let page = |path: &str| format!("{}{path}", app.config.dashboard_url);
    Wanted {
        products: products(&app.plans),
        portal: Portal { return_url: Some(page("/servers")), ..Portal::default() },
        endpoint: Some(page(WEBHOOK)),
    }
}

fn products(catalogue: &Plans) -> Vec<Product> {
    let plans = catalogue.iter().map(|it| (Sold::Plan(it.id.clone()), &it.name, &it.description, it.prices().collect()));
    let add_ons = catalogue.add_ons().map(|it| (Sold::AddOn(it.id.clone()), &it.name, &it.description, it.prices().collect()));
    plans
        .chain(add_ons)
        .map(|(sold, name, description, prices)| Product {
            sold,
            name: name.clone(),
            description: Some(description.clone()),
            prices,
            tax_code: None,
            tax_included: Some(true),
        })
        .collect()
}
