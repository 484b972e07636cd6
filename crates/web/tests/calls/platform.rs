//! What operators decide for the platform: settings, sign-ups, jobs.

use howdah_app::upkeep;
use howdah_testkit::app::{Somebody, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, PASSWORD, mailed};
use crate::support::{Answer, Server, new_instance};

const OPERATOR: &str = "op@howdah.example";

async fn both(test: &TestApp) -> (Somebody, Somebody) {
    (test.operator(OPERATOR).await, test.customer("ada@birds.example").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_change_settings_that_nobody_changed_meanwhile() {
    let (test, server) = Server::new().await;
    let (operator, ada) = both(&test).await;
    let path = "/api/v1/settings";
    let first = server.get(&operator, path).await;
    assert_eq!(first.is(200).header("etag"), Some("\"1\""));
    let closed = json!({
        "new_servers": "closed", "new_servers_sentence": " Open again in <May>. ", "sign_ups": "by_approval", "servers_per_account": 2,
        "support_address": "help@howdah.example", "grant_every_launch": true,
    });
    for answer in [server.get(&ada, path).await, server.put(&ada, path, &closed).await] {
        answer.is_problem(403, "operators_only");
    }
    let change = async |tag: &str, body: &Value| -> Answer {
        server.send(server.request(Method::PUT, path).bearer_auth(&operator.token).header("If-Match", tag).json(body)).await
    };
    let changed = change("\"1\"", &closed).await;
    assert_eq!(changed.is(200).header("etag"), Some("\"2\""));
    let now = changed.json();
    assert_eq!((&now["new_servers_sentence"], &now["servers_per_account"]), (&json!("Open again in <May>."), &json!(2)));
    assert_eq!(server.get(&operator, path).await.json(), now);
    change("\"1\"", &closed).await.is_problem(412, "precondition_failed");
    let refused = server.post(&ada, "/api/v1/instances", &new_instance("birds.example")).await;
    assert!(refused.is_problem(403, "new_servers_closed").text.contains("Open again in <May>."), "{refused:?}");
    assert_eq!(server.put(&operator, path, &closed).await.is(200).header("etag"), Some("\"3\""), "whatever applies is changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_can_not_be_are_told_field_by_field() {
    let (test, server) = Server::new().await;
    let operator = test.operator(OPERATOR).await;
    let wrong = json!({
        "new_servers": "perhaps", "new_servers_sentence": "x".repeat(501), "sign_ups": "", "servers_per_account": -1,
        "support_address": "nobody", "grant_every_launch": false,
    });
    let answer = server.put(&operator, "/api/v1/settings", &wrong).await;
    let errors = answer.is_problem(422, "invalid").json()["errors"].clone();
    let fields: Vec<&str> = errors.as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["new_servers", "sign_ups", "new_servers_sentence", "servers_per_account", "support_address"]);
    let mut partial = wrong;
    partial.as_object_mut().unwrap().remove("sign_ups");
    server.put(&operator, "/api/v1/settings", &partial).await.is_problem(422, "invalid");
    assert_eq!(server.get(&operator, "/api/v1/settings").await.header("etag"), Some("\"1\""));
}

/// Somebody who has signed up, and waits.
async fn waits(test: &TestApp, server: &Server, email: &str) {
    let theirs = Browser::new(server);
    theirs.post("/sign-up", &[("name", "Bob"), ("email", email)]).await.is(200);
    let token = mailed(test, email).await.split_once('=').unwrap().1.to_owned();
    theirs.post("/confirm", &[("token", &token), ("password", PASSWORD)]).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_let_in_who_waits_or_turn_them_away() {
    let (test, server) = Server::new().await;
    let (operator, ada) = both(&test).await;
    upkeep::change_settings(&test.app, |it| it.sign_ups = "by_approval".to_owned()).await.unwrap();
    waits(&test, &server, "bob@cats.example").await;
    test.clock.advance(chrono::TimeDelta::seconds(1));
    waits(&test, &server, "eve@fish.example").await;
    server.get(&ada, "/api/v1/sign-ups").await.is_problem(403, "operators_only");
    let page = server.get(&operator, "/api/v1/sign-ups?limit=1").await.is(200).json();
    let eve = page["items"][0].clone();
    assert_eq!((&eve["email"], &eve["name"]), (&json!("eve@fish.example"), &json!("Bob")));
    let rest = server.get(&operator, &format!("/api/v1/sign-ups?cursor={}", page["next_cursor"].as_str().unwrap())).await.json();
    let bob = rest["items"][0].clone();
    assert_eq!((&bob["email"], &rest["next_cursor"]), (&json!("bob@cats.example"), &Value::Null));

    let path = |of: &Value, verb: &str| format!("/api/v1/sign-ups/{}/{verb}", of["id"].as_str().unwrap());
    server.post(&ada, &path(&bob, "approve"), &Value::Null).await.is_problem(403, "operators_only");
    let approved = server.once(&operator, &path(&bob, "approve"), "k", &Value::Null).await;
    server.once(&operator, &path(&bob, "approve"), "k", &Value::Null).await.is_again(&approved);
    let body = approved.is(200).json();
    assert!(body["decision"] == "approved" && body["account_id"].is_string(), "{body}");
    let refused = server.once(&operator, &path(&eve, "refuse"), "other", &Value::Null).await;
    server.once(&operator, &path(&eve, "refuse"), "other", &Value::Null).await.is_again(&refused);
    assert_eq!(refused.is(200).json(), json!({"id": eve["id"], "decision": "refused", "account_id": null}));
    for verb in ["approve", "refuse"] {
        server.post(&operator, &path(&bob, verb), &Value::Null).await.is_problem(409, "decided");
    }
    assert_eq!(server.get(&operator, "/api/v1/sign-ups").await.json()["items"], json!([]));
    Browser::new(&server).sign_in("bob@cats.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_list_jobs_and_have_them_tried_again() {
    let (test, server) = Server::new().await;
    let (operator, ada) = both(&test).await;
    let (first, _) = server.launch(&ada, "birds.example").await;
    let (second, _) = server.launch(&ada, "cats.example").await;
    server.get(&ada, "/api/v1/jobs").await.is_problem(403, "operators_only");
    let mut found = Vec::new();
    let mut path = "/api/v1/jobs?limit=1".to_owned();
    loop {
        let page = server.get(&operator, &path).await.is(200).json();
        found.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/jobs?limit=1&cursor={cursor}");
    }
    let syncs: Vec<&Value> = found.iter().filter(|it| it["name"] == "sync_instance").collect();
    let of: Vec<String> = syncs.iter().map(|it| format!("/api/v1/instances/{}", it["instance_id"].as_str().unwrap())).collect();
    assert_eq!(of, [second, first], "each once, the newest first");
    assert!(found.windows(2).all(|it| it[0]["id"].as_i64() > it[1]["id"].as_i64()), "{found:?}");

    let retry = format!("/api/v1/jobs/{}/retry", syncs[0]["id"]);
    server.post(&ada, &retry, &Value::Null).await.is_problem(403, "operators_only");
    let tried = server.once(&operator, &retry, "k", &Value::Null).await;
    assert_eq!(tried.is(202).json(), json!({"id": syncs[0]["id"]}));
    server.once(&operator, &retry, "k", &Value::Null).await.is_again(&tried);
    for gone in ["0", "x", "99999999999999999999"] {
        server.post(&operator, &format!("/api/v1/jobs/{gone}/retry"), &Value::Null).await.is_problem(404, "not_found");
    }
    server.get(&operator, "/api/v1/jobs?cursor=AZkAAAAAcACAAAAAAAAAAAA").await.is_problem(400, "malformed");
}
