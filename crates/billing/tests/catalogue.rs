//! What has to be done for the catalogue to be at Stripe, by what is there.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use howdah_billing::API_VERSION;
use howdah_billing::catalogue::{Change, Known, KnownEndpoint, KnownPortal, KnownPrice, KnownProduct, Portal, Product, Wanted};
use howdah_billing::catalogue::{difference, lookup_key, product_id};
use howdah_billing::event::WANTED;
use howdah_domain::billing::facts::Sold;
use howdah_domain::money::Money;

const URL: &str = "https://howdah.example/webhooks/stripe";

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn small() -> Product {
    Product {
        sold: Sold::Plan("small".to_owned()),
        name: "Small".to_owned(),
        description: None,
        prices: vec![eur(900)],
        tax_code: None,
        tax_included: Some(true),
    }
}

fn wanted(products: Vec<Product>) -> Wanted {
    Wanted { products, portal: Portal::default(), endpoint: Some(URL.to_owned()) }
}

/// What is there when all of this was done.
fn done(wanted: &Wanted) -> Known {
    let product = |it: &Product| KnownProduct {
        id: product_id(&it.sold).unwrap(),
        sold: it.sold.clone(),
        name: it.name.clone(),
        description: it.description.clone(),
        tax_code: it.tax_code.clone(),
        active: true,
    };
    let prices = wanted.products.iter().flat_map(|it| it.prices.iter().map(move |price| (it, *price)));
    let price = |(it, amount): (&Product, Money)| {
        let product = product_id(&it.sold).unwrap();
        let lookup_key = Some(lookup_key(&product, amount));
        let id = format!("price_{}", amount.minor);
        KnownPrice { id, product, sold: it.sold.clone(), lookup_key, amount: Some(amount), tax_included: it.tax_included }
    };
    Known {
        products: wanted.products.iter().map(product).collect(),
        prices: prices.map(price).collect(),
        portal: Some(KnownPortal { id: "bpc_1".to_owned(), portal: wanted.portal.clone(), offers_ours: true }),
        endpoints: vec![endpoint("we_1")],
    }
}

fn endpoint(id: &str) -> KnownEndpoint {
    KnownEndpoint {
        id: id.to_owned(),
        url: URL.to_owned(),
        api_version: Some(API_VERSION.to_owned()),
        events: WANTED.iter().map(|it| (*it).to_owned()).collect(),
        enabled: true,
    }
}

#[test]
fn an_empty_account_gets_everything_in_order() {
    let wanted = wanted(vec![small()]);
    let changes = difference(&wanted, &Known::default());
    let said: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "create the product howdah_plan_small, `Small`",
            "create the price 9.00 EUR a month of howdah_plan_small",
            "create the portal",
            "create the webhook's endpoint https://howdah.example/webhooks/stripe",
        ]
    );
}

#[test]
fn what_is_done_is_not_done_again() {
    let add_on = Product { sold: Sold::AddOn("search".to_owned()), prices: vec![eur(300)], ..small() };
    let wanted = wanted(vec![small(), add_on]);
    assert_eq!(difference(&wanted, &done(&wanted)), []);
}

#[test]
fn a_price_that_changes_is_a_new_one_and_the_old_is_kept_by_whoever_has_it() {
    let known = done(&wanted(vec![small()]));
    let dearer = wanted(vec![Product { prices: vec![eur(1000)], ..small() }]);
    let changes = difference(&dearer, &known);
    let [Change::CreatePrice { amount, replaces, .. }, Change::ArchivePrice { id, .. }] = changes.as_slice() else {
        panic!("a new one and an archived one: {changes:?}")
    };
    assert_eq!((*amount, replaces.as_deref(), id.as_str()), (eur(1000), Some("price_900"), "price_900"));
    let without_tax = wanted(vec![Product { tax_included: Some(false), ..small() }]);
    assert!(matches!(difference(&without_tax, &known).as_slice(), [Change::CreatePrice { .. }, Change::ArchivePrice { .. }]));
}

#[test]
fn a_currency_more_is_a_price_more() {
    let known = done(&wanted(vec![small()]));
    let usd = Money::new(1000, "USD".parse().unwrap());
    let more = wanted(vec![Product { prices: vec![eur(900), usd], ..small() }]);
    assert!(matches!(difference(&more, &known).as_slice(), [Change::CreatePrice { amount, replaces: None, .. }] if *amount == usd));
}

#[test]
fn what_is_no_longer_sold_is_archived() {
    let known = done(&wanted(vec![small()]));
    let nothing = wanted(Vec::new());
    let changes = difference(&nothing, &known);
    assert!(matches!(changes.as_slice(), [Change::ArchivePrice { .. }, Change::ArchiveProduct { .. }]), "{changes:?}");
}

#[test]
fn what_somebody_changed_in_the_dashboard_is_changed_back() {
    let wanted = wanted(vec![Product { tax_code: Some("txcd_10103001".to_owned()), ..small() }]);
    let products: &[fn(&mut KnownProduct)] = &[
        |it| it.name = "Tiny".to_owned(),
        |it| it.description = Some("A server".to_owned()),
        |it| it.active = false,
        |it| it.tax_code = None,
        |it| it.sold = Sold::Unknown,
    ];
    for (position, change) in products.iter().enumerate() {
        let mut known = done(&wanted);
        change(&mut known.products[0]);
        assert!(matches!(difference(&wanted, &known).as_slice(), [Change::UpdateProduct { .. }]), "{position}");
    }
    let mut known = done(&wanted);
    known.portal.as_mut().unwrap().offers_ours = false;
    assert!(matches!(difference(&wanted, &known).as_slice(), [Change::UpdatePortal { .. }]));
    known = done(&wanted);
    known.prices[0].lookup_key = None;
    assert!(matches!(difference(&wanted, &known).as_slice(), [Change::CreatePrice { replaces: None, .. }, Change::ArchivePrice { .. }]));
}

#[test]
fn a_product_without_a_tax_code_keeps_what_the_account_gives_it() {
    let wanted = wanted(vec![small()]);
    let mut known = done(&wanted);
    known.products[0].tax_code = Some("txcd_1".to_owned());
    assert_eq!(difference(&wanted, &known), []);
}

#[test]
fn there_is_one_endpoint_of_our_version() {
    let wanted = wanted(Vec::new());
    let of = |endpoints: Vec<KnownEndpoint>| difference(&wanted, &Known { endpoints, ..done(&wanted) });
    let disabled = KnownEndpoint { enabled: false, ..endpoint("we_1") };
    let of_few_events = KnownEndpoint { events: ["invoice.paid".to_owned()].into(), ..endpoint("we_1") };
    let old = KnownEndpoint { api_version: Some("2020-08-27".to_owned()), ..endpoint("we_0") };
    let elsewhere = KnownEndpoint { url: "https://other.example/".to_owned(), ..endpoint("we_2") };
    assert_eq!(of(vec![endpoint("we_1"), elsewhere.clone()]), [], "what is of somebody else is left alone");
    assert!(matches!(of(vec![elsewhere]).as_slice(), [Change::CreateEndpoint { .. }]));
    assert!(matches!(of(vec![disabled]).as_slice(), [Change::UpdateEndpoint { .. }]));
    assert!(matches!(of(vec![of_few_events]).as_slice(), [Change::UpdateEndpoint { .. }]));
    let renewed = of(vec![old.clone()]);
    let [Change::CreateEndpoint { .. }, Change::DisableEndpoint { id }] = renewed.as_slice() else {
        panic!("a new one, and only then the old one off: {renewed:?}")
    };
    assert_eq!(id, "we_0");
    assert!(matches!(of(vec![endpoint("we_1"), old]).as_slice(), [Change::DisableEndpoint { .. }]));
    assert!(matches!(of(vec![endpoint("we_1"), endpoint("we_3")]).as_slice(), [Change::DisableEndpoint { id }] if id == "we_3"));
    let without = Wanted { endpoint: None, ..wanted.clone() };
    assert_eq!(difference(&without, &Known { endpoints: Vec::new(), ..done(&wanted) }), []);
}
