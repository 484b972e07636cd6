//! What Stripe is asked for, by what somebody wants.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod support;

use chrono::{DateTime, Utc};
use howdah_billing::catalogue::{self, Change as CatalogueChange};
use howdah_billing::checkout::{self, CheckoutStatus, NewCheckout, Trial};
use howdah_billing::customer::Address;
use howdah_billing::invoice::{self, NewInvoiceItem};
use howdah_billing::subscription::{self, Change, NewByInvoice, NewItem, Proration};
use howdah_billing::{BillingError, Operation};
use howdah_domain::InstanceId;
use howdah_domain::billing::facts::Period;
use howdah_domain::money::Money;
use secrecy::ExposeSecret;
use support::{Server, empty_list, ok};
use uuid::Uuid;

const SUBSCRIPTION: &str = r#"{"id": "sub_1", "customer": "cus_1", "status": "active", "collection_method": "charge_automatically",
    "currency": "eur", "created": 1, "items": {"data": []}}"#;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn operation() -> Operation {
    Operation::new(Uuid::from_u128(7), "step")
}

fn instance() -> InstanceId {
    InstanceId::from_uuid(Uuid::from_u128(9))
}

/// The parameters of a request, decoded, as they were sent.
fn form(request: &str) -> Vec<(String, String)> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    url::form_urlencoded::parse(body.as_bytes()).map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

fn value<'a>(form: &'a [(String, String)], key: &str) -> Option<&'a str> {
    form.iter().find(|it| it.0 == key).map(|it| it.1.as_str())
}

fn session(operation: Operation, status: &str) -> String {
    format!(
        r#"{{"id": "cs_1", "url": "https://checkout.stripe.com/c/1", "status": "{status}", "expires_at": 5000, "customer": "cus_1",
            "metadata": {{"howdah_instance": "{}", "howdah_operation": "{}"}}}}"#,
        instance(),
        operation.id()
    )
}

fn new_checkout(trial: Option<Trial>) -> NewCheckout {
    NewCheckout {
        customer: "cus_1".to_owned(),
        instance: instance(),
        items: vec![NewItem { price: "price_1".to_owned(), quantity: 1 }],
        description: "birds.example".to_owned(),
        trial,
        success_url: "https://howdah.example/paid".to_owned(),
        cancel_url: "https://howdah.example/".to_owned(),
        expires_at: at(5000),
        automatic_tax: false,
        allow_promotion_codes: false,
        tax_id_collection: false,
    }
}

#[tokio::test]
async fn a_checkout_and_its_subscription_know_whose_they_are() {
    let server = Server::answering(&[empty_list(), ok(&session(operation(), "open"))]).await;
    let opened = checkout::open(&server.stripe, &new_checkout(None), operation()).await.unwrap();
    assert_eq!((opened.status, opened.instance, opened.operation), (CheckoutStatus::Open, Some(instance()), Some(operation().id())));
    let form = form(&server.requests()[1]);
    for prefix in ["metadata", "subscription_data[metadata]"] {
        assert_eq!(value(&form, &format!("{prefix}[howdah_instance]")), Some(instance().to_string().as_str()));
        assert_eq!(value(&form, &format!("{prefix}[howdah_operation]")), Some(operation().id().to_string().as_str()));
    }
    assert_eq!((value(&form, "mode"), value(&form, "expires_at")), (Some("subscription"), Some("5000")));
    assert_eq!(value(&form, "payment_method_collection"), None);
    assert_eq!(value(&form, "customer_update[address]"), None, "an address is kept where taxes need it");
}

#[tokio::test]
async fn a_trial_asks_for_a_card_or_not() {
    for (card, collection, without) in [(true, None, None), (false, Some("if_required"), Some("pause"))] {
        let server = Server::answering(&[empty_list(), ok(&session(operation(), "open"))]).await;
        let new = NewCheckout { automatic_tax: true, ..new_checkout(Some(Trial { days: 14, card })) };
        checkout::open(&server.stripe, &new, operation()).await.unwrap();
        let form = form(&server.requests()[1]);
        assert_eq!(value(&form, "subscription_data[trial_period_days]"), Some("14"));
        assert_eq!(value(&form, "payment_method_collection"), collection);
        assert_eq!(value(&form, "subscription_data[trial_settings][end_behavior][missing_payment_method]"), without);
        assert_eq!(value(&form, "customer_update[address]"), Some("auto"));
    }
}

#[tokio::test]
async fn a_checkout_is_opened_once() {
    let list =
        format!(r#"{{"data": [{}, {}]}}"#, session(Operation::new(Uuid::from_u128(8), "step"), "open"), session(operation(), "expired"));
    let server = Server::answering(&[ok(&list)]).await;
    let found = checkout::open(&server.stripe, &new_checkout(None), operation()).await.unwrap();
    assert_eq!((found.status, found.operation), (CheckoutStatus::Expired, Some(operation().id())));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_checkout_that_is_over_is_not_expired_again() {
    let refused = (400, r#"{"error": {"type": "invalid_request_error", "message": "Only Checkout Sessions that are open"}}"#.to_owned());
    let server =
        Server::answering(&[refused.clone(), ok(&session(operation(), "complete")), refused, ok(&session(operation(), "open"))]).await;
    let over = checkout::expire(&server.stripe, "cs_1", operation()).await.unwrap();
    assert_eq!(over.status, CheckoutStatus::Complete, "paid in the meantime");
    assert!(matches!(checkout::expire(&server.stripe, "cs_1", operation()).await.unwrap_err(), BillingError::Refused { .. }));
}

#[tokio::test]
async fn a_change_is_as_it_was_previewed_or_not_at_all() {
    let invoice = r#"{"id": "upcoming_in_1", "customer": "cus_1", "collection_method": "charge_automatically", "created": 1,
        "currency": "eur", "total": -120, "amount_due": 0, "amount_remaining": 0, "lines": {"data": []}}"#;
    let server = Server::answering(&[ok(invoice), ok(invoice), ok(SUBSCRIPTION)]).await;
    let changes = [
        Change::Set { item: "si_1".to_owned(), to: NewItem { price: "price_2".to_owned(), quantity: 1 } },
        Change::Remove { item: "si_2".to_owned() },
        Change::Add(NewItem { price: "price_3".to_owned(), quantity: 2 }),
    ];
    let proration = Proration::Now { as_of: at(3000) };
    let preview = subscription::preview_change(&server.stripe, "sub_1", &changes, proration).await.unwrap();
    assert_eq!((preview.total_now.minor, preview.due_now.minor), (-120, 0), "a credit");
    subscription::change(&server.stripe, "sub_1", &changes, proration, operation()).await.unwrap();
    let [renewal, previewed, changed] = <[String; 3]>::try_from(server.requests()).unwrap().map(|it| form(&it));
    assert_eq!(value(&renewal, "subscription_details[proration_behavior]"), Some("none"));
    for (form, prefix) in [(&previewed, "subscription_details"), (&changed, "")] {
        let key = |it: &str| match it.split_once('[') {
            _ if prefix.is_empty() => it.to_owned(),
            Some((first, rest)) => format!("{prefix}[{first}][{rest}"),
            None => format!("{prefix}[{it}]"),
        };
        for (name, expected) in [
            ("items[0][id]", "si_1"),
            ("items[0][price]", "price_2"),
            ("items[1][id]", "si_2"),
            ("items[1][deleted]", "true"),
            ("items[2][price]", "price_3"),
            ("items[2][quantity]", "2"),
            ("proration_behavior", "always_invoice"),
            ("proration_date", "3000"),
        ] {
            assert_eq!(value(form, &key(name)), Some(expected), "{}", key(name));
        }
    }
    assert_eq!(value(&changed, "payment_behavior"), Some("error_if_incomplete"));
}

#[tokio::test]
async fn a_subscription_by_invoice_says_what_its_buyer_needs() {
    let server = Server::answering(&[empty_list(), ok(r#"{"id": "cus_1"}"#), ok(SUBSCRIPTION)]).await;
    let new = NewByInvoice {
        customer: "cus_1".to_owned(),
        instance: instance(),
        items: vec![NewItem { price: "price_1".to_owned(), quantity: 1 }],
        description: "birds.example".to_owned(),
        days_until_due: 30,
        order_number: Some("4711/B".to_owned()),
        address: Address {
            line1: "Hauptstraße 1".to_owned(),
            line2: None,
            postal_code: Some("10115".to_owned()),
            city: "Berlin".to_owned(),
            state: None,
            country: "DE".to_owned(),
        },
        automatic_tax: false,
    };
    assert!(!format!("{new:?}").contains("Hauptstraße"), "an address is not for logs");
    subscription::create_by_invoice(&server.stripe, &new, operation()).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /v1/subscriptions?") && requests[0].contains("status=all"), "{}", requests[0]);
    assert_eq!(value(&form(&requests[1]), "address[line1]"), Some("Hauptstraße 1"));
    let form = form(&requests[2]);
    for (key, expected) in [
        ("collection_method", "send_invoice"),
        ("days_until_due", "30"),
        ("invoice_settings[custom_fields][0][value]", "4711/B"),
        ("metadata[howdah_operation]", &operation().id().to_string()),
    ] {
        assert_eq!(value(&form, key), Some(expected), "{key}");
    }
}

#[tokio::test]
async fn what_was_used_is_put_on_a_draft_once() {
    let new = NewInvoiceItem {
        customer: "cus_1".to_owned(),
        subscription: "sub_1".to_owned(),
        invoice: Some("in_1".to_owned()),
        amount: Money::new(150, "EUR".parse().unwrap()),
        description: "Own media, 12 GB".to_owned(),
        period: Period { start: at(1000), end: at(2000) },
    };
    let there = format!(r#"{{"data": [{{"id": "ii_1", "metadata": {{"howdah_operation": "{}"}}}}]}}"#, operation().id());
    let server = Server::answering(&[empty_list(), ok(r#"{"id": "ii_1"}"#), ok(&there)]).await;
    for _ in 0..2 {
        assert_eq!(invoice::add_item(&server.stripe, &new, operation()).await.unwrap(), "ii_1");
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 3, "found, the second time");
    assert!(requests[0].starts_with("GET /v1/invoiceitems?invoice=in_1&"), "{}", requests[0]);
    let form = form(&requests[1]);
    for (key, expected) in [("amount", "150"), ("currency", "eur"), ("invoice", "in_1"), ("period[start]", "1000"), ("period[end]", "2000")]
    {
        assert_eq!(value(&form, key), Some(expected), "{key}");
    }
}

#[tokio::test]
async fn the_secret_of_an_endpoint_is_not_lost_with_what_fails_after_it() {
    let made = r#"{"id": "we_2", "url": "https://howdah.example/", "enabled_events": [], "status": "enabled", "secret": "whsec_new"}"#;
    let server = Server::answering(&[ok(made), (500, String::new())]).await;
    let changes = [
        CatalogueChange::CreateEndpoint { url: "https://howdah.example/".to_owned() },
        CatalogueChange::DisableEndpoint { id: "we_1".to_owned() },
    ];
    let applied = catalogue::apply(&server.stripe, &changes, operation()).await;
    assert!(!format!("{applied:?}").contains("whsec_new"));
    assert!(applied.outcome.unwrap_err().passes());
    assert_eq!(applied.endpoint_secret.unwrap().expose_secret(), "whsec_new");
    let requests = server.requests();
    assert_eq!(value(&form(&requests[0]), "api_version"), Some(howdah_billing::API_VERSION));
    for (number, request) in requests.iter().enumerate() {
        assert!(request.contains(&format!("{}:step:{number}\r\n", operation().id())), "a key of its own: {request}");
    }
}
