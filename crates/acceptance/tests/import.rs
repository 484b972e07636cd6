//! A server moves in, on the real node: taken along whole, removed here as by a host that is left, brought by `howdah bundle push`, and pulled from a URL, rehearsed where
//! nobody outside meets it, and cut over: every row once, as it was.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;

use age::secrecy::ExposeSecret as _;
use anyhow::ensure;
use howdah_acceptance::api::{Api, wish};
use howdah_acceptance::fence::Fence;
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::moving::{packed, push, taken_along};
use howdah_acceptance::neighbour::Neighbour;
use howdah_acceptance::pods::{in_web, processes};
use howdah_acceptance::shelf::Shelf;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::visit::point_here;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{World, until};
use howdah_domain::InstanceId;
use serde_json::json;

/// What Rails or the server itself writes whenever it runs.
const ITS_OWN: [&str; 2] = ["ar_internal_metadata", "schema_migrations"];

#[tokio::test]
async fn a_server_moves_in() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("import");
    let api = world.operator().unwrap();
    let domain = format!("{}.test", fresh_name("storks"));
    let old = api.launch(&wish(&domain)).await.unwrap();
    api.wait_for_operation(&old.operation_url, "succeeded", seconds(120)).await.unwrap();
    in_web(&world, old.id, &["howdah-standin", "fill", "--accounts", "6", "--statuses", "60", "--media", "24", "--seed", "7"])
        .await
        .unwrap();
    let rows = rows(&world, old.id).await;
    let neighbour = Neighbour::start(&world, &format!("{}.test", fresh_name("neighbour"))).await.unwrap();
    let inbox = format!("https://{}/inbox", neighbour.host);
    let reach_out = ["howdah-standin", "reach-out", "--inbox", &inbox];
    in_web(&world, old.id, &reach_out).await.expect("a server that runs is answered");
    assert_eq!(neighbour.deliveries().await.unwrap(), 1);
    watch.lap("a filled server");

    let identity = age::x25519::Identity::generate();
    let bundle = taken_along(&api, old.id, &identity).await.unwrap();
    api.remove(old.id).await.unwrap();
    api.wait_for_phase(old.id, "gone", seconds(120)).await.unwrap();
    watch.lap("taken along, and gone");

    let import = brought(&world, &api, &bundle).await;
    let key = identity.to_string().expose_secret().to_owned();
    let seen = api.post(&format!("{import}/look"), Some(&json!({"key": key}))).await.unwrap().expect(200).unwrap().body;
    assert_eq!((&seen["seen"]["holds"], &seen["seen"]["is_proved"]), (&json!(true), &json!(true)), "{seen}");
    assert_eq!(seen["seen"]["server"]["domain"], domain.as_str());
    watch.lap("brought and looked into");

    pulled(&world, &api, &bundle, &domain).await;
    watch.lap("pulled");

    let launched = api.post(&format!("{import}/launch"), Some(&json!({"plan": "small", "key": key}))).await.unwrap().expect(202).unwrap();
    let new: InstanceId = launched.body["id"].as_str().unwrap().parse().unwrap();
    let preview = rehearsing(&api, &import).await;
    watch.lap("POST to the rehearsal");
    let page = until("the rehearsal answers", seconds(30), async || {
        let page = world.visitor.get_as(&format!("{preview}about"), "text/html").await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text());
        Ok(page)
    });
    page.await.unwrap();
    assert_eq!(processes(&world, new).await.unwrap(), ["redis", "web"], "nothing else of it runs");
    assert_eq!(differences(&rows, &self::rows(&world, new).await), Vec::<String>::new());

    nothing_leaves(&world, new, &neighbour, &reach_out).await;
    watch.lap("tried to reach others");

    api.post(&format!("{import}/cut-over"), Some(&json!({"source_is_stopped": true}))).await.unwrap().expect(202).unwrap();
    api.wait_for_operation(launched.body["operation"]["url"].as_str().unwrap(), "succeeded", seconds(180)).await.unwrap();
    watch.lap("cut over");
    assert_eq!(processes(&world, new).await.unwrap(), ["redis", "scheduler", "sidekiq", "streaming", "web"]);
    assert_eq!(differences(&own(&rows), &own(&self::rows(&world, new).await)), Vec::<String>::new());
    let waiting = api.wait_for_phase(new, "waiting_for_address", seconds(20)).await.unwrap();
    point_here(&world, &waiting).await.unwrap();
    api.wait_for_phase(new, "running", seconds(60)).await.unwrap();
    watch.lap("running at its address");
    api.remove(new).await.unwrap();
    api.wait_for_phase(new, "gone", seconds(120)).await.unwrap();
    assert_nothing_left(&world, &[old.id, new]).await.unwrap();
}

/// Its policies enforced, it is made to do all that a server does outward.
async fn nothing_leaves(world: &World, server: InstanceId, neighbour: &Neighbour, reach_out: &[&str]) {
    let fence = Fence::around(world, &server.resource_name()).await.unwrap();
    assert_eq!(fence.dropped().unwrap(), 0);
    in_web(world, server, reach_out).await.expect_err("nobody answers a rehearsal");
    assert!(fence.dropped().unwrap() >= 1, "it tried");
    assert_eq!(neighbour.deliveries().await.unwrap(), 1, "that of before");
}

/// By the command, as somebody who has only the bundle and a token: twice, the second time with nothing to be sent.
async fn brought(world: &World, api: &Api, bundle: &str) -> String {
    let begun = api.post("/api/v1/imports", Some(&json!({}))).await.unwrap().expect(201).unwrap().body;
    let import = begun["url"].as_str().unwrap().to_owned();
    let first = push(&world.stack, bundle, &import, api).unwrap();
    assert!(first["files"].as_u64().unwrap() >= 24 && first["kept"] == json!(0), "{first}");
    let second = push(&world.stack, bundle, &import, api).unwrap();
    assert_eq!((&second["files"], &second["kept"]), (&json!(0), &first["files"]));
    import
}

/// The same bundle as a tar on somebody's web server: fetched by a Job, looked into by itself, and thrown away.
async fn pulled(world: &World, api: &Api, bundle: &str, domain: &str) {
    let folder = tempfile::tempdir().unwrap();
    packed(world, api, bundle, folder.path()).await.unwrap();
    let shelf = Shelf::start(world, &format!("{}.test", fresh_name("shelf")), folder.path()).await.unwrap();
    let begun = api.post("/api/v1/imports", Some(&json!({}))).await.unwrap().expect(201).unwrap().body;
    let import = begun["url"].as_str().unwrap().to_owned();
    let wanted = json!({"url": format!("{}/bundle.tar", shelf.url)});
    api.post(&format!("{import}/pull"), Some(&wanted)).await.unwrap().expect(202).unwrap();
    let seen = until("it is pulled and looked into", seconds(120), async || {
        let seen = api.get(&import).await?.expect(200)?.body;
        ensure!(seen["pull"]["state"] == json!("done") && !seen["seen"].is_null(), "{}", seen["pull"]);
        Ok(seen)
    });
    let seen = seen.await.unwrap();
    assert_eq!((&seen["seen"]["holds"], &seen["seen"]["server"]["domain"]), (&json!(true), &json!(domain)), "{seen}");
    assert!(seen["pull"]["files"].as_u64().unwrap() >= 24, "{seen}");

    // What is refused is said: an address of the cluster's own.
    let inside = json!({"url": "https://10.96.0.1/"});
    api.post(&format!("{import}/pull"), Some(&inside)).await.unwrap().expect(202).unwrap();
    let refused = until("it is refused", seconds(120), async || {
        let seen = api.get(&import).await?.expect(200)?.body;
        ensure!(seen["pull"]["state"] == json!("failed"), "{}", seen["pull"]);
        Ok(seen)
    });
    let refused = refused.await.unwrap();
    assert!(refused["pull"]["sentence"].as_str().unwrap().contains("is no address of the public internet"), "{refused}");
    api.post(&format!("{import}/discard"), Some(&json!({}))).await.unwrap().expect(202).unwrap();
}

/// The rehearsal's address, once it can be looked at.
async fn rehearsing(api: &Api, import: &str) -> String {
    let seen = until("it is rehearsed", seconds(180), async || {
        let seen = api.get(import).await?.expect(200)?.body;
        ensure!(seen["is_rehearsing"] == json!(true), "{seen}");
        Ok(seen)
    });
    seen.await.unwrap()["preview_url"].as_str().unwrap().to_owned()
}

async fn rows(world: &World, server: InstanceId) -> BTreeMap<String, String> {
    let password = world.cluster.secret(&server.resource_name(), "database").await.unwrap();
    world.tenants.digests(server, &password["DB_PASS"]).await.unwrap()
}

/// Of tables that tell where other servers' files are only how many rows there are, of emojis not even that: they are fetched anew.
fn own(rows: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let seen = |(table, digest): (&String, &String)| match table.as_str() {
        "custom_emojis" => None,
        "accounts" | "media_attachments" | "preview_cards" => {
            Some((table.clone(), digest.split(' ').next().unwrap_or_default().to_owned()))
        }
        _ => Some((table.clone(), digest.clone())),
    };
    rows.iter().filter_map(seen).collect()
}

/// Tables that are not as they were.
fn differences(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let is_its_own = |it: &&String| ITS_OWN.contains(&it.as_str());
    let names = old.keys().chain(new.keys().filter(|it| !old.contains_key(*it))).filter(|it| !is_its_own(it));
    names.filter(|it| old.get(*it) != new.get(*it)).map(|it| format!("{it}: {:?} and {:?}", old.get(it), new.get(it))).collect()
}
