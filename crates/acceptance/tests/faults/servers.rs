//! A bench: two hundred servers launched through the API onto the fake node, synced anew, removed. It prints what it measures, beside
//! it the processor time of who did it, and gates only what must be none. It is run by `cargo xtask bench servers`.

use std::time::Instant;

use howdah_acceptance::World;
use howdah_acceptance::leftovers::leftovers;
use howdah_acceptance::metrics::{OPERATOR, leads, operator_is_at_rest, writes};
use howdah_acceptance::processes::Part;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{seconds, until};

use crate::many::{Many, writes_of_a_resync};

const COUNT: usize = 200;
const PARTS: [&str; 4] = ["operator", "worker", "server", "kube-apiserver"];

#[tokio::test]
#[ignore = "a bench of minutes"]
async fn two_hundred_servers() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    // On an empty stack it has made no pass yet.
    leads(&world, OPERATOR).await.unwrap();
    let mut table = Table::begin(&world).await;
    let many = Many::launch(&world, COUNT).await.unwrap();
    table.row("POST of each, answered", &world).await;
    many.wait_until_run(COUNT, seconds(1800)).await.unwrap();
    table.row("empty to all Running", &world).await;
    operator_is_at_rest(&world).await.unwrap();
    let objects = world.cluster.objects(&many.ids).await.unwrap().len();

    table.begin_again(&world).await;
    let resync = writes_of_a_resync(&world).await.unwrap().sum();
    println!("| a resync of all by an operator that starts anew | {:.1} s | {resync} writes |", table.begun.elapsed().as_secs_f32());

    table.begin_again(&world).await;
    many.remove(&world, seconds(1800)).await.unwrap();
    table.row("removed: all gone", &world).await;
    let left = until("nothing is left", seconds(60), async || {
        let left = leftovers(&world, &many.ids).await?;
        anyhow::ensure!(left.is_empty(), "{left:?}");
        Ok(left)
    });
    let left = left.await.unwrap();
    println!("| objects in the cluster while they ran; left at the end | {objects} | {} |", left.len());
    assert_eq!(resync, 0.0, "writes of a resync with nothing to do");
}

/// One line a part of the bench: wall time and rate since its beginning, writes, processor time of each part.
struct Table {
    begun: Instant,
    writes: f64,
    cpu: Vec<f32>,
}

impl Table {
    async fn begin(world: &World) -> Self {
        println!("\n| {COUNT} servers | wall | a second | writes a server | CPU a server: {} |", PARTS.join(", "));
        println!("|---|---|---|---|---|");
        Self { begun: Instant::now(), writes: writes(world).await.unwrap().sum(), cpu: cpu(world) }
    }

    async fn begin_again(&mut self, world: &World) {
        *self = Self { begun: Instant::now(), writes: writes(world).await.unwrap().sum(), cpu: cpu(world) };
    }

    async fn row(&self, what: &str, world: &World) {
        let wall = self.begun.elapsed().as_secs_f32();
        let count = COUNT as f32;
        let writes = (writes(world).await.unwrap().sum() - self.writes) as f32 / count;
        let cpu: Vec<String> =
            cpu(world).iter().zip(&self.cpu).map(|(now, before)| format!("{:.0} ms", (now - before) * 1000.0 / count)).collect();
        println!("| {what} | {wall:.1} s | {:.2} | {writes:.1} | {} |", count / wall, cpu.join(", "));
    }
}

/// Seconds of each part so far.
fn cpu(world: &World) -> Vec<f32> {
    PARTS.iter().map(|it| Part::of(&world.stack, it).and_then(|it| it.cpu()).unwrap().as_secs_f32()).collect()
}
