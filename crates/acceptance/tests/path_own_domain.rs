//! The whole path at an own domain, on the real node: launched through the API, proven and pointed here, opened by its host names,
//! closed, taken back, closed again, its farewell heard by a second server, and nothing left.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use anyhow::ensure;
use howdah_acceptance::api::{Api, wish};
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::neighbour::Neighbour;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::visit::{point_here, visit};
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{World, until};
use howdah_domain::InstanceId;
use serde_json::Value;

#[tokio::test]
async fn from_launch_to_nothing_left() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("own domain");
    let api = world.customer().unwrap();
    let domain = format!("{}.test", fresh_name("birds"));
    let launched = api.launch(&wish(&domain)).await.unwrap();
    let created = api.wait_for_operation(&launched.operation_url, "succeeded", seconds(120)).await.unwrap();
    watch.lap("POST to Running");
    let steps: Vec<&str> = created["steps"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    let wanted = ["namespace", "secrets", "database", "bucket", "cache", "schema", "owner", "configuration", "workloads"];
    assert_eq!(steps, wanted);
    let waiting = api.wait_for_phase(launched.id, "waiting_for_address", seconds(20)).await.unwrap();
    assert!(world.visitor.get(&format!("https://{domain}/health")).await.is_err(), "no proof, no address");

    point_here(&world, &waiting).await.unwrap();
    let running = api.wait_for_phase(launched.id, "running", seconds(60)).await.unwrap();
    watch.lap("TXT proof and records set, to running at its address");
    assert_eq!(running["addresses"]["web"], format!("https://{domain}"));
    let actor = visit(&world, &domain, &domain, "ada").await.unwrap();
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

    close_undo_close(&api, launched.id).await;
    watch.lap("closed, taken back, closed again");
    let closed = gone(&api, launched.id).await;
    watch.lap("grace, final bundle, farewell and teardown");
    assert_eq!(states(&closed), [("final_bundle", "succeeded"), ("farewell", "succeeded"), ("teardown", "succeeded")]);
    assert_final_bundle_is_kept(&api, launched.id).await;
    assert_eq!(neighbour.delivered("Delete", &actor).await.unwrap(), 1, "farewells to the server that followed");
    assert_nothing_left(&world, &[launched.id]).await.unwrap();
    let after = api.instance(launched.id).await.unwrap();
    assert_eq!(after["phase"], "gone");
    watch.lap("nothing left");
}

/// A move to another host, without that host: an owner says that it has moved.
#[tokio::test]
async fn what_has_moved_leads_to_where_its_media_is() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("moving out");
    let api = world.customer().unwrap();
    let domain = format!("{}.test", fresh_name("swifts"));
    let launched = api.launch(&wish(&domain)).await.unwrap();
    api.wait_for_operation(&launched.operation_url, "succeeded", seconds(120)).await.unwrap();
    let waiting = api.wait_for_phase(launched.id, "waiting_for_address", seconds(20)).await.unwrap();
    point_here(&world, &waiting).await.unwrap();
    api.wait_for_phase(launched.id, "running", seconds(60)).await.unwrap();
    watch.lap("running at its address");

    let url = format!("/api/v1/instances/{}", launched.id);
    let mut asked = api.confirm(launched.id).await.unwrap();
    asked["media_redirect"] = "https://files.new.example".into();
    api.post(&format!("{url}/move-out"), Some(&asked)).await.unwrap().expect(202).unwrap();
    let confirm = api.confirm(launched.id).await.unwrap();
    until("the final bundle is whole, and it can be handed over", seconds(240), async || {
        let moving = api.last_operation(launched.id).await?;
        ensure!(states(&moving).contains(&("handover", "running")), "{:?}", states(&moving));
        Ok(())
    })
    .await
    .unwrap();
    api.post(&format!("{url}/move-out/done"), Some(&confirm)).await.unwrap().expect(202).unwrap();
    watch.lap("stopped, bundled and handed over");
    let file = format!("https://media.{domain}/accounts/avatars/1/original/a.png");
    until("its media host leads on", seconds(180), async || {
        let seen = world.visitor.get(&file).await?;
        let there = "https://files.new.example/accounts/avatars/1/original/a.png";
        ensure!((seen.status, seen.location.as_deref()) == (301, Some(there)), "{} {:?}", seen.status, seen.location);
        Ok(())
    })
    .await
    .unwrap();
    let moved = api.instance(launched.id).await.unwrap();
    assert_eq!((&moved["phase"], moved["leaving"]["moved_out_until"].is_string()), (&"moved_out".into(), true), "{moved}");
    watch.lap("its data deleted, and its media host led on");

    world.record().unwrap().end_redirects(launched.id).await.unwrap();
    api.wait_for_phase(launched.id, "gone", seconds(180)).await.unwrap();
    assert_nothing_left(&world, &[launched.id]).await.unwrap();
    watch.lap("a year later, gone");
}

async fn close_undo_close(api: &Api, id: InstanceId) {
    api.close(id).await.unwrap();
    let closing = api.instance(id).await.unwrap();
    assert_eq!((&closing["phase"], &closing["leaving"]["can_be_undone"]), (&"closing".into(), &true.into()));
    api.undo(id).await.unwrap();
    api.wait_for_phase(id, "running", seconds(30)).await.unwrap();
    api.close_as(id, false).await.unwrap();
    let second = api.post(&format!("/api/v1/instances/{id}/close"), Some(&api.confirm(id).await.unwrap())).await.unwrap();
    assert_eq!(second.status, 409, "a second close: {}", second.body);
}

/// With links to it, and a key that opens it.
async fn assert_final_bundle_is_kept(api: &Api, id: InstanceId) {
    let exports = api.get(&format!("/api/v1/instances/{id}/exports")).await.unwrap().expect(200).unwrap().body;
    let kept = &exports["items"][0];
    assert_eq!((&kept["is_final"], &kept["state"], &kept["can_show_key"]), (&true.into(), &"succeeded".into(), &true.into()), "{exports}");
    let url = kept["url"].as_str().unwrap();
    let links = api.get(&format!("{url}/links")).await.unwrap().expect(200).unwrap().body;
    assert!(links.as_str().unwrap().contains("MANIFEST.json"), "{links}");
    let key = api.post(&format!("{url}/key"), None).await.unwrap().expect(200).unwrap().body;
    assert!(key["recovery_key"].as_str().unwrap().starts_with("AGE-SECRET-KEY-1"));
}

async fn gone(api: &Api, id: InstanceId) -> Value {
    api.wait_for_phase(id, "gone", seconds(300)).await.unwrap();
    let closed = api.last_operation(id).await.unwrap();
    assert_eq!((&closed["kind"], &closed["state"]), (&"close".into(), &"succeeded".into()));
    closed
}

fn states(operation: &Value) -> Vec<(&str, &str)> {
    let steps = operation["steps"].as_array().unwrap();
    steps.iter().map(|it| (it["name"].as_str().unwrap(), it["state"].as_str().unwrap())).collect()
}
