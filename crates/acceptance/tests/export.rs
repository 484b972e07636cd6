//! A server that runs is taken along by a `MastodonExport`: its Job makes a bundle in the platform's bucket, whole by `howdah bundle verify`,
//! with as many rows as the server has, and leaves neither key nor user.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::PathBuf;
use std::process::{Command, Output};

use age::secrecy::ExposeSecret as _;
use anyhow::ensure;
use howdah_acceptance::api::wish;
use howdah_acceptance::leftovers::remove_whole;
use howdah_acceptance::pods::in_web;
use howdah_acceptance::processes::Part;
use howdah_acceptance::s3::Somebody;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{Stack, World, until};
use howdah_crd::{ExportConditionType, MastodonExport, Reason};
use howdah_domain::{ExportId, InstanceId};
use kube::api::{Api, DeleteParams};
use serde_json::{Value, json};

const BUCKET: &str = "howdah-bundles";

type Change = fn(&mut Value);

fn fresh_export() -> ExportId {
    ExportId::from_uuid(uuid::Builder::from_random_bytes(rand::random()).into_uuid())
}

fn resource(id: ExportId, server: InstanceId, recipient: &str) -> Value {
    json!({
        "apiVersion": "howdah.dev/v1alpha1", "kind": "MastodonExport",
        "metadata": {"name": id.resource_name(), "namespace": server.resource_name()},
        "spec": {"id": id, "recipients": [recipient], "destination": {"kept": {}}},
    })
}

fn exports(world: &World, server: InstanceId) -> Api<MastodonExport> {
    Api::namespaced(world.cluster.client.clone(), &server.resource_name())
}

/// The stack's own binary, with the administrator's keys.
fn howdah(stack: &Stack, arguments: &[&str]) -> Output {
    let program: PathBuf = Part::of(stack, "operator").unwrap().program().into();
    let mut command = Command::new(program);
    command.args(arguments).env("AWS_ENDPOINT_URL", &stack.s3.endpoint).env("AWS_REGION", &stack.s3.region);
    command.env("AWS_ACCESS_KEY_ID", &stack.s3.access_key).env("AWS_SECRET_ACCESS_KEY", &stack.s3.secret_key);
    command.output().unwrap()
}

async fn user_is_there(stack: &Stack, name: &str) -> bool {
    let admin = Somebody::new(&stack.s3, Some((&stack.s3.access_key, &stack.s3.secret_key))).unwrap();
    admin.iam(&format!("Action=GetUser&UserName={name}")).await.unwrap().status == 200
}

#[tokio::test]
async fn a_server_is_taken_along_whole() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("export");
    let api = world.operator().unwrap();
    let launched = api.launch(&wish(&format!("{}.fedi.localhost", fresh_name("storks")))).await.unwrap();
    let server = launched.id;
    api.wait_for_phase(server, "running", seconds(120)).await.unwrap();
    in_web(&world, server, &["howdah-standin", "fill", "--accounts", "6", "--statuses", "60", "--media", "24", "--seed", "7"])
        .await
        .unwrap();
    watch.lap("launched and filled");

    let identity = age::x25519::Identity::generate();
    let id = fresh_export();
    world.cluster.apply(&resource(id, server, &identity.to_public().to_string())).await.unwrap();
    let done = until("the export is complete", seconds(180), async || {
        let seen = exports(&world, server).get(&id.resource_name()).await?;
        let status = seen.status.unwrap_or_default();
        let is = |type_: ExportConditionType, reason: Reason| {
            status.conditions.iter().any(|it| it.type_ == type_.as_str() && it.reason == reason.as_str())
        };
        ensure!(
            is(ExportConditionType::Complete, Reason::Ready) && is(ExportConditionType::DestinationReady, Reason::NotWanted),
            "{status:?}"
        );
        Ok(status)
    });
    let status = done.await.unwrap();
    watch.lap("exported");
    assert!(!user_is_there(&world.stack, &id.resource_name()).await);
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(world.cluster.client.clone(), &server.resource_name());
    assert!(secrets.get_opt(&id.resource_name()).await.unwrap().is_none());

    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.txt");
    std::fs::write(&key, identity.to_string().expose_secret()).unwrap();
    let place = format!("s3://{BUCKET}/{server}/{id}");
    let verified = howdah(&world.stack, &["bundle", "verify", &place, "--identity", key.to_str().unwrap(), "--json"]);
    assert!(verified.status.success(), "{verified:?}");
    let inspected = howdah(&world.stack, &["bundle", "inspect", &place, "--json"]);
    let seen: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(seen["manifest"]["content_digest"].as_str(), status.content_digest.as_deref());
    assert_eq!(seen["preflight"]["mastodon"]["version"], json!(world.cluster.instance(server).await.unwrap().spec.version));
    assert!(seen["manifest"]["inventory"]["files"].as_u64().unwrap() >= 24, "{}", seen["manifest"]["inventory"]);
    let password = world.cluster.secret(&server.resource_name(), "database").await.unwrap();
    let database = world.tenants.own(server, &password["DB_PASS"]).await.unwrap();
    for table in ["accounts", "users", "statuses", "media_attachments"] {
        let rows: i64 = database.query_one(&format!("select count(*) from {table}"), &[]).await.unwrap().get(0);
        assert_eq!(seen["manifest"]["tables"][table]["rows"].as_i64(), Some(rows), "{table}");
    }
    watch.lap("verified");
    remove_whole(&world, server).await.unwrap();
}

/// By the API, with a recovery phrase that is made and answered once: it opens the bundle, and a key that only it opens lies in that.
#[tokio::test]
async fn a_recovery_phrase_opens_what_is_taken_along() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let api = world.operator().unwrap();
    let launched = api.launch(&wish(&format!("{}.fedi.localhost", fresh_name("storks")))).await.unwrap();
    let server = launched.id;
    api.wait_for_phase(server, "running", seconds(120)).await.unwrap();
    let begun = api.post(&format!("/api/v1/instances/{server}/exports"), Some(&json!({"recovery_phrase": true}))).await.unwrap();
    let begun = begun.expect(202).unwrap().body;
    let (id, phrase) = (begun["id"].as_str().unwrap(), begun["recovery_phrase"].as_str().unwrap());
    let done = until("the export is whole", seconds(180), async || {
        let seen = api.get(&format!("/api/v1/exports/{id}")).await?.expect(200)?.body;
        ensure!(seen["state"] == "succeeded", "{seen}");
        Ok(())
    });
    done.await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phrase.txt");
    std::fs::write(&file, phrase).unwrap();
    let place = format!("s3://{BUCKET}/{server}/{id}");
    let verified = howdah(&world.stack, &["bundle", "verify", &place, "--passphrase-file", file.to_str().unwrap(), "--json"]);
    assert!(verified.status.success(), "{verified:?}");
    std::fs::write(&file, phrase.replace('-', " ") + " ").unwrap();
    let spaced = howdah(&world.stack, &["bundle", "verify", &place, "--passphrase-file", file.to_str().unwrap()]);
    assert!(spaced.status.success(), "{spaced:?}");
    std::fs::write(&file, "another").unwrap();
    let refused = howdah(&world.stack, &["bundle", "verify", &place, "--passphrase-file", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    remove_whole(&world, server).await.unwrap();
}

/// Nothing of a run that was cancelled goes on writing, and its server is as before.
#[tokio::test]
async fn deleting_it_cancels_it() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let api = world.operator().unwrap();
    let launched = api.launch(&wish(&format!("{}.fedi.localhost", fresh_name("storks")))).await.unwrap();
    let server = launched.id;
    api.wait_for_phase(server, "running", seconds(120)).await.unwrap();
    let id = fresh_export();
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    world.cluster.apply(&resource(id, server, &recipient)).await.unwrap();
    let begun = until("the export has begun", seconds(60), async || {
        let status = exports(&world, server).get(&id.resource_name()).await?.status.unwrap_or_default();
        ensure!(status.started_at.is_some(), "{status:?}");
        Ok(())
    });
    begun.await.unwrap();
    exports(&world, server).delete(&id.resource_name(), &DeleteParams::default()).await.unwrap();
    let gone = until("the export is gone", seconds(60), async || {
        ensure!(exports(&world, server).get_opt(&id.resource_name()).await?.is_none());
        Ok(())
    });
    gone.await.unwrap();
    assert!(!user_is_there(&world.stack, &id.resource_name()).await);
    api.wait_for_phase(server, "running", seconds(10)).await.unwrap();
    remove_whole(&world, server).await.unwrap();
}

/// The definition holds what an export may say.
#[tokio::test]
async fn what_is_refused() {
    let world = World::without_control_plane().await.unwrap();
    let good = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let refused = async |change: Change| {
        let mut export = resource(fresh_export(), InstanceId::from_uuid(uuid::Uuid::nil()), good);
        export["metadata"]["namespace"] = json!("default");
        change(&mut export);
        let parsed: Api<MastodonExport> = Api::namespaced(world.cluster.client.clone(), "default");
        let parameters = kube::api::PatchParams { dry_run: true, ..kube::api::PatchParams::apply("acceptance") };
        let name = export["metadata"]["name"].as_str().unwrap().to_owned();
        parsed.patch(&name, &parameters, &kube::api::Patch::Apply(&export)).await.err().map(|it| it.to_string())
    };
    assert_eq!(refused(|_| {}).await, None);
    let changes: [(&str, Change); 6] = [
        ("spec.recipients", |it| it["spec"]["recipients"] = json!([])),
        ("spec.recipients", |it| it["spec"]["recipients"] = json!(["AGE-SECRET-KEY-1"])),
        ("spec.id", |it| it["spec"]["id"] = json!("x")),
        ("spec.destination", |it| it["spec"]["destination"] = json!({})),
        ("earlier", |it| it["spec"]["incrementalFrom"] = it["spec"]["id"].clone()),
        ("spec.destination.bucket.endpoint", |it| {
            it["spec"]["destination"] = json!({"bucket": {
                "endpoint": "http://10.0.0.1:8333", "region": "r", "bucket": "mine", "secretRef": {"name": "x"},
            }});
        }),
    ];
    for (named, change) in changes {
        let refusal = refused(change).await.unwrap_or_default();
        assert!(refusal.contains(named), "{named}: {refusal}");
    }
}
