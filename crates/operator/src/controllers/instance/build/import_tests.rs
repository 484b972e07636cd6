//! What a bundle's server has: while a pass is loaded, in its rehearsal, and when it is served.

use howdah_crd::labels;
use howdah_crd::labels::process;
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};

use super::tests::{all, built, built_of, environment, find};
use super::*;
use crate::cache::ChildKind;
use crate::controllers::instance::fixture::{PREVIEW, database_server, dereferenced, import, loaded, secret};
use crate::controllers::instance::names;
use crate::provider::{DatabaseServer, DatabaseServerSettings, SslMode};

fn served() -> Value {
    let mut resource = loaded(import(), &["SchemaReady", "Configured"]);
    resource["spec"]["powerState"] = json!("Running");
    resource["spec"]["routing"]["enabled"] = json!(true);
    resource
}

fn names_of(objects: &Objects<Prepared>, kind: ChildKind) -> Vec<&str> {
    all(objects).into_iter().filter(|it| it.key.kind == kind).map(|it| it.key.name.as_str()).collect()
}

fn loading(objects: &Objects<Prepared>) -> &Loading {
    objects.jobs.loading.as_ref().expect("what loads")
}

fn container(job: &Desired) -> &Value {
    &job.body["spec"]["template"]["spec"]["containers"][0]
}

fn kinds(objects: &Objects<Prepared>) -> Vec<&str> {
    objects.jobs.all().map(|it| it.body["metadata"]["labels"][labels::JOB].as_str().unwrap()).collect()
}

#[test]
fn the_jobs_that_load_a_pass() {
    let objects = built(import());
    assert_eq!(kinds(&objects), ["flush", "schema", "load", "db-prepare", "feeds"]);
    let bodies = loading(&objects).in_order().map(|it| {
        let mut body = it.body.clone();
        body["metadata"].as_object_mut().unwrap().remove("annotations");
        let known: Job = serde_json::from_value(body.clone()).unwrap();
        assert!(crate::digest::contains(&json!(known), &body), "{known:#?}");
        serde_yaml_ng::to_string(&body).unwrap()
    });
    insta::assert_snapshot!(bodies.join("---\n"));
}

#[test]
fn nothing_runs_beside_what_loads() {
    let mut again = loaded(import(), &["SchemaReady", "OwnerReady", "Configured", "WorkloadsReady"]);
    again["spec"]["bootstrap"]["import"]["pass"] = json!(2);
    for resource in [import(), again] {
        let objects = built(resource);
        assert!(objects.workloads.is_empty() && objects.routes.is_empty());
        assert!(objects.jobs.db_prepare.is_some() && objects.jobs.configure.is_some(), "of the rows that are to come");
    }
}

/// Else what was done for one pass would count for the next.
#[test]
fn each_pass_has_jobs_of_its_own() {
    let names = |pass: u32| {
        let mut resource = import();
        resource["spec"]["bootstrap"]["import"]["pass"] = json!(pass);
        built(resource).jobs.all().map(|it| it.key.name.clone()).collect::<Vec<_>>()
    };
    let (first, second) = (names(1), names(2));
    assert!(first.iter().all(|it| !second.contains(it)), "{first:?} {second:?}");
}

#[test]
fn what_is_missing_to_load_it_is_not_made_up() {
    let mut found = dereferenced(import());
    found.bundle_store = None;
    assert!(built_of(&found).jobs.loading.is_none());
    let mut found = dereferenced(import());
    found.bundle_key = None;
    assert!(built_of(&found).jobs.loading.is_none());
    // The inbox was emptied: the copy stands in.
    let copy = names::bundle_key(secret(&["IDENTITY"]).digest);
    found.secrets.insert(copy.clone(), secret(&["IDENTITY"]));
    let objects = built_of(&found);
    assert!(loading(&objects).load.body.to_string().contains(&copy));
    assert!(objects.secrets.iter().any(|it| it.name == copy));
}

#[test]
fn a_bundle_that_is_not_sealed_needs_no_key() {
    let mut found = dereferenced(import());
    assert!(container(&loading(&built_of(&found)).load)["args"].to_string().contains("--identity"));
    found.bundle_key = Some(secret(&[]));
    let objects = built_of(&found);
    let job = &loading(&objects).load;
    assert!(!container(job)["args"].to_string().contains("--identity"));
    assert!(!job.body.to_string().contains("bundle-key-"), "{:#}", job.body);
}

/// Arguments can be read by whoever sees the node's processes.
#[test]
fn no_password_stands_in_the_arguments_and_the_database_server_is_verified() {
    let mut found = dereferenced(import());
    let settings = DatabaseServerSettings { sslmode: SslMode::VerifyFull, host: "fd00::5".to_owned(), ..database_server() };
    found.database = Some(DatabaseServer::new(settings));
    found.database_ca = Some("one".to_owned());
    let objects = built_of(&found);
    let container = container(&loading(&objects).load);
    let url = environment(container, "HOWDAH_BUNDLE_DATABASE_URL").unwrap();
    let name = found.id.resource_name();
    assert_eq!(
        url["value"],
        format!("postgres://{name}:$(DB_PASS)@[fd00::5]:5433/{name}?sslmode=verify-full&sslrootcert=/etc/howdah/database/ca.crt")
    );
    assert!(!container["args"].to_string().contains("postgres"));
    let folders: Vec<_> = container["volumeMounts"].as_array().unwrap().iter().map(|it| it["mountPath"].as_str().unwrap()).collect();
    assert_eq!(folders, ["/tmp", "/etc/howdah/database", "/etc/howdah/bundle"]);
}

/// Neither may stand for the other.
#[test]
fn the_bundles_keys_are_not_the_servers() {
    let objects = built(import());
    let of = |name: &str| environment(container(&loading(&objects).load), name).unwrap()["valueFrom"]["secretKeyRef"]["name"].clone();
    assert_eq!(of("AWS_SECRET_ACCESS_KEY"), "object-store");
    assert_eq!(of("HOWDAH_BUNDLE_AWS_SECRET_ACCESS_KEY"), "bundle-reader");
}

#[test]
fn a_rehearsal_is_one_web_at_its_preview_host() {
    let objects = built(loaded(import(), &["SchemaReady"]));
    assert_eq!(kinds(&objects), ["feeds"]);
    assert_eq!(names_of(&objects, ChildKind::Deployment), [process::WEB]);
    assert_eq!(names_of(&objects, ChildKind::Service), [process::REDIS, process::WEB]);
    assert_eq!(names_of(&objects, ChildKind::PodDisruptionBudget), [""; 0]);
    let web = find(&objects, ChildKind::Deployment, process::WEB);
    assert_eq!(web["spec"]["replicas"], 1);
    let container = &web["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(environment(container, "ALTERNATE_DOMAINS").unwrap()["value"], PREVIEW);
    assert_eq!(environment(container, "LOCAL_DOMAIN").unwrap()["value"], "social.example.org");

    assert_eq!(names_of(&objects, ChildKind::Ingress), ["preview"]);
    let spec = &find(&objects, ChildKind::Ingress, "preview")["spec"];
    assert_eq!(spec["tls"], json!([{"hosts": [PREVIEW], "secretName": names::PREVIEW_TLS}]));
    assert_eq!(spec["rules"].as_array().unwrap().len(), 1);
    let paths = spec["rules"][0]["http"]["paths"].as_array().unwrap();
    assert!(spec["rules"][0]["host"] == PREVIEW && paths.len() == 1 && paths[0]["backend"]["service"]["name"] == process::WEB, "{spec:#}");
    let tls: Vec<_> = objects.secrets.iter().filter(|it| it.name.ends_with("-tls")).collect();
    assert!(tls.len() == 1 && matches!(tls[0].source, SecretSource::PlatformCertificate { .. }), "{tls:#?}");
}

/// Its own hosts are somebody else's, whatever the spec says of routes.
#[test]
fn a_rehearsal_has_no_other_route() {
    let mut resource = loaded(import(), &["SchemaReady", "Configured"]);
    resource["spec"]["routing"]["enabled"] = json!(true);
    assert_eq!(names_of(&built(resource), ChildKind::Ingress), ["preview"]);
}

#[test]
fn what_is_served_has_nothing_of_the_import_left() {
    let objects = built(served());
    assert_eq!(objects.jobs.all().count(), 0);
    assert_eq!(names_of(&objects, ChildKind::Deployment), ["web", "streaming", "sidekiq", "scheduler"]);
    assert_eq!(names_of(&objects, ChildKind::Ingress).len(), 2);
    let everything: String = all(&objects).iter().map(|it| it.body.to_string()).collect();
    assert!(!everything.contains(PREVIEW) && !everything.contains("ALTERNATE_DOMAINS") && !everything.contains(names::BUNDLE_READER));
    assert!(objects.secrets.iter().all(|it| !names::is_bundle_key(&it.name) && it.name != names::PREVIEW_TLS && it.name != names::OWNER));
}
