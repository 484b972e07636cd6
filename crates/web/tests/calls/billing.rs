//! A bill by calls: the same use cases as its page's.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::billing::Paid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_paid_for_changed_and_cancelled() {
    let paid = Paid::new().await;
    let (server, ada) = (&paid.server, paid.test.customer("ada@birds.example").await);
    let (url, _) = server.launch(&ada, "frogs.fedi.localhost").await;
    let bill = format!("{url}/billing");
    let before = server.get(&ada, &bill).await.is(200).json();
    assert_eq!((&before["standing"], &before["offer"]["price"]), (&json!("incomplete"), &json!({"currency": "EUR", "minor": 900})));

    let checkout = format!("{bill}/checkout");
    let first = server.once(&ada, &checkout, "pay", &json!({"currency": "EUR"})).await;
    server.once(&ada, &checkout, "pay", &json!({"currency": "EUR"})).await.is_again(first.is(201));
    server.once(&ada, &checkout, "pay", &json!({"currency": "USD"})).await.is_problem(409, "idempotency_key_reused");
    server.post(&ada, &checkout, &json!({"currency": "euro"})).await.is_problem(422, "invalid");
    let page = first.json()["url"].as_str().unwrap().to_owned();
    assert_eq!(server.post(&ada, &checkout, &json!({})).await.is(201).json()["url"], page.as_str(), "it is the same page");
    let session = paid.pay_at(&page);
    let her = actor(&paid, &ada.email).await;
    howdah_app::billing::finish(&paid.test.app, &her, &session).await.unwrap();

    let running = server.get(&ada, &bill).await.is(200).json();
    assert_eq!((&running["standing"], &running["subscription"]["status"]), (&json!("current"), &json!("active")));
    assert_eq!((&running["next"]["due"]["minor"], &running["next"]["lines"][0]["cause"]), (&json!(900), &json!("plan")));
    assert_eq!((&running["invoices"][0]["status"], &running["offer"]), (&json!("paid"), &Value::Null));
    server.post(&ada, &checkout, &json!({})).await.is_problem(409, "subscribed");
    assert!(server.post(&ada, &format!("{bill}/portal"), &json!({})).await.is(201).json()["url"].is_string());

    let preview = server.post(&ada, &format!("{bill}/preview"), &json!({"plan": "medium"})).await.is(200).json();
    assert_eq!(preview["renewal"]["minor"], 2900);
    server.post(&ada, &format!("{bill}/preview"), &json!({"plan": "vast"})).await.is_problem(422, "invalid");
    let agreed = json!({"plan": "medium", "as_of": preview["as_of"]});
    let changed = server.put(&ada, &format!("{bill}/plan"), &agreed).await.is(200).json();
    assert_eq!(changed["subscription"]["plan"], "medium");

    let cap = format!("{bill}/cap");
    assert_eq!(server.put(&ada, &cap, &json!({"currency": "EUR", "minor": 500})).await.is(200).json()["cap"]["minor"], 500);
    server.put(&ada, &cap, &json!({"currency": "USD", "minor": 500})).await.is_problem(422, "invalid");
    server.put(&ada, &cap, &json!({"currency": "EUR", "minor": -1})).await.is_problem(422, "invalid");
    assert_eq!(server.delete(&ada, &cap).await.is(200).json()["cap"], Value::Null);

    let cancel = format!("{bill}/cancel");
    let cancelled = server.once(&ada, &cancel, "end", &Value::Null).await;
    assert!(cancelled.is(200).json()["subscription"]["cancel_at"].is_string());
    server.once(&ada, &cancel, "end", &Value::Null).await.is_again(&cancelled);
    assert_eq!(server.post(&ada, &format!("{cancel}/undo"), &Value::Null).await.is(200).json()["subscription"]["cancel_at"], Value::Null);
}

async fn actor(paid: &Paid, email: &str) -> howdah_app::Actor {
    let token = paid.test.token(email, &howdah_app::Scope::EVERYBODYS, chrono::TimeDelta::days(1)).await;
    howdah_app::tokens::authenticate(&paid.test.app, &token).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_is_its_accounts_and_its_roles() {
    let paid = Paid::new().await;
    let (server, ada) = (&paid.server, paid.test.customer("ada@birds.example").await);
    let (url, _) = server.launch(&ada, "frogs.fedi.localhost").await;
    let eve = paid.test.customer("eve@elsewhere.example").await;
    server.get(&eve, &format!("{url}/billing")).await.is_problem(404, "not_found");
    server.post(&eve, &format!("{url}/billing/checkout"), &json!({})).await.is_problem(404, "not_found");
    for (method, path) in
        [(Method::GET, "/api/v1/money"), (Method::GET, "/api/v1/billing/events"), (Method::POST, "/api/v1/billing/events/evt_1/replay")]
    {
        server.send(server.request(method, path).bearer_auth(&ada.token)).await.is(403);
    }
    let operator = paid.test.operator("op@howdah.example").await;
    server.put(&ada, &format!("{url}/grant"), &json!({"reason": "Mine"})).await.is(403);
    assert_eq!(
        server.put(&operator, &format!("{url}/grant"), &json!({"reason": "A school"})).await.is(200).json()["standing"]["kind"],
        "granted"
    );
    server.delete(&operator, &format!("{url}/grant")).await.is(200);
    server.get(&operator, "/api/v1/money").await.is(200);
    server.get(&operator, "/api/v1/billing/reconciliations").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_paid_for_a_bill_says_so() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let (url, _) = server.launch(&ada, "frogs.fedi.localhost").await;
    server.get(&ada, &format!("{url}/billing")).await.is_problem(409, "billing_off");
}
