//! What is sent again with its `Idempotency-Key`.

use howdah_app::upkeep;
use howdah_db::models::operation::{Operation, OperationStep};
use howdah_db::models::owner_bootstrap::{FIRST, OwnerBootstrap};
use howdah_domain::lifecycle::Cause;
use howdah_domain::{InstanceId, LaunchStep, OperationId, StepName};
use howdah_testkit::app::TestApp;
use serde_json::{Value, json};

use crate::support::{Server, new_instance};

/// A key is claimed before anything is looked at: so each POST that honours it knows that it was used for another request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_post_knows_the_key_of_another_request() {
    let (test, server) = Server::new().await;
    let operator = test.operator("root@howdah.example").await;
    server.once(&operator, "/api/v1/instances", "used", &new_instance("birds.example")).await.is(202);
    let description: Value = serde_json::from_str(howdah_web::openapi::json()).unwrap();
    let mut posts = 0;
    let takes_key =
        |it: &Value| it["post"]["parameters"].as_array().is_some_and(|all| all.iter().any(|it| it["name"] == "Idempotency-Key"));
    for (path, item) in description["paths"].as_object().unwrap().iter().filter(|(_, it)| takes_key(it)) {
        let id = if path.contains("/jobs/") { "1" } else { "01990000-0000-7000-8000-000000000000" };
        let body = match item["post"]["operationId"].as_str().unwrap() {
            "createInstance" => new_instance("cats.example"),
            "createToken" => json!({"name": "ci", "scopes": ["read"]}),
            "beginImport" => json!({}),
            "pullImport" => json!({"url": "https://cats.example/cats.tar"}),
            "leadMediaOfInstance" => json!({"media_redirect": "https://files.example.org"}),
            "launchImport" => json!({"plan": "small"}),
            "beginExport" => json!({"recovery_key": true}),
            "orderByInvoice" => json!({"line1": "Main street 1", "city": "Kiel", "country": "DE"}),
            "createInvitation" => json!({"email": "bob@cats.example", "role": "owner"}),
            _ => Value::Null,
        };
        let answer = server.once(&operator, &path.replace("{id}", id), "used", &body).await;
        assert_eq!(answer.json()["reason"], "idempotency_key_reused", "{path}: {answer:?}");
        posts += 1;
    }
    assert!(posts > 15, "{posts}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_one() {
    let (test, server) = Server::new().await;
    let (ada, operator) = (test.customer("ada@birds.example").await, test.operator("root@howdah.example").await);
    upkeep::change_settings(&test.app, |it| it.new_servers = "by_approval".to_owned()).await.unwrap();
    let (instance, _) = server.launch(&ada, "birds.example").await;
    let approve = format!("{instance}/approve");
    server.once(&ada, &approve, "k", &Value::Null).await.is_problem(403, "operators_only");
    let first = server.once(&operator, &approve, "k", &Value::Null).await;
    server.once(&operator, &approve, "k", &Value::Null).await.is(202).is_again(&first);
    server.once(&operator, &approve, "another", &Value::Null).await.is_problem(409, "not_held");
}

/// Its launch fails for good.
async fn fail(test: &TestApp, operation: &str) {
    let conn = &mut test.database.conn().await;
    let id: OperationId = operation.rsplit('/').next().unwrap().parse().unwrap();
    let row = Operation::by_id(conn, id.as_uuid()).await.unwrap().unwrap();
    let steps = OperationStep::of(conn, row.id).await.unwrap();
    let now = test.app.clock.now();
    let running = row.with_steps(&steps).unwrap().start(now).unwrap();
    let failed = running.fail(StepName::Launch(LaunchStep::Schema), Cause::new("JobFailed", None), now).unwrap();
    Operation::save(conn, row.id, row.revision, &failed).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_tried_again_is_tried_once() {
    let (test, server) = Server::new().await;
    let (ada, operator) = (test.customer("ada@birds.example").await, test.operator("root@howdah.example").await);
    let (instance, operation) = server.launch(&ada, "birds.example").await;
    fail(&test, &operation).await;
    test.clock.advance(chrono::TimeDelta::seconds(1));
    let retry = format!("{operation}/retry");
    let first = server.once(&operator, &retry, "k", &Value::Null).await;
    let revision = server.get(&ada, &instance).await.json()["revision"].clone();
    server.once(&operator, &retry, "k", &Value::Null).await.is(202).is_again(&first);
    assert_eq!(server.get(&ada, &instance).await.json()["revision"], revision, "the second time nothing is done");
    assert_ne!(first.json()["url"], json!(operation));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owners_link_is_kept_without_its_secret() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let (instance, _) = server.launch(&ada, "birds.example").await;
    let id: InstanceId = instance.rsplit('/').next().unwrap().parse().unwrap();
    let path = format!("{instance}/owner-link");
    server.once(&ada, &path, "k", &Value::Null).await.is_problem(409, "owner_not_ready");
    OwnerBootstrap::applied(&mut *test.database.conn().await, id.as_uuid(), FIRST, test.app.clock.now()).await.unwrap();
    let first = server.once(&ada, &path, "k", &Value::Null).await.is(200).json();
    assert!(first["url"].as_str().unwrap().contains("reset_password_token="), "{first}");
    let second = server.once(&ada, &path, "k", &Value::Null).await;
    assert_eq!(second.is(200).header("idempotent-replayed"), Some("true"));
    assert_eq!(second.json(), json!({"username": first["username"], "url": null, "valid_until": first["valid_until"]}));
    assert_eq!(server.once(&ada, &path, "another", &Value::Null).await.is(200).json(), first);
}
