//! The whole path at a name of the platform's; and a server that never answered from outside, which has nobody to say farewell to.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use anyhow::ensure;
use howdah_acceptance::api::{fake, wish};
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::visit::visit;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{World, until};
use serde_json::{Value, json};

#[tokio::test]
async fn from_launch_to_nothing_left() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("platform subdomain");
    let api = world.customer().unwrap();
    let name = fresh_name("owls");
    let domain = format!("{name}.fedi.localhost");
    let email = format!("{name}@people.test");
    let mut wish = wish(&domain);
    wish["owner"]["email"] = json!(email);
    let launched = api.launch(&wish).await.unwrap();
    let running = api.wait_for_phase(launched.id, "running", seconds(120)).await.unwrap();
    watch.lap("POST to Running");
    assert_eq!((&running["desired"]["kind"], &running["standing"]["kind"]), (&json!("running"), &json!("granted")));
    assert!(running["addresses"]["proofs"].as_array().unwrap().is_empty());
    visit(&world, &domain, &domain, "ada").await.unwrap();
    watch.lap("opened by its host names");

    let answered = until("an outside look has found it", seconds(60), async || {
        let seen = api.instance(launched.id).await?;
        ensure!(seen["addresses"]["first_answered_at"].is_string(), "{}", seen["addresses"]);
        Ok(seen)
    });
    answered.await.unwrap();
    api.close(launched.id).await.unwrap();
    api.undo(launched.id).await.unwrap();
    api.wait_for_phase(launched.id, "running", seconds(30)).await.unwrap();
    api.close(launched.id).await.unwrap();
    api.wait_for_phase(launched.id, "gone", seconds(180)).await.unwrap();
    watch.lap("closed, taken back, closed again, to gone");
    assert_eq!(step(&api.last_operation(launched.id).await.unwrap(), "farewell"), "succeeded");
    assert_nothing_left(&world, &[launched.id]).await.unwrap();

    let again = api.post("/api/v1/instances", Some(&wish)).await.unwrap();
    assert_eq!(again.status, 409, "a name that was served is never issued again: {}", again.body);
    watch.lap("nothing left");
}

#[tokio::test]
async fn who_never_answered_from_outside_says_no_farewell() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("never answered");
    let operator = world.operator().unwrap();
    // Nothing answers behind a fake node.
    let launched = operator.launch(&fake(&format!("{}.fedi.localhost", fresh_name("moths")))).await.unwrap();
    operator.wait_for_operation(&launched.operation_url, "succeeded", seconds(90)).await.unwrap();
    watch.lap("launched");
    operator.close(launched.id).await.unwrap();
    operator.wait_for_phase(launched.id, "gone", seconds(120)).await.unwrap();
    watch.lap("closed, to gone");
    let closed = operator.last_operation(launched.id).await.unwrap();
    assert_eq!((step(&closed, "farewell"), step(&closed, "teardown")), ("skipped", "succeeded"));
    assert_nothing_left(&world, &[launched.id]).await.unwrap();
}

fn step<'a>(operation: &'a Value, name: &str) -> &'a str {
    let steps = operation["steps"].as_array().unwrap();
    steps.iter().find(|it| it["name"] == name).and_then(|it| it["state"].as_str()).unwrap_or("absent")
}
