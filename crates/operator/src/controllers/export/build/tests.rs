use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde_json::{Value, json};

use super::*;
use crate::controllers::export::dereference::Dereferenced;
use crate::controllers::export::tests::{export, set_up};
use crate::controllers::export::validate::validate;
use crate::controllers::instance::fixture::{config, object_store, secret};
use crate::provider::ObjectStore;

fn found(export: Value) -> Dereferenced {
    let cr: howdah_crd::MastodonExport = serde_json::from_value(export).unwrap();
    Dereferenced {
        id: cr.spec.id.parse().unwrap(),
        cr: cr.into(),
        server: Some(set_up()),
        bundle_store: Some(ObjectStore::new(object_store()).unwrap()),
        bucket_keys: Some(secret(&howdah_crd::secrets::bucket::REQUIRED)),
    }
}

fn built(export: Value) -> Objects {
    let (found, config) = (found(export), config());
    build(&validate(&found, &config).map_err(|it| it.message).unwrap())
}

fn elsewhere() -> Value {
    let mut export = export();
    export["spec"]["destination"] = json!({"bucket": {
        "endpoint": "https://s3.example.com", "region": "eu-central-1", "bucket": "mine", "prefix": "backups/birds",
        "secretRef": {"name": "example-bucket"},
    }});
    export
}

fn container(objects: &Objects) -> &Value {
    &objects.job.body["spec"]["template"]["spec"]["containers"][0]
}

fn arguments(objects: &Objects) -> Vec<&str> {
    container(objects)["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

#[test]
fn the_objects_of_an_export() {
    let Objects { policy, job } = built(export());
    let bodies = [policy, job].map(|mut it| {
        it.body["metadata"].as_object_mut().unwrap().remove("annotations");
        serde_yaml_ng::to_string(&it.body).unwrap()
    });
    insta::assert_snapshot!(bodies.join("---\n"));
}

/// A misspelt field would be dropped by the API server without a word.
#[test]
fn every_object_says_only_what_its_kind_knows() {
    for export in [export(), elsewhere()] {
        let Objects { policy, job } = built(export);
        let known: NetworkPolicy = serde_json::from_value(policy.body.clone()).unwrap();
        assert!(crate::digest::contains(&json!(known), &policy.body), "{known:#?}");
        let known: Job = serde_json::from_value(job.body.clone()).unwrap();
        assert!(crate::digest::contains(&json!(known), &job.body), "{known:#?}");
    }
}

#[test]
fn its_pod_passes_restricted_and_has_no_token() {
    let objects = built(export());
    let spec: PodSpec = serde_json::from_value(objects.job.body["spec"]["template"]["spec"].clone()).unwrap();
    assert_eq!(spec.automount_service_account_token, Some(false));
    let pod = spec.security_context.unwrap();
    assert_eq!((pod.run_as_non_root, pod.seccomp_profile.unwrap().type_.as_str()), (Some(true), "RuntimeDefault"));
    let security = spec.containers[0].security_context.clone().unwrap();
    assert_eq!((security.allow_privilege_escalation, security.read_only_root_filesystem), (Some(false), Some(true)));
    assert_eq!(security.capabilities.unwrap().drop.unwrap(), ["ALL"]);
}

/// Beside the server's own keys: neither may stand for the other.
#[test]
fn the_destinations_keys_are_not_the_servers() {
    let objects = built(export());
    let env = container(&objects)["env"].as_array().unwrap();
    let secret_of = |name: &str| {
        let found = env.iter().filter(|it| it["name"] == name).collect::<Vec<_>>();
        assert_eq!(found.len(), 1, "{name}");
        found[0]["valueFrom"]["secretKeyRef"]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(secret_of("AWS_SECRET_ACCESS_KEY"), "object-store");
    assert_eq!(secret_of("HOWDAH_BUNDLE_AWS_SECRET_ACCESS_KEY"), objects.job.key.name);
}

#[test]
fn where_it_goes() {
    let id = export()["spec"]["id"].as_str().unwrap().to_owned();
    let to = |export: Value| {
        let objects = built(export);
        let arguments = arguments(&objects);
        let at = arguments.iter().position(|it| *it == "--to").unwrap();
        arguments[at + 1].to_owned()
    };
    let server = crate::controllers::instance::fixture::ID;
    assert_eq!(to(export()), format!("s3://howdah-bundles/{server}/{id}"));
    assert_eq!(to(elsewhere()), format!("s3://mine/backups/birds/{id}"));
    let mut at_the_root = elsewhere();
    at_the_root["spec"]["destination"]["bucket"]["prefix"] = json!("");
    assert_eq!(to(at_the_root), format!("s3://mine/{id}"));
}

/// Where a bucket's name leads may change after it was tried out; the platform's own store lies inside.
#[test]
fn a_customers_bucket_is_asked_outside_alone() {
    let own = built(elsewhere());
    let own = arguments(&own).join(" ");
    assert!(own.ends_with(" --outside --outside-allowed-cidr 10.30.0.0/16 --outside-allowed-cidr fd00:30::/64"), "{own}");
    let kept = built(export());
    assert!(!arguments(&kept).iter().any(|it| it.starts_with("--outside")));
}

/// As the bucket's own host, where the customer said so; the platform's store never is.
#[test]
fn how_a_bucket_is_asked() {
    let mut hosted = elsewhere();
    hosted["spec"]["destination"]["bucket"]["virtualHosted"] = json!(true);
    for (export, is_hosted) in [(export(), false), (elsewhere(), false), (hosted, true)] {
        let objects = built(export);
        let env = container(&objects)["env"].as_array().unwrap();
        let found = env.iter().find(|it| it["name"] == "HOWDAH_BUNDLE_AWS_VIRTUAL_HOSTED_STYLE_REQUEST");
        assert_eq!(found.map(|it| &it["value"]), is_hosted.then_some(&json!("true")));
    }
}

#[test]
fn an_earlier_one_is_read() {
    let earlier = "0192f0c1-2d3e-7a4b-8c5d-000000000000";
    let mut export = export();
    export["spec"]["incrementalFrom"] = json!(earlier);
    let objects = built(export);
    let from = format!("s3://howdah-bundles/{}/{earlier}", crate::controllers::instance::fixture::ID);
    assert_eq!(arguments(&objects)[arguments(&objects).len() - 2..], ["--incremental-from", &from]);
}

/// It is a sealed file: only whoever knows its passphrase opens it.
#[test]
fn a_recovery_key_goes_into_the_bundle() {
    let mut export = export();
    export["spec"]["recoveryKey"] = json!("YWdl");
    let objects = built(export);
    let arguments = arguments(&objects);
    let at = arguments.iter().position(|it| *it == "--recovery-key").unwrap();
    assert_eq!(arguments[at + 1], "YWdl");
}

/// Its server's neighbours, Redis, the relay and the node are none of its business; the public is only where the destination lies there.
#[test]
fn whom_it_reaches() {
    for (export, is_public) in [(export(), false), (elsewhere(), true)] {
        let policy = built(export).policy;
        let spec = &policy.body["spec"];
        let ports = |rules: &Value| {
            let ports = rules.as_array().unwrap().iter().flat_map(|it| it["ports"].as_array().unwrap().clone());
            ports.map(|it| it["port"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        let mut wanted = vec![53, 53, 5433, 8333];
        wanted.extend(if is_public { vec![80, 443, 443] } else { vec![] });
        assert_eq!(ports(&spec["egress"]), wanted);
        let excepted = json!([{"ipBlock": {"cidr": "10.30.0.0/16"}}, {"ipBlock": {"cidr": "fd00:30::/64"}}]);
        assert_eq!(spec["egress"].as_array().unwrap().last().unwrap()["to"] == excepted, is_public);
        assert_eq!(ports(&spec["ingress"]), [u64::from(howdah_crd::export::PROGRESS_PORT)]);
        assert_eq!(spec["ingress"][0]["from"], json!([{"ipBlock": {"cidr": "10.0.0.1/32"}}]));
    }
}
