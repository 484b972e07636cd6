//! What operators see of the money, and do over its head.

use howdah_db::models::billing::{BillingEvent, Reconciliation};
use howdah_domain::Clock as _;
use howdah_testkit::app::TestApp;
use serde_json::json;
use uuid::Uuid;

use super::servers::{NAME, ada, launch};
use crate::support::Server;
use crate::support::billing::Paid;
use crate::support::browser::{Browser, somebody};

const OPERATOR: &str = "op@howdah.example";

async fn operator<'a>(test: &TestApp, server: &'a Server) -> Browser<'a> {
    somebody(test, OPERATOR, true).await;
    let operator = Browser::new(server);
    operator.sign_in(OPERATOR).await;
    operator
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paid_is_a_plot_and_the_table_of_the_same_numbers() {
    let paid = Paid::new().await;
    let operator = operator(&paid.test, &paid.server).await;
    assert!(operator.get("/operator/money").await.is(200).text.contains("Nothing is paid yet"));
    let ada = ada(&paid.test, &paid.server).await;
    launch(&ada).await;
    let page = ada.post(&format!("/servers/{NAME}/billing/pay"), &[]).await.header("location").unwrap().to_owned();
    ada.get(&format!("/servers/{NAME}/billing/done?session={}", paid.pay_at(&page))).await.is(303);
    let money = operator.get("/operator/money").await.is(200).text.clone();
    for words in [
        "<b>9.00 EUR</b> a month, of 1 subscription",
        "<svg class=\"plot\"",
        "By plan",
        "By region",
        "0, 0.0 % of all",
        "GET /api/v1/money",
    ] {
        assert!(money.contains(words), "{words}: {money}");
    }
    assert_eq!(money.matches("<td class=\"n\" data-label=\"A month\">9.00 EUR</td>").count(), 2, "{money}");
    ada.get("/operator/money").await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stripe_told_can_be_handled_again_and_what_differed_is_listed() {
    let paid = Paid::new().await;
    let operator = operator(&paid.test, &paid.server).await;
    let none = operator.get("/operator/billing").await.is(200).text.clone();
    assert!(none.contains("Nothing was told yet") && none.contains("Not compared yet"), "{none}");
    let now = paid.test.clock.now();
    let event = |id: &str, outcome: Option<&str>| BillingEvent {
        id: id.to_owned(),
        kind: "invoice.paid".to_owned(),
        source: "webhook".to_owned(),
        created_at: now,
        received_at: now,
        payload: "{}".to_owned(),
        handled_at: outcome.map(|_| now),
        outcome: outcome.map(str::to_owned),
    };
    let conn = &mut paid.test.database.conn().await;
    BillingEvent::insert_all(conn, &[event("evt_done", Some("read anew")), event("evt_waits", None)]).await.unwrap();
    let differences =
        json!([{"kind": "status", "instance": null, "subscription": "sub_1", "sentence": "Stripe has it active.", "done": "read anew"}]);
    let compared = Reconciliation { id: Uuid::from_u128(1), began_at: now, ended_at: Some(now), compared: 7, differences };
    compared.insert(conn).await.unwrap();
    let page = operator.get("/operator/billing").await.is(200).text.clone();
    for words in
        ["evt_done", "evt_waits", "Handled", "Waits", "read anew", "1 difference", "Stripe has it active.", "7 subscriptions and servers"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let waiting = operator.get("/operator/billing?show=unhandled").await.is(200).text.clone();
    assert!(waiting.contains("evt_waits") && !waiting.contains("evt_done"), "{waiting}");
    let again = operator.post("/operator/billing/events/evt_done/replay", &[]).await;
    assert_eq!((again.status, again.header("location")), (303, Some("/operator/billing")));
    assert_eq!(BillingEvent::by_id(conn, "evt_done").await.unwrap().unwrap().handled_at, None);
    operator.post("/operator/billing/events/evt_none/replay", &[]).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_paid_for_there_is_no_money() {
    let (test, server) = Server::new().await;
    let operator = operator(&test, &server).await;
    let fleet = operator.get("/operator").await.is(200).text.clone();
    assert!(!fleet.contains("/operator/money") && !fleet.contains("/operator/billing"), "{fleet}");
    operator.get("/operator/money").await.is(404);
    operator.get("/operator/billing").await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_granted_for_a_reason_until_a_day() {
    let paid = Paid::new().await;
    let operator = operator(&paid.test, &paid.server).await;
    let ada = ada(&paid.test, &paid.server).await;
    let id = launch(&ada).await;
    let grant = format!("/operator/servers/{id}/grant");
    let page = operator.get(&grant).await.is(200).text.clone();
    assert!(page.contains("Never paid for, never granted") && !page.contains("End the grant now"), "{page}");
    let why = operator.post(&grant, &[("reason", " ")]).await;
    assert!(why.status == 422 && why.text.contains("Say why"), "{why:?}");
    let when = operator.post(&grant, &[("reason", "A school"), ("until", "soon")]).await;
    assert!(when.status == 422 && when.text.contains("Write a day as") && when.text.contains("value=\"A school\""), "{when:?}");
    let until = (paid.test.clock.now() + chrono::TimeDelta::days(30)).format("%Y-%m-%d").to_string();
    operator.post(&grant, &[("reason", "A school"), ("until", &until)]).await.is(303);
    let granted = operator.get(&grant).await.text;
    assert!(granted.contains("Granted by") && granted.contains("End the grant now"), "{granted}");
    for _ in 0..2 {
        operator.post(&format!("{grant}/end"), &[]).await.is(303);
    }
    ada.get(&grant).await.is(404);
}
