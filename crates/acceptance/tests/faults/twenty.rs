//! Twenty servers at once, worker and operator killed midway: all run, a resync has nothing to write, and nothing is left of them.

use howdah_acceptance::World;
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::metrics::Writes;
use howdah_acceptance::processes::{Part, kill_all};
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};

use crate::many::{Many, writes_of_a_resync};

const COUNT: usize = 20;

#[tokio::test]
async fn twenty_servers_come_and_go_whoever_is_killed_midway() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("twenty servers");
    let many = Many::launch(&world, COUNT).await.unwrap();
    watch.lap("launched");
    many.wait_until_run(COUNT / 4, seconds(300)).await.unwrap();
    let both = ["worker", "operator"].map(|it| Part::of(&world.stack, it).unwrap());
    for killed in kill_all(both).unwrap() {
        killed.start().unwrap();
    }
    let running = many.phases().await.unwrap()["running"];
    assert!(running < COUNT, "killed too late: all run");
    watch.lap(&format!("{running} run: worker and operator killed"));
    many.wait_until_run(COUNT, seconds(300)).await.unwrap();
    watch.lap("all run");
    for operation in many.last_operations().await.unwrap() {
        assert_eq!((&operation["kind"], &operation["state"]), (&"create".into(), &"succeeded".into()), "{operation}");
    }

    assert_eq!(writes_of_a_resync(&world).await.unwrap(), Writes::none(), "writes of a resync with nothing to do");
    watch.lap("synced anew");

    many.remove(&world, seconds(300)).await.unwrap();
    assert_nothing_left(&world, &many.ids).await.unwrap();
    watch.lap("removed");
}
