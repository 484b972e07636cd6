//! Parts of the platform away, on fake nodes: the API goes on answering, the operation says at which step it is held up, why, and
//! what can be done, and goes on by itself when the cause is gone.

use std::time::Instant;

use anyhow::{Result, ensure};
use howdah_acceptance::api::{Launched, fake};
use howdah_acceptance::leftovers::{assert_nothing_left, remove_whole};
use howdah_acceptance::processes::Part;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{World, until};
use howdah_domain::InstanceId;

async fn launch(world: &World) -> Launched {
    let wish = fake(&format!("{}.fedi.localhost", fresh_name("patient")));
    world.operator().unwrap().launch(&wish).await.unwrap()
}

/// An error, so that whoever took something away can bring it back first.
async fn held_up(world: &World, launched: &Launched, step: &str, reason: &str) -> Result<()> {
    let api = world.operator()?;
    let seen = api.wait_for_trouble(launched.id, step, reason, seconds(120)).await?;
    ensure!(seen["state"] == "running", "it waits and does not fail: {seen}");
    let phase = api.instance(launched.id).await?["phase"].clone();
    ensure!(phase == "launch_held_up", "it is {phase}");
    Ok(())
}

async fn goes_on(world: &World, launched: &Launched) {
    world.operator().unwrap().wait_for_operation(&launched.operation_url, "succeeded", seconds(300)).await.unwrap();
}

async fn removed(world: &World, id: InstanceId) {
    remove_whole(world, id).await.unwrap();
    assert_nothing_left(world, &[id]).await.unwrap();
}

#[tokio::test]
async fn the_cluster_is_away() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("the API server is away");
    let killed = Part::of(&world.stack, "kube-apiserver").unwrap().kill().unwrap();
    let launched = launch(&world).await;
    held_up(&world, &launched, "namespace", "ClusterUnavailable").await.unwrap();
    watch.lap("said");
    killed.start().unwrap();
    goes_on(&world, &launched).await;
    watch.lap("went on by itself");
    removed(&world, launched.id).await;
}

#[tokio::test]
async fn the_record_is_away() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("PostgreSQL is away");
    let operator = world.operator().unwrap();
    let before = launch(&world).await;
    let killed = Part::of(&world.stack, "postgres").unwrap().kill().unwrap();
    for _ in 0..5 {
        let asked = Instant::now();
        let answer = operator.get("/api/v1/instances").await.unwrap();
        assert_eq!((answer.status, answer.reason()), (503, "unavailable"), "{}", answer.body);
        assert!(!answer.header("retry-after").is_empty());
        eprintln!("  503 after {} ms", asked.elapsed().as_millis());
    }
    watch.lap("503");
    killed.start().unwrap();
    until("the API is well again", seconds(30), async || {
        let answer = operator.get("/api/v1/instances").await?;
        ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
        Ok(())
    })
    .await
    .unwrap();
    watch.lap("well again");
    // Looked at by a new connection: what was acknowledged is there, and goes on; what is new begins.
    let world = World::open().await.unwrap();
    let after = launch(&world).await;
    goes_on(&world, &before).await;
    goes_on(&world, &after).await;
    watch.lap("a launch from before and one from after");
    removed(&world, before.id).await;
    removed(&world, after.id).await;
}

#[tokio::test]
async fn the_relay_refuses() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("the relay refuses");
    world.mail.refuse(true).await.unwrap();
    let launched = launch(&world).await;
    let said = held_up(&world, &launched, "secrets", "RelayRefused").await;
    world.mail.refuse(false).await.unwrap();
    said.unwrap();
    watch.lap("said");
    goes_on(&world, &launched).await;
    watch.lap("went on by itself");
    removed(&world, launched.id).await;
}

#[tokio::test]
async fn there_is_no_room() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("no room");
    world.cluster.open_node("fake-0", false).await.unwrap();
    let launched = launch(&world).await;
    let said = held_up(&world, &launched, "cache", "Unschedulable").await;
    world.cluster.open_node("fake-0", true).await.unwrap();
    said.unwrap();
    watch.lap("said");
    goes_on(&world, &launched).await;
    watch.lap("went on by itself");
    removed(&world, launched.id).await;
}
