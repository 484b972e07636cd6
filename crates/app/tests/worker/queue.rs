//! The whole worker, with the real queue: jobs are enqueued by use cases, observations and time, and nobody calls them.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use howdah_app::worker::{self, Worker, WorkerSettings};
use howdah_domain::{InstanceId, OperationState};
use howdah_testkit::wait::wait_for;

use crate::ground::{GRACE, Ground, INGRESS};

const DOMAIN: &str = "birds.fedi.localhost";
const DEADLINE: Duration = Duration::from_secs(60);

fn settings() -> WorkerSettings {
    WorkerSettings { tick: Duration::from_millis(200), resync: Duration::from_secs(3600), ..WorkerSettings::default() }
}

/// A worker as its own process would be: killed by dropping the handle.
fn start(worker: &Arc<Worker>, url: &str) -> tokio::task::JoinHandle<()> {
    let (worker, url) = (worker.clone(), url.to_owned());
    tokio::spawn(async move { worker::run(&worker, &url, &[], std::future::pending()).await.unwrap() })
}

/// The operator and the observer's eyes, which here are ours.
async fn reaches(ground: &Ground, id: InstanceId, what: &str, mut is_reached: impl AsyncFnMut() -> bool) {
    wait_for(what, DEADLINE, async || {
        ground.operate(id).await;
        is_reached().await.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_lives_and_dies_by_the_queue_alone() {
    let ground = Ground::with(settings(), true).await;
    let process = start(&ground.worker, ground.database.url());
    let id = ground.launch(DOMAIN).await;
    ground.outside.lead(DOMAIN, INGRESS);
    *ground.outside.answers.lock().unwrap() = true;
    reaches(&ground, id, "the launch", async || ground.operation(id).await.state == OperationState::Succeeded).await;
    reaches(&ground, id, "the first answer", async || ground.row(id).await.first_answered_at.is_some()).await;
    wait_for("the mail", DEADLINE, async || (!ground.mailer.sent.lock().unwrap().is_empty()).then_some(())).await;
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    reaches(&ground, id, "the tombstone", async || ground.row(id).await.tombstoned_at.is_some()).await;
    assert!(ground.row(id).await.farewell_began_at.is_some());
    assert_eq!(ground.cluster.secrets(), Vec::<String>::new());
    process.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_comes_back_is_found_within_seconds() {
    let ground = Ground::with(settings(), true).await;
    *ground.cluster.away.lock().unwrap() = true;
    let process = start(&ground.worker, ground.database.url());
    let id = ground.launch(DOMAIN).await;
    wait_for("the outage to be told", DEADLINE, async || ground.held_up(id).await).await;
    *ground.cluster.away.lock().unwrap() = false;
    reaches(&ground, id, "the launch", async || ground.operation(id).await.state == OperationState::Succeeded).await;
    process.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_is_replaced_by_the_next() {
    let ground = Ground::with(settings(), true).await;
    let id = ground.launch(DOMAIN).await;
    let process = start(&ground.worker, ground.database.url());
    wait_for("the first Secret", DEADLINE, async || (!ground.cluster.secrets().is_empty()).then_some(())).await;
    process.abort();
    let process = start(&ground.worker, ground.database.url());
    reaches(&ground, id, "the launch", async || ground.operation(id).await.state == OperationState::Succeeded).await;
    assert_eq!(ground.cluster.identities(&format!("{}-identity", id.resource_name())), 1);
    process.abort();
}
