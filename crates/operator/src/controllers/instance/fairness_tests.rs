//! A server whose own part of the cluster is broken, or whose database server hangs, costs no other server a moment: each launch takes
//! as long, by the cluster's clock, as without it.

use futures::FutureExt as _;
use howdah_crd::ConditionType;
use jiff::SignedDuration;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::conditions::is_true;
use super::super::fake_cluster::Broken;
use super::super::fixture::{database_server, resource};
use super::super::world::{Setup, World, cr_path, secret_path};
use super::super::{bulkhead, names};
use super::*;
use crate::provider::DatabaseServerSettings;

/// Longer than any of this takes on the slowest machine: what waits for a place that never comes free is found out.
const STUCK: Duration = Duration::from_secs(300);
const STEP: SignedDuration = SignedDuration::from_secs(1);

fn name(number: usize) -> String {
    format!("server-{number}")
}

fn id(number: usize) -> String {
    format!("0192f0c1-2d3e-7a4b-8c5d-{number:012}")
}

/// With so many servers, numbered from 0, beside the example.
fn world(setup: Setup, servers: usize, database: impl Fn(usize) -> &'static str) -> World {
    let mut world = World::with(setup);
    for number in 0..servers {
        let name = name(number);
        let mut resource = resource();
        resource["metadata"]["name"] = json!(name);
        resource["metadata"]["uid"] = json!(format!("uid-of-{name}"));
        let spec = &mut resource["spec"];
        spec["id"] = json!(id(number));
        spec["domain"] = json!(format!("{name}.example.org"));
        spec["database"]["server"] = json!(database(number));
        spec["identitySecretRef"]["name"] = json!(format!("{name}-identity"));
        spec["smtpRef"]["name"] = json!(format!("{name}-smtp"));
        spec["bootstrap"]["new"]["ownerSecretRef"]["name"] = json!(format!("{name}-owner"));
        world.add(&name, resource);
    }
    world.restart();
    world
}

impl World {
    fn is_up(&self, path: &str) -> bool {
        let cr: MastodonInstance = serde_json::from_value(self.cluster.object(path)).unwrap();
        is_true(&cr.status.unwrap_or_default(), ConditionType::Ready)
    }

    /// Passes over each of these, and over the poisoned one, until all but that one are up. How long that took by the cluster's clock.
    async fn launch(&self, healthy: &[String], poisoned: Option<&String>) -> SignedDuration {
        let begun = self.cluster.now();
        let all = async {
            while !healthy.iter().all(|it| self.is_up(it)) {
                for path in healthy.iter().chain(poisoned) {
                    while self.pass_of(path).await == Some(Action::requeue(AT_ONCE)) {}
                }
                self.cluster.wait(STEP);
                self.cluster.step_all();
            }
        };
        tokio::time::timeout(STUCK, all).await.expect("no server waits for another");
        self.cluster.now().duration_since(begun)
    }
}

#[tokio::test]
async fn a_server_that_always_fails_delays_no_other() {
    let paths: Vec<_> = (0..3).map(|it| cr_path(&name(it))).collect();
    let (poisoned, healthy) = paths.split_first().unwrap();
    let undisturbed = world(Setup::default(), 3, |_| "main").launch(healthy, Some(poisoned)).await;

    let world = world(Setup::default(), 3, |_| "main");
    let home = id(0).parse::<InstanceId>().unwrap().resource_name();
    world.cluster.break_down(&home, Broken::Refuses(500));
    assert_eq!(world.launch(healthy, Some(poisoned)).await, undisturbed);
    assert!(!world.is_up(poisoned));
}

/// Its pass holds its place for as long as it is let.
#[tokio::test]
async fn a_server_whose_requests_hang_delays_no_other() {
    let setup = || {
        let mut setup = Setup::default();
        setup.config.concurrency = 2;
        setup
    };
    let paths: Vec<_> = (0..3).map(|it| cr_path(&name(it))).collect();
    let (poisoned, healthy) = paths.split_first().unwrap();
    let undisturbed = world(setup(), 3, |_| "main").launch(healthy, None).await;

    let world = Arc::new(world(setup(), 3, |_| "main"));
    // With a finalizer, so that the first thing it does is in its own namespace.
    let mut cr = world.cluster.object(poisoned);
    cr["metadata"]["finalizers"] = json!([howdah_crd::labels::FINALIZER]);
    world.cluster.put(poisoned, cr);
    let home = id(0).parse::<InstanceId>().unwrap().resource_name();
    world.cluster.break_down(&home, Broken::Hangs);
    let hangs = tokio::spawn({
        let (world, poisoned) = (Arc::clone(&world), poisoned.clone());
        async move { world.pass_of(&poisoned).await }
    });
    world.cluster.broken_was_asked().await;
    assert_eq!(world.launch(healthy, None).await, undisturbed);
    assert!(!hangs.is_finished(), "else this shows nothing");
    hangs.abort();
}

/// More of them than there are places.
#[tokio::test]
async fn servers_whose_database_server_hangs_delay_no_other() {
    const SICK: usize = 40;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut setup = Setup::default();
    let port = silent.local_addr().unwrap().port();
    setup.databases.insert("silent".to_owned(), DatabaseServerSettings { host: "127.0.0.1".to_owned(), port, ..database_server() });
    assert!(SICK > usize::from(setup.config.concurrency));
    let healthy = [cr_path("example")];
    let undisturbed = World::new().launch(&healthy, None).await;

    let world = Arc::new(world(setup, SICK, |_| "silent"));
    // Their databases are still to be made.
    for number in 0..SICK {
        let path = secret_path(&id(number).parse::<InstanceId>().unwrap().resource_name(), names::DATABASE);
        let mut secret = world.cluster.object(&path);
        secret["metadata"]["annotations"] = json!({});
        world.cluster.put(&path, secret);
    }
    let mut passes = JoinSet::new();
    for number in 0..SICK {
        let world = Arc::clone(&world);
        passes.spawn(async move {
            let path = cr_path(&name(number));
            // The first only takes the finalizer.
            world.pass_of(&path).await;
            while world.pass_of(&path).await == Some(Action::requeue(AT_ONCE)) {}
        });
    }
    let mut connections = Vec::new();
    for _ in 0..bulkhead::AT_ONCE {
        connections.push(silent.accept().await.unwrap());
    }
    for _ in bulkhead::AT_ONCE..SICK {
        passes.join_next().await.unwrap().unwrap();
    }
    assert_eq!(world.launch(&healthy, None).await, undisturbed);
    assert_eq!(passes.len(), bulkhead::AT_ONCE, "else this shows nothing");
    assert!(silent.accept().now_or_never().is_none(), "nobody else has tried");
}
