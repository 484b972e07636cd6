//! What goes over the wire, against a server that answers what it is told to.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod support;

use std::time::{Duration, Instant};

use howdah_billing::{BillingError, Operation, customer, events, invoice, portal, subscription};
use howdah_domain::AccountId;
use support::{REPLAYED, Server, empty_list, ok};
use uuid::Uuid;

const ACCOUNT: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";

fn operation() -> Operation {
    Operation::new("0192f0c1-2d3e-7a4b-8c5d-000000000001".parse().unwrap(), "customer")
}

fn account() -> AccountId {
    ACCOUNT.parse().unwrap()
}

#[tokio::test]
async fn what_changes_something_has_a_key_and_the_operation() {
    let server = Server::answering(&[empty_list(), ok(r#"{"id": "cus_1"}"#)]).await;
    let made = customer::ensure(&server.stripe, account(), "ana@example.org", "Ana", operation()).await.unwrap();
    assert_eq!(made.id, "cus_1");
    let requests = server.requests();
    // The time in the operation's id, an hour taken off.
    assert!(requests[0].starts_with("GET /v1/customers?created[gte]=1730612444&limit=100 HTTP/1.1\r\n"), "{}", requests[0]);
    let head = requests[1].to_lowercase();
    for header in [
        "post /v1/customers http/1.1\r\n",
        "\r\nidempotency-key: 0192f0c1-2d3e-7a4b-8c5d-000000000001:customer\r\n",
        "\r\nstripe-version: 2026-09-30.endive\r\n",
        "\r\nstripe-account: acct_1\r\n",
        "\r\nauthorization: bearer sk_test_secret\r\n",
        "\r\ncontent-type: application/x-www-form-urlencoded\r\n",
    ] {
        assert!(head.contains(header), "{header:?} is in {head}");
    }
    let metadata = format!("metadata[howdah_account]={ACCOUNT}");
    assert!(requests[1].contains(&metadata), "{}", requests[1]);
    assert!(requests[1].contains("metadata[howdah_operation]=0192f0c1-2d3e-7a4b-8c5d-000000000001"), "{}", requests[1]);
}

#[tokio::test]
async fn what_an_operation_made_is_found_on_whichever_page() {
    let of = |id: &str, operation: &str| {
        format!(r#"{{"id": "{id}", "metadata": {{"howdah_account": "{ACCOUNT}", "howdah_operation": "{operation}"}}}}"#)
    };
    let page = |customer: String, more: bool| ok(&format!(r#"{{"data": [{customer}], "has_more": {more}}}"#));
    let ours = of("cus_2", &operation().id().to_string());
    let server = Server::answering(&[page(of("cus_1", ACCOUNT), true), page(ours, false)]).await;
    let found = customer::ensure(&server.stripe, account(), "ana@example.org", "Ana", operation()).await.unwrap();
    assert_eq!(found.id, "cus_2");
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "nothing was made");
    assert!(requests[1].contains("&starting_after=cus_1 HTTP/1.1"), "{}", requests[1]);
}

#[tokio::test]
async fn a_failure_is_not_tried_again_here() {
    for status in [500, 503, 429, 409] {
        let server = Server::answering(&[(status, String::new()), ok(r#"{"id": "cus_1"}"#)]).await;
        let error = customer::get(&server.stripe, "cus_1").await.unwrap_err();
        assert!(error.passes(), "{status}: {error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_failure_that_stripe_keeps_needs_another_attempt() {
    let server = Server::answering(&[(500, REPLAYED.to_owned()), ok(r#"{"id": "cus_1"}"#)]).await;
    let update = |attempt| customer::update(&server.stripe, "cus_1", "ana@example.org", "Ana", operation().attempt(attempt));
    let error = update(0).await.unwrap_err();
    assert!(matches!(error, BillingError::Kept { status: 500, .. }) && !error.passes(), "{error}");
    update(1).await.unwrap();
    let keys: Vec<bool> = server.requests().iter().map(|it| it.contains("000000000001:customer:1\r\n")).collect();
    assert_eq!(keys, [false, true]);
}

#[tokio::test]
async fn more_than_an_endpoint_may_be_asked_waits() {
    let answers = vec![ok(r#"{"id": "cus_1"}"#); 30];
    let server = Server::answering(&answers).await;
    let started = Instant::now();
    for _ in 0..30 {
        customer::get(&server.stripe, "cus_1").await.unwrap();
    }
    // 25 at once, and then one every 40 ms.
    assert!(started.elapsed() >= Duration::from_millis(160), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_payment_that_has_to_be_confirmed_is_told_from_one_that_is_declined() {
    let card = |code: &str| (402, format!(r#"{{"error": {{"type": "card_error", "code": "{code}", "message": "No."}}}}"#));
    let server = Server::answering(&[card("card_declined"), card("authentication_required")]).await;
    let pay = || invoice::pay(&server.stripe, "in_1", operation());
    assert!(!pay().await.unwrap_err().needs_confirmation());
    assert!(pay().await.unwrap_err().needs_confirmation());
}

#[tokio::test]
async fn a_connection_that_ends_is_stripe_out_of_reach() {
    let server = Server::answering(&[]).await;
    let error = customer::get(&server.stripe, "cus_1").await.unwrap_err();
    assert!(matches!(&error, BillingError::Unreachable { status: None, .. }), "{error}");
    assert!(!format!("{error:?}").contains("sk_test_secret"));
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_kept() {
    let server = Server::answering(&[ok(&" ".repeat(17 * 1024 * 1024))]).await;
    let error = customer::get(&server.stripe, "cus_1").await.unwrap_err();
    assert!(matches!(&error, BillingError::Unreadable(it) if it.contains("16 MiB")), "{error}");
}

#[tokio::test]
async fn what_cant_be_read_says_what_is_missing() {
    let server = Server::answering(&[ok(r#"{"data": [{"id": "sub_1", "customer": "cus_1"}]}"#)]).await;
    let error = subscription::of_customer(&server.stripe, "cus_1").await.unwrap_err();
    assert_eq!(error.to_string(), "what Stripe answered can't be read: sub_1: missing field `status`");
    assert!(!error.passes());
}

#[tokio::test]
async fn an_id_is_never_a_path() {
    let server = Server::answering(&[]).await;
    for id in ["", "..", "sub_1/../../events", "sub_1?expand[]=x", "sub 1"] {
        let error = subscription::get(&server.stripe, id).await.unwrap_err();
        assert!(matches!(error, BillingError::NotAnId { .. }), "{id}");
    }
    assert_eq!(server.requests(), Vec::<String>::new(), "nothing was sent");
}

#[tokio::test]
async fn a_deleted_customer_is_missing() {
    let server = Server::answering(&[ok(r#"{"id": "cus_1", "object": "customer", "deleted": true}"#)]).await;
    let error = customer::get(&server.stripe, "cus_1").await.unwrap_err();
    assert!(matches!(error, BillingError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn the_portal_is_ours_or_none() {
    let theirs = r#"{"id": "bpc_1", "business_profile": {}, "metadata": {},
        "features": {"customer_update": {"enabled": true}, "invoice_history": {"enabled": true}, "payment_method_update": {"enabled": true},
                     "subscription_cancel": {"enabled": true}, "subscription_update": {"enabled": true}}}"#;
    let ours = theirs.replace("bpc_1", "bpc_2").replace(r#""metadata": {}"#, r#""metadata": {"howdah_portal": "1"}"#);
    let list = |of: &str| ok(&format!(r#"{{"data": [{of}]}}"#));
    let session = || ok(r#"{"url": "https://billing.stripe.com/p/session/x"}"#);
    let both = format!("{theirs}, {ours}");
    let server = Server::answering(&[list(theirs), list(&both), session(), session()]).await;
    let open = || portal::open(&server.stripe, "cus_1", "https://howdah.example/", operation());
    assert!(matches!(open().await.unwrap_err(), BillingError::Missing { .. }), "none of ours is there");
    assert_eq!(open().await.unwrap(), "https://billing.stripe.com/p/session/x");
    open().await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 4, "it is looked for once, when it is there");
    assert!(requests[3].contains("configuration=bpc_2"), "{}", requests[3]);
}

#[tokio::test]
async fn what_was_not_delivered_comes_in_its_order() {
    let event = |id: &str, kind: &str| {
        format!(r#"{{"id": "{id}", "object": "event", "type": "{kind}", "created": 1, "livemode": false, "data": {{"object": {{}}}}}}"#)
    };
    let page = |events: &[String], more: bool| ok(&format!(r#"{{"data": [{}], "has_more": {more}}}"#, events.join(",")));
    let first = page(&[event("evt_3", "invoice.paid"), event("evt_x", "plan.created")], true);
    let second = page(&[event("evt_2", "invoice.created"), event("evt_1", "customer.updated")], false);
    let server = Server::answering(&[first, second]).await;
    let found = events::undelivered(&server.stripe, chrono::DateTime::from_timestamp(1000, 0).unwrap()).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|it| it.event_id.as_str()).collect();
    assert_eq!(ids, ["evt_1", "evt_2", "evt_3"], "the oldest first, without what nobody asked for");
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /v1/events?"), "{}", requests[0]);
    assert!(requests[0].contains("delivery_success=false") && requests[0].contains("created[gte]=1000"), "{}", requests[0]);
    assert!(requests[1].contains("&starting_after=evt_x "), "{}", requests[1]);
}

#[tokio::test]
async fn what_ends_has_no_next_invoice() {
    let none = r#"{"error": {"type": "invalid_request_error", "code": "invoice_upcoming_none", "message": "No upcoming invoices"}}"#;
    let gone = r#"{"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such subscription: 'sub_1'"}}"#;
    let server = Server::answering(&[(404, none.to_owned()), (404, gone.to_owned())]).await;
    assert_eq!(invoice::preview_next(&server.stripe, "sub_1").await.unwrap(), None);
    let error = invoice::preview_next(&server.stripe, "sub_1").await.unwrap_err();
    assert!(matches!(error, BillingError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn a_cancelled_subscription_is_cancelled_once() {
    let missing = r#"{"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such subscription: 'sub_1'"}}"#;
    let ended = r#"{"id": "sub_1", "customer": "cus_1", "status": "canceled", "collection_method": "charge_automatically",
        "currency": "eur", "created": 1, "ended_at": 2, "items": {"data": []}}"#;
    let server = Server::answering(&[(404, missing.to_owned()), ok(ended)]).await;
    let cancelled = subscription::cancel_now(&server.stripe, "sub_1").await.unwrap();
    assert_eq!(cancelled.ended_at, chrono::DateTime::from_timestamp(2, 0));
    assert!(server.requests()[0].starts_with("DELETE /v1/subscriptions/sub_1 "), "{}", server.requests()[0]);
}

#[test]
fn keys_are_of_an_operation_and_its_step() {
    let id = Uuid::from_u128(7);
    assert_eq!(Operation::new(id, "checkout").to_string(), format!("{id}:checkout"));
    assert_ne!(Operation::new(id, "checkout"), Operation::new(id, "customer"));
}
