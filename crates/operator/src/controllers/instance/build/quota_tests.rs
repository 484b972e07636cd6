use howdah_crd::labels;
use serde_json::Value;

use super::super::build;
use super::*;
use crate::cache::Children;
use crate::config::{Issuer, OperatorConfig};
use crate::controllers::instance::fixture::{ID, config, dereferenced, resource};
use crate::controllers::instance::validate::validate;

/// Quota and Redis of a server whose web is smaller than the fixture's, of which so many pods, and the volume, are still there.
fn while_the_larger_runs(web_pods: u64) -> (Value, Value) {
    let children = Children::default();
    let put = |kind, object: Value| children.put(kind, &serde_json::from_value(object).unwrap());
    for number in 0..web_pods {
        for (name, phase) in [("web", "Running"), ("ended", "Failed")] {
            let request = json!({"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}});
            let metadata = json!({
                "name": format!("{name}-{number}"), "namespace": "n", "uid": "u", "resourceVersion": "1",
                "labels": {labels::INSTANCE: ID, labels::PROCESS: process::WEB},
            });
            let spec = json!({"containers": [{"name": "web", "resources": request}]});
            put(ChildKind::Pod, json!({"metadata": metadata, "spec": spec, "status": {"phase": phase}}));
        }
    }
    let config = config();
    let mut found = dereferenced(resource());
    let mut set = body(&build(&validate(&found, &config).map_err(|it| it.message).unwrap()).cache, ChildKind::StatefulSet);
    set["metadata"]["uid"] = json!("u");
    set["metadata"]["resourceVersion"] = json!("1");
    put(ChildKind::StatefulSet, set);

    let mut smaller = resource();
    smaller["spec"]["resources"]["web"] = json!({"replicas": 1, "concurrency": 1, "threads": 5, "cpu": "30m", "memory": "512Mi"});
    smaller["spec"]["resources"]["redis"]["storage"] = json!("1Gi");
    found = dereferenced(smaller);
    found.children = children.snapshot(ID.parse().unwrap());
    let objects = build(&validate(&found, &config).map_err(|it| it.message).unwrap());
    (body(&objects.guards, ChildKind::ResourceQuota)["spec"]["hard"].take(), body(&objects.cache, ChildKind::StatefulSet))
}

fn body(objects: &[Desired], kind: ChildKind) -> Value {
    objects.iter().find(|it| it.key.kind == kind).unwrap().body.clone()
}

#[test]
fn the_larger_generation_has_its_room_until_its_last_pod_is_gone() {
    let table = [
        (0, "12", "950m", "5632Mi"),
        // Two of 1 GiB run where one of 512 MiB and its surge are wanted; then three, the surge among them; then one is left.
        (2, "12", "1390m", "6656Mi"),
        (3, "13", "1640m", "7680Mi"),
        (1, "12", "1390m", "6656Mi"),
    ];
    for (running, pods, cpu, memory) in table {
        let (hard, _) = while_the_larger_runs(running);
        let found = ["pods", "requests.cpu", "requests.memory", "limits.memory"].map(|it| hard[it].as_str().unwrap());
        assert_eq!(found, [pods, cpu, memory, memory], "{running} running");
    }
}

#[test]
fn whoever_answers_a_challenge_has_room() {
    let hard = |config: &OperatorConfig| {
        let found = dereferenced(resource());
        let objects = build(&validate(&found, config).map_err(|it| it.message).unwrap());
        body(&objects.guards, ChildKind::ResourceQuota)["spec"]["hard"].take()
    };
    let keys = ["pods", "requests.cpu", "requests.memory", "limits.memory", "services", "services.nodeports"];
    let of = |hard: Value| keys.map(|it| hard[it].as_str().unwrap().to_owned());
    assert_eq!(of(hard(&config())), ["13", "1640m", "7680Mi", "7680Mi", "6", "0"]);
    let mut with_cert_manager = config();
    with_cert_manager.certificates.issuer = Issuer::CertManager { cluster_issuer: "acme".to_owned(), orders_per_hour: 60 };
    // Two pods of 10m and 64Mi, and a Service each, of cert-manager's default type.
    assert_eq!(of(hard(&with_cert_manager)), ["15", "1660m", "7808Mi", "7808Mi", "8", "2"]);
}

#[test]
fn a_volume_keeps_the_size_of_its_birth() {
    let (hard, set) = while_the_larger_runs(0);
    assert_eq!(set["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"], "2Gi");
    assert_eq!(hard["requests.storage"], "2Gi");
}
