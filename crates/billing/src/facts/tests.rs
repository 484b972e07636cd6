//! Stripe's objects, as it documents them, and what is made of them.

use chrono::{DateTime, Utc};
use howdah_domain::billing::facts::{Collection, Invoice, InvoiceStatus, Period, Sold, Subscription, SubscriptionStatus};
use howdah_domain::money::Money;
use serde_json::{Value, json};

use crate::BillingError;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn subscription_json() -> Value {
    json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "collection_method": "charge_automatically",
        "days_until_due": null, "currency": "eur", "created": 1000, "trial_end": null, "cancel_at": null, "cancel_at_period_end": false,
        "ended_at": null, "metadata": {"howdah_instance": "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d"},
        "items": {"object": "list", "has_more": false, "data": [
            item_json("si_1", json!({"howdah_plan": "small"}), 900),
            item_json("si_2", json!({"howdah_add_on": "search"}), 300),
        ]},
    })
}

fn item_json(id: &str, metadata: Value, unit: i64) -> Value {
    json!({
        "id": id, "object": "subscription_item", "current_period_start": 2000, "current_period_end": 3000, "quantity": 2,
        "price": {"id": "price_1", "product": "prod_1", "currency": "eur", "unit_amount": unit, "metadata": metadata,
                  "recurring": {"interval": "month", "interval_count": 1}},
    })
}

fn subscription(json: Value) -> Result<Subscription, BillingError> {
    let theirs: crate::objects::Subscription = serde_json::from_value(json).unwrap();
    super::subscription(&theirs, &theirs.items.data)
}

fn with(mut json: Value, pointer: &str, value: Value) -> Value {
    *json.pointer_mut(pointer).unwrap() = value;
    json
}

#[test]
fn a_subscription_is_read() {
    let read = subscription(subscription_json()).unwrap();
    assert_eq!((read.id.as_str(), read.customer.as_str()), ("sub_1", "cus_1"));
    assert_eq!(read.instance, "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d".parse().ok());
    assert_eq!((read.status, read.collection), (SubscriptionStatus::Active, Collection::Automatic));
    assert_eq!((read.created, read.period), (at(1000), Period { start: at(2000), end: at(3000) }));
    assert_eq!((read.trial_end, read.cancel_at, read.ended_at), (None, None, None));
    let items: Vec<(&str, &Sold, Money, u32)> = read.items.iter().map(|it| (it.id.as_str(), &it.sold, it.unit, it.quantity)).collect();
    let (small, search) = (Sold::Plan("small".to_owned()), Sold::AddOn("search".to_owned()));
    assert_eq!(items, [("si_1", &small, eur(900), 2), ("si_2", &search, eur(300), 2)]);
}

#[test]
fn every_state_of_stripes_is_one_of_ours_and_no_other_is() {
    use SubscriptionStatus as S;
    for (theirs, ours) in [
        ("incomplete", S::Incomplete),
        ("incomplete_expired", S::IncompleteExpired),
        ("trialing", S::Trialing),
        ("active", S::Active),
        ("past_due", S::PastDue),
        ("unpaid", S::Unpaid),
        ("canceled", S::Canceled),
        ("paused", S::Paused),
    ] {
        assert_eq!(subscription(with(subscription_json(), "/status", json!(theirs))).unwrap().status, ours);
    }
    for unknown in ["", "Active", "hibernating"] {
        let error = subscription(with(subscription_json(), "/status", json!(unknown))).unwrap_err();
        assert!(matches!(&error, BillingError::Unreadable(it) if it.contains("sub_1")), "{error}");
    }
}

#[test]
fn when_it_ends_is_known_however_it_was_said() {
    let at_period_end = with(subscription_json(), "/cancel_at_period_end", json!(true));
    assert_eq!(subscription(at_period_end.clone()).unwrap().cancel_at, Some(at(3000)));
    assert_eq!(subscription(with(at_period_end, "/cancel_at", json!(2500))).unwrap().cancel_at, Some(at(2500)));
    assert!(subscription(with(subscription_json(), "/ended_at", json!(i64::MAX))).is_err(), "no time");
}

#[test]
fn ways_to_pay() {
    let sent = with(subscription_json(), "/collection_method", json!("send_invoice"));
    let in_30_days = with(sent, "/days_until_due", json!(30));
    assert_eq!(subscription(in_30_days).unwrap().collection, Collection::ByInvoice { days_until_due: 30 });
    assert!(subscription(with(subscription_json(), "/collection_method", json!("barter"))).is_err());
}

#[test]
fn a_price_is_of_one_month() {
    for (interval, count, unit, expected) in
        [("month", 1, json!(900), 900), ("year", 1, json!(12_000), 1000), ("month", 3, json!(2700), 900), ("month", 1, json!(null), 0)]
    {
        let price = json!({"id": "price_1", "product": {"id": "prod_1"}, "currency": "eur", "unit_amount": unit, "metadata": {},
                           "recurring": {"interval": interval, "interval_count": count}});
        let read = subscription(with(subscription_json(), "/items/data/0/price", price)).unwrap();
        assert_eq!((read.items[0].unit, &read.items[0].sold), (eur(expected), &Sold::Unknown), "{interval} {count}");
    }
}

#[test]
fn one_of_somebody_elses_is_read_too() {
    let expanded = with(subscription_json(), "/customer", json!({"id": "cus_2", "object": "customer", "email": "ana@example.org"}));
    assert_eq!(subscription(expanded).unwrap().customer, "cus_2");
    assert_eq!(subscription(with(subscription_json(), "/metadata", json!(null))).unwrap().instance, None);
    let empty = subscription(with(subscription_json(), "/items/data", json!([]))).unwrap();
    assert_eq!(empty.period, Period { start: at(1000), end: at(1000) });
}

fn invoice_json() -> Value {
    json!({
        "id": "in_1", "object": "invoice", "number": "A-0001", "customer": "cus_1", "status": "open", "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically", "created": 1000, "due_date": null, "status_transitions": {"finalized_at": 4600},
        "currency": "eur", "total": 1071, "total_taxes": [{"amount": 160}, {"amount": 11}], "amount_due": 1071, "amount_remaining": 1071,
        "attempt_count": 2, "next_payment_attempt": 9000, "hosted_invoice_url": "https://invoice.stripe.com/i/x", "invoice_pdf": null,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
        "lines": {"object": "list", "has_more": false, "data": [
            {"id": "il_1", "description": "Small", "amount": 900, "currency": "eur", "quantity": 1, "period": {"start": 2000, "end": 3000},
             "parent": {"subscription_item_details": {"proration": false, "subscription_item": "si_1"}, "invoice_item_details": null}},
            {"id": "il_2", "description": null, "amount": -50, "currency": "eur", "quantity": null, "period": {"start": 2000, "end": 3000},
             "parent": {"subscription_item_details": null, "invoice_item_details": {"proration": true, "invoice_item": "ii_1"}}},
        ]},
    })
}

fn invoice(json: Value) -> Result<Invoice, BillingError> {
    let theirs: crate::objects::Invoice = serde_json::from_value(json).unwrap();
    super::invoice(&theirs, &theirs.lines.data)
}

#[test]
fn an_invoice_is_read() {
    let read = invoice(invoice_json()).unwrap();
    assert_eq!((read.id.as_str(), read.number.as_deref(), read.customer.as_str()), ("in_1", Some("A-0001"), "cus_1"));
    assert_eq!((read.subscription.as_deref(), read.status), (Some("sub_1"), InvoiceStatus::Open));
    assert_eq!((read.total, read.tax, read.remaining), (eur(1071), eur(171), eur(1071)));
    assert_eq!((read.attempts, read.next_attempt, read.due), (2, Some(at(9000)), None));
    assert_eq!((read.page.as_deref(), read.pdf), (Some("https://invoice.stripe.com/i/x"), None));
    let lines: Vec<(&str, Money, Option<u32>, bool)> =
        read.lines.iter().map(|it| (it.description.as_str(), it.amount, it.quantity, it.is_proration)).collect();
    assert_eq!(lines, [("Small", eur(900), Some(1), false), ("", eur(-50), None, true)]);
}

#[test]
fn every_state_of_an_invoice() {
    use InvoiceStatus as S;
    for (theirs, ours) in
        [("draft", S::Draft), ("open", S::Open), ("paid", S::Paid), ("uncollectible", S::Uncollectible), ("void", S::Void)]
    {
        assert_eq!(invoice(with(invoice_json(), "/status", json!(theirs))).unwrap().status, ours);
    }
    assert_eq!(invoice(with(invoice_json(), "/status", json!(null))).unwrap().status, S::Draft, "a preview");
    assert!(invoice(with(invoice_json(), "/status", json!("deleted"))).is_err());
}

#[test]
fn days_to_pay_begin_when_an_invoice_is_sent() {
    let sent = with(invoice_json(), "/collection_method", json!("send_invoice"));
    let due = with(sent, "/due_date", json!(4600 + 14 * 86_400));
    assert_eq!(invoice(due).unwrap().collection, Collection::ByInvoice { days_until_due: 14 });
}

#[test]
fn an_invoice_without_a_subscription_or_taxes() {
    let bare = with(with(invoice_json(), "/parent", json!(null)), "/total_taxes", json!(null));
    let read = invoice(bare).unwrap();
    assert_eq!((read.subscription, read.tax), (None, eur(0)));
    assert!(invoice(with(invoice_json(), "/customer", json!(null))).is_err());
    assert!(invoice(with(invoice_json(), "/currency", json!("€"))).is_err());
}
