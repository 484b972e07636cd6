//! Two operators. The one that leads is stopped in the middle of something past its lease, and wakes when the other has taken over:
//! nothing is made twice, nothing that lives is destroyed.

use howdah_acceptance::api::fake;
use howdah_acceptance::leftovers::{assert_nothing_left, in_store, keys_in_store};
use howdah_acceptance::metrics::{OPERATOR, leads};
use howdah_acceptance::processes::{Another, Part, Stopped};
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{World, until};
use howdah_domain::InstanceId;

const OTHER: &str = "127.0.0.1:9112";

#[tokio::test]
async fn a_leader_that_wakes_past_its_lease_harms_nothing() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("two operators");
    let api = world.operator().unwrap();
    leads(&world, OPERATOR).await.unwrap();
    let one = Part::of(&world.stack, "operator").unwrap();
    let other = Another::start(&one, "other-operator", (OPERATOR, OTHER)).unwrap();

    let launched = api.launch(&fake(&format!("{}.fedi.localhost", fresh_name("twins")))).await.unwrap();
    let id = launched.id;
    // The user is there, and perhaps a key; the Secret that keeps it is not yet.
    let stopped = when(&world, id, "S3 user", true, || one.stop()).await;
    watch.lap("the leader is stopped inside create");
    leads(&world, OTHER).await.unwrap();
    watch.lap("the other leads");
    drop(stopped);
    api.wait_for_operation(&launched.operation_url, "succeeded", seconds(300)).await.unwrap();
    watch.lap("launched");
    assert_eq!(keys_in_store(&world.stack, id).await.unwrap(), 1, "keys of the S3 user");
    let kept = world.cluster.secret(&id.resource_name(), "object-store").await.unwrap();
    let key = howdah_acceptance::s3::Somebody::new(&world.stack.s3, Some((&kept["AWS_ACCESS_KEY_ID"], &kept["AWS_SECRET_ACCESS_KEY"])));
    let put = key.unwrap().s3(reqwest::Method::PUT, &format!("/{}/cache/mine", id.resource_name()), &[], "mine").await.unwrap();
    assert_eq!(put.status, 200, "the key that is kept is the one that works: {put:?}");
    let password = world.cluster.secret(&id.resource_name(), "database").await.unwrap()["DB_PASS"].clone();
    world.tenants.own(id, &password).await.unwrap();

    api.remove(id).await.unwrap();
    world.record().unwrap().end_grace(id).await.unwrap();
    let stopped = when(&world, id, "database", false, || other.stop()).await;
    watch.lap("the leader is stopped inside delete");
    leads(&world, OPERATOR).await.unwrap();
    watch.lap("the first leads again");
    drop(stopped);
    api.wait_for_phase(id, "gone", seconds(300)).await.unwrap();
    assert_nothing_left(&world, &[id]).await.unwrap();
    watch.lap("removed");
}

/// Does it as soon as this is there outside the cluster, or is gone.
async fn when(world: &World, id: InstanceId, what: &str, there: bool, stop: impl Fn() -> anyhow::Result<Stopped>) -> Stopped {
    until(&format!("the {what} is there: {there}"), seconds(180), async || {
        let found = match what {
            "S3 user" => in_store(&world.stack, id).await?,
            _ => world.tenants.leftovers(id).await?,
        };
        anyhow::ensure!(found.iter().any(|it| it.starts_with(what)) == there, "{found:?}");
        stop()
    })
    .await
    .unwrap()
}
