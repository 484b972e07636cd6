//! Deleting a resource, or its definition, destroys no data; what is taken up again is reached by credentials made anew, and by no
//! others. And an operator that starts anew finds nothing to write.

use std::collections::BTreeMap;

use anyhow::ensure;
use howdah_acceptance::leftovers::{keys_in_store, objects_in_store};
use howdah_acceptance::metrics::{Writes, operator_is_at_rest, writes};
use howdah_acceptance::processes::Part;
use howdah_acceptance::s3::{Answer, Somebody};
use howdah_acceptance::server::Server;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::{World, until};
use howdah_crd::ConditionType;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams};
use kube::{CustomResourceExt as _, ResourceExt as _};
use reqwest::Method;

/// All that must outlive the resource.
#[derive(Debug, PartialEq)]
struct Data {
    identity: BTreeMap<String, String>,
    rows: BTreeMap<String, String>,
    objects: Vec<String>,
}

/// Tables that change by themselves while a server runs.
const RESTLESS: [&str; 1] = ["software_updates"];

async fn data(world: &World, server: &Server) -> anyhow::Result<Data> {
    let password = server.run_time_secret(world, "database").await?["DB_PASS"].clone();
    let mut rows = world.tenants.digests(server.id, &password).await?;
    rows.retain(|table, _| !RESTLESS.contains(&table.as_str()));
    Ok(Data { identity: server.run_time_secret(world, "identity").await?, rows, objects: objects_in_store(&world.stack, server.id).await? })
}

/// Keys of the server's S3 user.
#[derive(Debug, PartialEq)]
struct Keys {
    access: String,
    secret: String,
}

impl Keys {
    async fn of(world: &World, server: &Server) -> anyhow::Result<Self> {
        let secret = server.run_time_secret(world, "object-store").await?;
        Ok(Self { access: secret["AWS_ACCESS_KEY_ID"].clone(), secret: secret["AWS_SECRET_ACCESS_KEY"].clone() })
    }

    async fn read(&self, world: &World, server: &Server) -> anyhow::Result<Answer> {
        let user = Somebody::new(&world.stack.s3, Some((&self.access, &self.secret)))?;
        user.s3(Method::GET, &format!("/{}?list-type=2&max-keys=1", server.resource_name), &[], "").await
    }
}

/// Those of the namespace open the database and the bucket; of the keys before, `old`, none is left.
async fn only_the_newest_credentials_work(world: &World, server: &Server, old: &[Keys]) -> anyhow::Result<Keys> {
    let password = server.run_time_secret(world, "database").await?["DB_PASS"].clone();
    world.tenants.own(server.id, &password).await?.query_one("select count(*) from users", &[]).await?;
    let keys = Keys::of(world, server).await?;
    let read = keys.read(world, server).await?;
    ensure!(read.status == 200, "the bucket can't be read: {read:?}");
    for old in old {
        ensure!(*old != keys, "a namespace that was made anew has keys of its own");
        let read = old.read(world, server).await?;
        ensure!(read.is_refusal(), "keys of a namespace that is gone still work: {read:?}");
    }
    let kept = keys_in_store(&world.stack, server.id).await?;
    ensure!(kept == 1, "the S3 user has {kept} keys");
    Ok(keys)
}

#[tokio::test]
async fn neither_the_resource_nor_its_definition_takes_data_along() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("data outlives the resource");
    let server = Server::example(&world, "real").unwrap();
    server.apply(&world).await.unwrap();
    server.wait_for(&world, ConditionType::Ready, seconds(150)).await.unwrap();
    // The owner's picture is stored by a job.
    let before = until("the owner's picture is stored", seconds(60), async || {
        let seen = data(&world, &server).await?;
        ensure!(!seen.objects.is_empty(), "the bucket is empty");
        Ok(seen)
    })
    .await
    .unwrap();
    assert!(before.rows["users"].starts_with("1 "), "{:?}", before.rows["users"]);
    let first = only_the_newest_credentials_work(&world, &server, &[]).await.unwrap();
    watch.lap("up, with data");

    server.delete(&world).await.unwrap();
    watch.lap("the resource deleted");
    server.apply_resource(&world).await.unwrap();
    server.wait_for(&world, ConditionType::Ready, seconds(150)).await.unwrap();
    watch.lap("taken up again");
    assert_eq!(data(&world, &server).await.unwrap(), before);
    let old = [first];
    let second = only_the_newest_credentials_work(&world, &server, &old).await.unwrap();

    delete_definition(&world).await;
    watch.lap("the definition deleted");
    let definition = serde_json::to_value(howdah_crd::MastodonInstance::crd()).unwrap();
    world.cluster.apply(&definition).await.unwrap();
    until("the definition is served again", seconds(30), async || server.apply_resource(&world).await).await.unwrap();
    server.wait_for(&world, ConditionType::Ready, seconds(150)).await.unwrap();
    watch.lap("taken up again");
    assert_eq!(data(&world, &server).await.unwrap(), before);
    let [first] = old;
    only_the_newest_credentials_work(&world, &server, &[first, second]).await.unwrap();

    server.destroy(&world).await.unwrap();
    watch.lap("destroyed");
}

async fn delete_definition(world: &World) {
    let api: Api<CustomResourceDefinition> = Api::all(world.cluster.client.clone());
    let name = howdah_crd::MastodonInstance::crd().name_any();
    api.delete(&name, &DeleteParams::default()).await.unwrap();
    until("the definition and all its resources are gone", seconds(120), async || {
        ensure!(api.get_opt(&name).await?.is_none(), "it is still there");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_operator_that_starts_anew_heals_secrets_and_then_writes_nothing() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("resync");
    let server = Server::example(&world, "fake").unwrap();
    server.apply(&world).await.unwrap();
    server.wait_for(&world, ConditionType::WorkloadsReady, seconds(90)).await.unwrap();
    operator_is_at_rest(&world).await.unwrap();
    watch.lap("up");

    let identity = server.run_time_secret(&world, "identity").await.unwrap();
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(world.cluster.client.clone(), &server.resource_name);
    secrets.delete("identity", &DeleteParams::default()).await.unwrap();
    start_anew(&world).await;
    let healed =
        until("the identity is copied again", seconds(30), async || server.run_time_secret(&world, "identity").await).await.unwrap();
    assert_eq!(healed, identity);
    operator_is_at_rest(&world).await.unwrap();
    watch.lap("healed at the resync");

    let before = writes(&world).await.unwrap();
    start_anew(&world).await;
    operator_is_at_rest(&world).await.unwrap();
    assert_eq!(writes(&world).await.unwrap().since(&before), Writes::none(), "writes at a resync with nothing to do");
    watch.lap("a second resync");

    server.destroy(&world).await.unwrap();
}

async fn start_anew(world: &World) {
    let killed = Part::of(&world.stack, "operator").unwrap().kill().unwrap();
    killed.start().unwrap();
    operator_is_at_rest(world).await.unwrap();
}
