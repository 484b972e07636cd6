//! One server on the real node that meets everything: an image that can't be pulled, a migration that fails, a process that
//! crashes, and in the end a domain that leads elsewhere. Each is said with its step, its reason and a way out, and it goes on by
//! itself when the cause is gone.

use anyhow::ensure;
use howdah_acceptance::api::{Api as Howdah, wish};
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::processes::Part;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::visit::point_here;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{World, until};
use howdah_crd::{INBOX_NAMESPACE, PowerState};
use howdah_domain::InstanceId;
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, ListParams};
use serde_json::json;

/// Of a network for documentation: nobody's.
const ELSEWHERE: &str = "198.51.100.7";

#[tokio::test]
async fn an_unlucky_server_says_what_holds_it_up_and_goes_on() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("an unlucky server");
    let api = world.customer().unwrap();
    let domain = format!("{}.test", fresh_name("unlucky"));
    let record = world.record().unwrap();

    let stopped = Part::of(&world.stack, "operator").unwrap().stop().unwrap();
    let launched = api.launch(&wish(&domain)).await.unwrap();
    let id = launched.id;
    let resource = until("the worker has applied it", seconds(90), async || world.cluster.instance(id).await).await.unwrap();
    let good = resource.spec.image.mastodon;
    told_to_fail(&world, id, "db_prepare").await;
    record.use_image(id, "localhost/there-is-none:1").await.unwrap();
    until("the worker has applied the other image", seconds(90), async || {
        let seen = world.cluster.instance(id).await?.spec.image.mastodon;
        ensure!(seen != good, "{seen}");
        Ok(())
    })
    .await
    .unwrap();
    drop(stopped);

    held_up(&api, id, "schema", "ImagePullFailed").await;
    watch.lap("said that the image can't be pulled");
    record.use_image(id, &good).await.unwrap();
    held_up(&api, id, "schema", "JobFailed").await;
    watch.lap("said that db:prepare fails");
    told_to_fail(&world, id, "web_crash").await;
    held_up(&api, id, "workloads", "CrashLooping").await;
    watch.lap("said that a process crashes");
    told_to_fail(&world, id, "").await;
    api.wait_for_operation(&launched.operation_url, "succeeded", seconds(300)).await.unwrap();
    watch.lap("went on by itself");

    closed_while_it_leads_elsewhere(&world, &api, id, &domain).await;
    watch.lap("closed after its domain led elsewhere");
}

async fn held_up(api: &Howdah, id: InstanceId, step: &str, reason: &str) {
    let seen = api.wait_for_trouble(id, step, reason, seconds(180)).await.unwrap();
    assert_eq!(seen["state"], "running", "it goes on by itself: {}", seen["failure"]);
}

/// The stand-in fails as its environment says, and the relay's Secret is part of it. Nothing: it is well again.
async fn told_to_fail(world: &World, id: InstanceId, mode: &str) {
    let data = if mode.is_empty() { json!({}) } else { json!({"STANDIN_FAIL": ByteString(mode.as_bytes().to_vec())}) };
    let name = format!("{}-smtp", id.resource_name());
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": INBOX_NAMESPACE}, "data": data,
    });
    world.cluster.apply(&secret).await.unwrap();
}

async fn closed_while_it_leads_elsewhere(world: &World, api: &Howdah, id: InstanceId, domain: &str) {
    let waiting = api.wait_for_phase(id, "waiting_for_address", seconds(90)).await.unwrap();
    point_here(world, &waiting).await.unwrap();
    api.wait_for_phase(id, "running", seconds(120)).await.unwrap();
    world.dns.set_a(domain, &[ELSEWHERE]).await.unwrap();
    api.close(id).await.unwrap();
    world.record().unwrap().end_grace(id).await.unwrap();
    held_up(api, id, "farewell", "ServedElsewhere").await;
    assert_eq!(api.instance(id).await.unwrap()["phase"], "farewell_held_up");
    let resource = world.cluster.instance(id).await.unwrap();
    assert_eq!(resource.spec.power_state, PowerState::Running, "nobody is told anything");

    // A farewell that has begun and doesn't end: its Sidekiq takes no job.
    told_to_fail(world, id, "queue_stuck").await;
    world.dns.set_a(domain, &[&world.stack.ip().unwrap()]).await.unwrap();
    api.wait_for_phase(id, "saying_farewell", seconds(120)).await.unwrap();
    sidekiq_is(world, id, true).await;
    world.dns.set_a(domain, &[ELSEWHERE]).await.unwrap();
    held_up(api, id, "farewell", "ServedElsewhere").await;
    sidekiq_is(world, id, false).await;

    told_to_fail(world, id, "").await;
    world.dns.set_a(domain, &[&world.stack.ip().unwrap()]).await.unwrap();
    api.wait_for_phase(id, "gone", seconds(300)).await.unwrap();
    let closed = api.last_operation(id).await.unwrap();
    assert_eq!((&closed["kind"], &closed["state"]), (&"close".into(), &"succeeded".into()), "{closed}");
    assert_nothing_left(world, &[id]).await.unwrap();
}

/// Whether anything of it could send, by the Deployments of its Sidekiq.
async fn sidekiq_is(world: &World, id: InstanceId, is_wanted: bool) {
    let api: Api<Deployment> = Api::namespaced(world.cluster.client.clone(), &id.resource_name());
    until(&format!("Sidekiq of {id} is wanted: {is_wanted}"), seconds(60), async || {
        let all = api.list(&ListParams::default()).await?;
        let sidekiq = all.iter().filter(|it| it.metadata.name.as_deref().is_some_and(|name| name.starts_with("sidekiq")));
        let replicas: i32 = sidekiq.filter_map(|it| it.spec.as_ref()?.replicas).sum();
        ensure!((replicas > 0) == is_wanted, "{replicas} replicas");
        Ok(())
    })
    .await
    .unwrap();
}
