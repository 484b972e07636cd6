//! Addresses: looked at before a launch, and looked at again after it.

use chrono::TimeDelta;
use howdah_app::Scope;
use howdah_db::models::address_look::AddressLook;
use howdah_domain::InstanceId;
use howdah_testkit::app::{Somebody, TestApp};
use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_looked_at_before_a_launch() {
    let (test, server) = Server::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@fish.example").await);
    let check = async |query: &str| server.get(&ada, &format!("/api/v1/address-check?{query}")).await.is(200).json();
    let kinds = |it: &Value| it["notes"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();

    let own = check("domain=B%C3%BCcher.example&web_domain=social.b%C3%BCcher.example").await;
    let address = &own["address"];
    assert_eq!((&address["domain"], &address["in_unicode"]), (&json!("xn--bcher-kva.example"), &json!("bücher.example")));
    assert_eq!((&address["handle"], &address["is_platform"]), (&json!("@ana@bücher.example"), &json!(false)));
    assert_eq!((&address["url"], &own["problems"]), (&json!("https://social.xn--bcher-kva.example"), &json!([])));
    assert_eq!(kinds(&own), ["for_ever", "proof", "pass_on"]);
    let platform = check("domain=birds.fedi.localhost").await;
    assert_eq!(
        (&platform["address"]["is_platform"], kinds(&platform)),
        (&json!(true), vec!["stays_here".to_owned(), "for_ever".to_owned()])
    );

    for nonsense in ["domain=not+a+domain", "domain=", "", "domain=admin.fedi.localhost"] {
        let refused = check(nonsense).await;
        assert_eq!((&refused["address"], &refused["problems"][0]["field"]), (&Value::Null, &json!("domain")), "{nonsense}");
    }
    server.launch(&eve, "birds.example").await;
    let taken = check("domain=birds.example").await;
    assert_eq!(taken["problems"][0]["reason"], "name_taken");
    assert!(!taken.to_string().contains("fish.example"), "{taken}");

    let writer = Somebody { token: test.token(&ada.email, &[Scope::Write], TimeDelta::hours(1)).await, ..ada };
    server.get(&writer, "/api/v1/address-check?domain=birds.example").await.is_problem(403, "scope_missing");
}

/// A worker has looked at it once: before that a look is due anyway.
async fn looked(test: &TestApp, id: InstanceId) {
    let look = AddressLook {
        instance_id: id.as_uuid(),
        looked: json!({}),
        kept: json!([]),
        looked_at: test.app.clock.now(),
        asked_at: None,
        waiting_since: Some(test.app.clock.now()),
        well_since: None,
        first_well_at: None,
        reminders: 0,
    };
    look.put(&mut *test.database.conn().await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_looked_at_again() {
    let (test, server) = Server::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@fish.example").await);
    let (instance, _) = server.launch(&ada, "birds.example").await;
    let id: InstanceId = instance.rsplit('/').next().unwrap().parse().unwrap();
    looked(&test, id).await;
    let look = format!("{instance}/address/look");
    server.post(&eve, &look, &Value::Null).await.is_problem(404, "not_found");
    let asked = server.once(&ada, &look, "k", &Value::Null).await;
    assert_eq!(asked.is(202).json()["url"], json!(instance));
    server.once(&ada, &look, "k", &Value::Null).await.is_again(&asked);
    let refused = server.once(&ada, &look, "another", &Value::Null).await;
    assert!(refused.is_problem(429, "rate_limited").header("retry-after").is_some());
    test.clock.advance(TimeDelta::seconds(30));
    server.post(&ada, &look, &Value::Null).await.is(202);
}
