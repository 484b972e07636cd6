//! What has to be done for all that is wanted to be there: pure.

use std::collections::BTreeSet;

use super::{Change, Known, KnownEndpoint, KnownProduct, Product, Wanted, lookup_key, product_id, wanted_events};
use crate::API_VERSION;

/// In the order in which it can be done.
#[must_use]
pub fn difference(wanted: &Wanted, known: &Known) -> Vec<Change> {
    let mut changes = Vec::new();
    let sold: Vec<(String, &Product)> = wanted.products.iter().filter_map(|it| Some((product_id(&it.sold)?, it))).collect();
    for (id, product) in &sold {
        changes.extend(product_change(id, product, known.products.iter().find(|it| it.id == *id)));
    }
    prices(&sold, known, &mut changes);
    let ids: BTreeSet<&str> = sold.iter().map(|(id, _)| id.as_str()).collect();
    let gone = known.products.iter().filter(|it| it.active && !ids.contains(it.id.as_str()));
    changes.extend(gone.map(|it| Change::ArchiveProduct { id: it.id.clone() }));
    changes.extend(portal(wanted, known));
    if let Some(url) = &wanted.endpoint {
        endpoint(url, &known.endpoints, &mut changes);
    }
    changes
}

fn product_change(id: &str, wanted: &Product, known: Option<&KnownProduct>) -> Option<Change> {
    let Some(known) = known else {
        return Some(Change::CreateProduct { id: id.to_owned(), product: wanted.clone() });
    };
    // An account has a tax code of its own for what has none.
    let same_code = wanted.tax_code.is_none() || wanted.tax_code == known.tax_code;
    let same = known.active && known.name == wanted.name && known.description == wanted.description && known.sold == wanted.sold;
    (!same || !same_code).then(|| Change::UpdateProduct { id: id.to_owned(), product: wanted.clone() })
}

fn prices(sold: &[(String, &Product)], known: &Known, changes: &mut Vec<Change>) {
    let mut kept = BTreeSet::new();
    for (id, product) in sold {
        for &amount in &product.prices {
            let key = lookup_key(id, amount);
            let there = known.prices.iter().find(|it| it.lookup_key.as_deref() == Some(&key));
            // Stripe never takes back whether a price is with tax, once it was said.
            if let Some(there) = there
                && there.amount == Some(amount)
                && there.product == *id
                && there.sold == product.sold
                && (product.tax_included.is_none() || there.tax_included == product.tax_included)
            {
                kept.insert(there.id.as_str());
                continue;
            }
            changes.push(Change::CreatePrice {
                product: id.clone(),
                sold: product.sold.clone(),
                amount,
                tax_included: product.tax_included,
                replaces: there.map(|it| it.id.clone()),
            });
        }
    }
    let old = known.prices.iter().filter(|it| !kept.contains(it.id.as_str()));
    changes.extend(old.map(|it| Change::ArchivePrice { id: it.id.clone(), lookup_key: it.lookup_key.clone() }));
}

fn portal(wanted: &Wanted, known: &Known) -> Option<Change> {
    match &known.portal {
        None => Some(Change::CreatePortal(wanted.portal.clone())),
        Some(there) if there.offers_ours && there.portal == wanted.portal => None,
        Some(there) => Some(Change::UpdatePortal { id: there.id.clone(), portal: wanted.portal.clone() }),
    }
}

/// The version that an endpoint speaks is said once, when it is made. The new one comes before the old one goes: an event without
/// an endpoint is told to nobody, and counts as delivered.
fn endpoint(url: &str, known: &[KnownEndpoint], changes: &mut Vec<Change>) {
    let ours: Vec<&KnownEndpoint> = known.iter().filter(|it| it.url == url).collect();
    let (current, old): (Vec<_>, Vec<_>) = ours.into_iter().partition(|it| it.api_version.as_deref() == Some(API_VERSION));
    match current.first() {
        None => changes.push(Change::CreateEndpoint { url: url.to_owned() }),
        Some(there) if there.enabled && there.events == wanted_events() => {}
        Some(there) => changes.push(Change::UpdateEndpoint { id: there.id.clone(), url: url.to_owned() }),
    }
    let doubled = current.into_iter().skip(1).chain(old).filter(|it| it.enabled);
    changes.extend(doubled.map(|it| Change::DisableEndpoint { id: it.id.clone() }));
}
