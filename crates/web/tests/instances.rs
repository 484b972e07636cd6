//! Servers by the API: launched, looked at, closed and taken back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Server, new_instance};

fn names(steps: &Value) -> Vec<&str> {
    steps.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_answers_at_once_with_where_to_follow_it() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let answer = server.post(&ada, "/api/v1/instances", &new_instance("birds.example")).await;
    let body = answer.is(202).json();
    assert_eq!(answer.header("location"), body["operation"]["url"].as_str());

    let instance = server.get(&ada, body["url"].as_str().unwrap()).await;
    assert_eq!(instance.is(200).header("etag"), Some("\"1\""));
    let instance = instance.json();
    assert_eq!(instance["id"], body["id"]);
    assert_eq!(instance["phase"], "launching");
    assert_eq!((&instance["desired"], &instance["standing"]["kind"]), (&json!({"kind": "running"}), &json!("granted")));
    assert_eq!(instance["addresses"]["web"], "https://birds.example");
    assert_eq!(instance["addresses"]["media"], "https://media.birds.example");
    assert_eq!(instance["addresses"]["proofs"][0]["name"], "_howdah.birds.example");
    assert_eq!((&instance["usage"], &instance["cluster"], &instance["leaving"]), (&Value::Null, &Value::Null, &Value::Null));

    let operation = server.get(&ada, answer.header("location").unwrap()).await.is(200).json();
    assert_eq!((&operation["kind"], &operation["state"], &operation["failure"]), (&json!("create"), &json!("queued"), &Value::Null));
    let wanted = ["namespace", "secrets", "database", "bucket", "cache", "schema", "owner", "configuration", "workloads"];
    assert_eq!(names(&operation["steps"]), wanted);
    let listed = server.get(&ada, &format!("{}/operations", body["url"].as_str().unwrap())).await.is(200).json();
    assert_eq!(listed, json!({"items": [operation], "next_cursor": null}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_launches_with_one_key_are_one_launch() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let requests = (0..20).map(|_| {
        let request = server.request(Method::POST, "/api/v1/instances").bearer_auth(&ada.token);
        server.send(request.header("Idempotency-Key", "launch-1").json(&new_instance("birds.example")))
    });
    let answers = futures::future::join_all(requests).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (202, &answers[0].text));
        assert_eq!(answer.header("location"), answers[0].header("location"));
    }
    let replayed = answers.iter().filter(|it| it.header("idempotent-replayed") == Some("true")).count();
    assert_eq!(replayed, 19);
    let list = server.get(&ada, "/api/v1/instances").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    let other = server.request(Method::POST, "/api/v1/instances").bearer_auth(&ada.token).header("Idempotency-Key", "launch-1");
    let other = server.send(other.json(&new_instance("cats.example"))).await;
    other.is_problem(409, "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_launches_of_one_domain_are_one_server() {
    let (test, server) = Server::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@cats.example").await);
    let (path, body) = ("/api/v1/instances", new_instance("birds.example"));
    let (first, second) = futures::future::join(server.post(&ada, path, &body), server.post(&eve, path, &body)).await;
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409], "{first:?} {second:?}");
    let refused = if first.status == 409 { first } else { second };
    refused.is_problem(409, "name_taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_launched_is_told_field_by_field() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let nonsense = json!({"domain": "not a domain", "plan": "huge", "owner": {"username": "a b", "email": "nobody"}});
    let answer = server.post(&ada, "/api/v1/instances", &nonsense).await;
    let body = answer.is_problem(422, "invalid").json();
    let fields: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["domain", "plan", "owner.username", "owner.email"]);

    for reserved in ["admin.fedi.localhost", "mastodon.fedi.localhost", "fedi.localhost", "localhost", "127.0.0.1", "bücher..example"] {
        server.post(&ada, "/api/v1/instances", &new_instance(reserved)).await.is_problem(422, "invalid");
    }
    let with_cluster =
        json!({"domain": "birds.example", "plan": "small", "cluster": "fake", "owner": {"username": "ada", "email": "a@birds.example"}});
    server.post(&ada, "/api/v1/instances", &with_cluster).await.is_problem(403, "operators_only");
    let operator = test.operator("root@howdah.example").await;
    let launched = server.post(&operator, "/api/v1/instances", &with_cluster).await;
    let shown = server.get(&operator, launched.is(202).json()["url"].as_str().unwrap()).await.json();
    assert_eq!(shown["cluster"], "fake");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_so_many_servers_and_no_more() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    for number in 1..=3 {
        server.launch(&ada, &format!("birds{number}.example")).await;
    }
    server.post(&ada, "/api/v1/instances", &new_instance("birds4.example")).await.is_problem(403, "limit_reached");
    let account = server.get(&ada, "/api/v1/account").await.is(200).json();
    assert_eq!(account["servers"], json!({"count": 3, "allowed": 3}));
    assert_eq!((&account["role"], &account["person"]["email"]), (&json!("owner"), &json!("ada@birds.example")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_can_be_undone_and_asked_for_once() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let (instance, operation) = server.launch(&ada, "birds.example").await;
    let close = format!("{instance}/close");
    let confirm = json!({"confirm": "birds.example"});
    for wrong in [json!({}), json!({"confirm": "cats.example"})] {
        let refused = server.post(&ada, &close, &wrong).await;
        assert_eq!(refused.is_problem(422, "invalid").json()["errors"][0]["field"], "confirm");
    }
    server.send(server.request(Method::POST, &close).bearer_auth(&ada.token)).await.is_problem(422, "invalid");
    server.post(&ada, &close, &confirm).await.is(202);
    let closing = server.get(&ada, &instance).await.json();
    assert_eq!((&closing["phase"], &closing["leaving"]["can_be_undone"]), (&json!("closing"), &json!(true)));
    assert_eq!(server.get(&ada, &operation).await.json()["state"], "cancelled", "a live launch is cancelled by it");
    server.post(&ada, &close, &confirm).await.is_problem(409, "already_leaving");

    let undo = format!("{instance}/undo");
    server.send(server.request(Method::POST, &undo).bearer_auth(&ada.token)).await.is(202);
    assert_eq!(server.get(&ada, &instance).await.json()["phase"], "launching");
    server.send(server.request(Method::POST, &undo).bearer_auth(&ada.token)).await.is_problem(409, "not_leaving");
    server.post(&ada, &close, &confirm).await.is(202);

    let now = format!("{close}/now");
    server.post(&ada, &now, &json!({})).await.is_problem(422, "invalid");
    server.post(&ada, &now, &confirm).await.is(202);
    server.post(&ada, &now, &confirm).await.is_problem(409, "grace_over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_if_match_changes_nothing() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let (instance, _) = server.launch(&ada, "birds.example").await;
    let etag = server.get(&ada, &instance).await.header("etag").unwrap().to_owned();
    let close = |tag: &str| {
        let request = server.request(Method::POST, &format!("{instance}/close")).bearer_auth(&ada.token).header("If-Match", tag);
        request.json(&json!({"confirm": "birds.example"}))
    };
    for stale in ["\"0\"", "\"7\"", "\"of-another-server\"", "\"\""] {
        server.send(close(stale)).await.is_problem(412, "precondition_failed");
    }
    let long = format!("\"{}\"", "1".repeat(100));
    for malformed in ["1", "W/\"1\"", "\"1\", \"2\"", "\"", "\"1 2\"", &long] {
        server.send(close(malformed)).await.is_problem(400, "malformed");
    }
    assert_eq!(server.get(&ada, &instance).await.header("etag"), Some(etag.as_str()));
    server.send(close(&etag)).await.is(202);
    server.send(close(&etag)).await.is_problem(412, "precondition_failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_remove_and_nobody_else() {
    let (test, server) = Server::new().await;
    let (ada, operator) = (test.customer("ada@birds.example").await, test.operator("root@howdah.example").await);
    let (instance, _) = server.launch(&ada, "birds.example").await;
    server.delete(&ada, &instance).await.is_problem(403, "operators_only");
    server.delete(&operator, &instance).await.is(202);
    assert_eq!(server.get(&ada, &instance).await.json()["phase"], "removing");
    server.send(server.request(Method::POST, &format!("{instance}/undo")).bearer_auth(&ada.token)).await.is_problem(403, "operators_only");
    let fleet = server.get(&operator, "/api/v1/instances?fleet=true").await.is(200).json();
    assert_eq!(fleet["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.get(&operator, "/api/v1/instances").await.json()["items"], json!([]));
    server.get(&ada, "/api/v1/instances?fleet=true").await.is_problem(403, "operators_only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_goes_through_everything_once() {
    let (test, server) = Server::new().await;
    let operator = test.operator("root@howdah.example").await;
    let mut launched = Vec::new();
    for number in 0..5 {
        test.clock.advance(chrono::TimeDelta::seconds(1));
        launched.push(server.launch(&operator, &format!("birds{number}.example")).await.0);
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = server.get(&operator, &format!("/api/v1/instances{query}")).await.is(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|it| it["url"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    launched.reverse();
    assert_eq!(seen, launched);
}
