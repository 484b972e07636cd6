//! `POST /webhooks/stripe`: what is signed is stored once, and nothing else at all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use howdah_app::billing::{Billing, WEBHOOK};
use howdah_db::models::billing::BillingEvent;
use howdah_domain::{Clock as _, SystemClock};
use howdah_testkit::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use support::billing::{SECRET, away};
use support::{Answer, Server, settings};

/// The machine's time: signatures keep it.
fn machine() -> i64 {
    SystemClock.now().timestamp()
}

/// As Stripe documents it: HMAC-SHA256 of `<t>.<body>`.
fn signed(secret: &str, at: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

fn event(id: &str) -> Value {
    json!({
        "id": id, "object": "event", "type": "invoice.paid", "created": machine(), "livemode": false,
        "api_version": "2026-09-30.endive", "data": {"object": {"id": "in_1", "object": "invoice", "customer": "cus_1"}},
    })
}

async fn told(server: &Server, body: &str, signature: &str) -> Answer {
    let request = server.request(Method::POST, WEBHOOK).header("Stripe-Signature", signature).body(body.to_owned());
    server.send(request).await
}

async fn kept(test: &TestApp, id: &str) -> bool {
    BillingEvent::by_id(&mut *test.database.conn().await, id).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_is_stored_once_and_answered() {
    let mut test = TestApp::new().await;
    test.app.billing = Some(Arc::new(away()));
    let server = Server::of(test.app.clone(), &settings());
    let body = event("evt_1").to_string();
    let first = told(&server, &body, &signed(SECRET, machine(), &body)).await;
    assert_eq!((first.status, first.text.as_str()), (200, ""));
    assert!(kept(&test, "evt_1").await);
    told(&server, &body, &signed(SECRET, machine(), &body)).await.is(200);
    let unhandled = BillingEvent::unhandled(&mut *test.database.conn().await, 10).await.unwrap();
    assert_eq!(unhandled.len(), 1, "sent twice, it is there once");
    // No page, so neither a cookie nor an origin is asked for, and none is given.
    assert!(first.header("set-cookie").is_none());
    server.send(server.request(Method::GET, WEBHOOK)).await.is_problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_stale_too_large_or_of_others_leaves_nothing() {
    let mut test = TestApp::new().await;
    test.app.billing = Some(Arc::new(away()));
    let server = Server::of(test.app.clone(), &settings());
    let body = event("evt_2").to_string();
    let of_others = {
        let mut event = event("evt_2");
        event["account"] = json!("acct_other");
        event.to_string()
    };
    let live = body.replace("\"livemode\":false", "\"livemode\":true");
    let table = [
        (&body, signed("whsec_other", machine(), &body), "signature_forged"),
        (&body, signed(SECRET, machine(), "another body"), "signature_forged"),
        (&body, signed(SECRET, machine() - 301, &body), "signature_stale"),
        (&body, signed(SECRET, machine() + 330, &body), "signature_stale"),
        (&body, String::new(), "signature_malformed"),
        (&body, "t=now,v1=00".to_owned(), "signature_malformed"),
        (&of_others, signed(SECRET, machine(), &of_others), "event_foreign"),
        (&live, signed(SECRET, machine(), &live), "event_foreign"),
    ];
    for (body, signature, reason) in table {
        told(&server, body, &signature).await.is_problem(400, reason);
    }
    let nothing = "no event";
    told(&server, nothing, &signed(SECRET, machine(), nothing)).await.is_problem(400, "event_unreadable");
    let large = format!("{body}{}", " ".repeat(1024 * 1024));
    told(&server, &large, &signed(SECRET, machine(), &large)).await.is_problem(413, "body_too_large");
    let twice = server.request(Method::POST, WEBHOOK).body(body.clone());
    let twice = twice.header("Stripe-Signature", signed(SECRET, machine(), &body)).header("Stripe-Signature", "t=1,v1=00");
    server.send(twice).await.is_problem(400, "signature_malformed");
    assert!(BillingEvent::unhandled(&mut *test.database.conn().await, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_paid_for_or_no_secret_is_known_there_is_no_such_address() {
    let (_test, server) = Server::new().await;
    let body = event("evt_3").to_string();
    told(&server, &body, &signed(SECRET, machine(), &body)).await.is_problem(404, "not_found");
    let mut test = TestApp::new().await;
    let Billing { stripe, currency, .. } = away();
    test.app.billing = Some(Arc::new(Billing::new(stripe, Vec::new(), currency)));
    let server = Server::of(test.app.clone(), &settings());
    told(&server, &body, &signed(SECRET, machine(), &body)).await.is_problem(404, "not_found");
}
