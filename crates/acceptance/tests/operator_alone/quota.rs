//! What the namespace lets in: everything that the operator may ever want at once, under Pod Security `restricted`, and nothing more.

use howdah_acceptance::World;
use howdah_acceptance::server::Server;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_crd::{ConditionType, labels};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec, ResourceQuota};
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

#[tokio::test]
async fn the_quota_holds_all_at_once_and_nothing_more() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("quota and Pod Security");
    let server = Server::example(&world, "fake").unwrap();
    server.apply(&world).await.unwrap();
    server.wait_for(&world, ConditionType::WorkloadsReady, seconds(90)).await.unwrap();

    let pods: Api<Pod> = Api::namespaced(world.cluster.client.clone(), &server.resource_name);
    let template = template(&world, &server, "web").await;
    let streaming = self::template(&world, &server, "streaming").await;
    // A roll's surge of web and streaming, the gate with its own, Jobs for migration and task, a bundle's.
    let size = |cpu: &str, memory: &str| json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}});
    let extra = [
        ("surge-web", pod("surge-web", &template, None)),
        ("surge-streaming", pod("surge-streaming", &streaming, None)),
        ("gate", pod("gate", &template, Some(size("20m", "64Mi")))),
        ("surge-gate", pod("surge-gate", &template, Some(size("20m", "64Mi")))),
        ("migration", pod("migration", &template, Some(size("100m", "1Gi")))),
        ("task", pod("task", &template, Some(size("100m", "1Gi")))),
        ("bundle", pod("bundle", &template, Some(size("250m", "512Mi")))),
    ];
    for (name, pod) in &extra {
        pods.create(&PostParams::default(), pod).await.unwrap_or_else(|error| panic!("{name} is not admitted: {error}"));
    }
    let quotas: Api<ResourceQuota> = Api::namespaced(world.cluster.client.clone(), &server.resource_name);
    let quota = quotas.get("tenant").await.unwrap();
    let hard = quota.spec.unwrap().hard.unwrap();
    let counted = howdah_acceptance::until("the quota counts them", seconds(20), async || {
        let used = quotas.get("tenant").await?.status.and_then(|it| it.used).unwrap_or_default();
        anyhow::ensure!(used.get("pods") == hard.get("pods"), "{used:?} of {hard:?}");
        Ok(used)
    });
    counted.await.unwrap();
    let more = pods.create(&PostParams::default(), &pod("more", &template, Some(size("1m", "1Mi")))).await;
    refused(more, "exceeded quota");

    let privileged = [
        ("a root user", json!({"securityContext": {"runAsNonRoot": false, "runAsUser": 0}})),
        ("the host's network", json!({"hostNetwork": true})),
        ("a folder of the host", json!({"volumes": with_a_host_folder(&template)})),
    ];
    for (what, change) in privileged {
        let mut body = serde_json::to_value(pod("bad", &template, Some(size("1m", "1Mi")))).unwrap();
        for (key, value) in change.as_object().unwrap() {
            body["spec"][key] = value.clone();
        }
        let answer = pods.create(&PostParams { dry_run: true, ..PostParams::default() }, &serde_json::from_value(body).unwrap()).await;
        eprintln!("{what}");
        refused(answer, "violates PodSecurity \"restricted");
    }
    server.destroy(&world).await.unwrap();
}

async fn template(world: &World, server: &Server, name: &str) -> PodTemplateSpec {
    let api: Api<Deployment> = Api::namespaced(world.cluster.client.clone(), &server.resource_name);
    api.get(name).await.unwrap().spec.unwrap().template
}

/// Its volumes, the first of them a folder of the host.
fn with_a_host_folder(template: &PodTemplateSpec) -> Value {
    let mut volumes = json!(template.spec.as_ref().and_then(|it| it.volumes.as_ref()).unwrap());
    volumes[0] = json!({"name": volumes[0]["name"], "hostPath": {"path": "/"}});
    volumes
}

/// A pod of the same kind that no workload owns; with other resources where they are given.
fn pod(name: &str, template: &PodTemplateSpec, resources: Option<Value>) -> Pod {
    let mut body = json!({"metadata": {"name": name}, "spec": template.spec});
    body["metadata"]["labels"] = json!({labels::PROCESS: "extra"});
    if let Some(resources) = resources {
        body["spec"]["containers"][0]["resources"] = resources;
    }
    serde_json::from_value(body).unwrap()
}

fn refused<T: std::fmt::Debug>(answer: Result<T, kube::Error>, says: &str) {
    match answer {
        Err(kube::Error::Api(status)) => assert!(status.code == 403 && status.message.contains(says), "{} {}", status.code, status.message),
        other => panic!("it is admitted: {other:?}"),
    }
}
