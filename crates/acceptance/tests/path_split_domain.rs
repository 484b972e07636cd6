//! Handles at one domain and the server at another: the customer's own site at the first passes on what others ask of handles there.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use anyhow::ensure;
use howdah_acceptance::World;
use howdah_acceptance::api::{Api, wish};
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::neighbour::Neighbour;
use howdah_acceptance::site::Site;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::visit::{point_here, visit};
use howdah_acceptance::wait::{Watch, seconds, until};
use howdah_acceptance::world::fresh_name;
use serde_json::{Value, json};

#[tokio::test]
async fn handles_are_found_at_their_domain_and_the_server_at_its_own() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("split domain");
    let api = world.customer().unwrap();
    let domain = format!("{}.test", fresh_name("finches"));
    let web_domain = format!("social.{domain}");
    let mut wish = wish(&domain);
    wish["web_domain"] = json!(web_domain);
    let launched = api.launch(&wish).await.unwrap();
    api.wait_for_operation(&launched.operation_url, "succeeded", seconds(120)).await.unwrap();
    watch.lap("POST to Running");
    let waiting = api.wait_for_phase(launched.id, "waiting_for_address", seconds(20)).await.unwrap();
    let names: Vec<&str> = waiting["addresses"]["records"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, [&web_domain, &format!("media.{web_domain}")], "the handles' domain stays the customer's");

    point_here(&world, &waiting).await.unwrap();
    let running = api.wait_for_phase(launched.id, "running", seconds(60)).await.unwrap();
    assert_eq!(running["addresses"]["web"], format!("https://{web_domain}"));
    watch.lap("TXT proofs and records set, to running at its address");

    let _site = Site::passing_on(&world, &domain, &web_domain).await.unwrap();
    let actor = until("it is found from its handles' domain", seconds(60), async || visit(&world, &domain, &web_domain, "ada").await);
    let actor = actor.await.unwrap();
    watch.lap("opened by its host names");
    let neighbour = Neighbour::start(&world, &format!("{}.test", fresh_name("neighbour"))).await.unwrap();
    neighbour.follow(&actor).await.unwrap();
    until("the follow is accepted", seconds(30), async || {
        ensure!(neighbour.delivered("Accept", &actor).await? == 1, "no Accept was delivered");
        Ok(())
    })
    .await
    .unwrap();
    watch.lap("followed from a second server");

    api.close(launched.id).await.unwrap();
    let closed = gone(&api, launched.id).await;
    assert_eq!(closed["state"], "succeeded", "{closed}");
    assert_eq!(neighbour.delivered("Delete", &actor).await.unwrap(), 1, "farewells to the server that followed");
    assert_nothing_left(&world, &[launched.id]).await.unwrap();
    watch.lap("closed, to nothing left");
}

async fn gone(api: &Api, id: howdah_domain::InstanceId) -> Value {
    api.wait_for_phase(id, "gone", seconds(180)).await.unwrap();
    api.last_operation(id).await.unwrap()
}
