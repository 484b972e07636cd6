use howdah_crd::labels::process;
use howdah_crd::{MastodonInstanceSpec, PowerState};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{LimitRange, Namespace, PodSpec, ResourceQuota, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::RoleBinding;
use serde_json::{Value, json};

use super::*;
use crate::cache::ChildKind;
use crate::controllers::instance::dereference::Dereferenced;
use crate::controllers::instance::fixture::{config, dereferenced, resource, secret, with_true};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::validate;

pub fn all(objects: &Objects<Prepared>) -> Vec<&Desired> {
    let Objects { namespace, access, guards, secrets: _, cache, jobs, front, workloads, routes, retry_in: _, stage: _ } = objects;
    let Front { gate, services, may_stop: _, retry_in: _ } = front;
    let before = [namespace, access].into_iter().chain(guards).chain(cache).chain(jobs.all()).chain(gate).chain(services);
    before.chain(workloads).chain(routes).collect()
}

pub fn built(resource: Value) -> Objects<Prepared> {
    built_of(&dereferenced(resource))
}

pub fn built_of(found: &Dereferenced) -> Objects<Prepared> {
    let config = config();
    let valid = validate(found, &config).map_err(|it| it.message).unwrap();
    build(&valid)
}

pub fn find<'a>(objects: &'a Objects<Prepared>, kind: ChildKind, name: &str) -> &'a Value {
    let found = all(objects).into_iter().find(|it| it.key.kind == kind && it.key.name == name);
    &found.unwrap_or_else(|| panic!("there is no {kind:?} {name}")).body
}

pub fn environment(container: &Value, name: &str) -> Option<Value> {
    container["env"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned()
}

pub fn pods(objects: &Objects<Prepared>) -> Vec<(String, Value)> {
    let pods = all(objects).into_iter().filter(|it| matches!(it.key.kind, ChildKind::Deployment | ChildKind::StatefulSet | ChildKind::Job));
    pods.map(|it| (it.key.name.clone(), it.body["spec"]["template"].clone())).collect()
}

#[test]
fn the_objects_of_a_new_server() {
    let objects = built(resource());
    let body = |desired: &&Desired| {
        let mut body = desired.body.clone();
        // The digest of all the rest says nothing to a reader.
        body["metadata"].as_object_mut().unwrap().remove("annotations");
        serde_yaml_ng::to_string(&body).unwrap()
    };
    let bodies: Vec<String> = all(&objects).iter().map(body).collect();
    insta::assert_snapshot!(bodies.join("---\n"));
    insta::assert_snapshot!(format!("{:#?}", objects.secrets));
}

/// A misspelt field would be dropped by the API server without a word.
#[test]
fn every_object_says_only_what_its_kind_knows() {
    fn typed<T: serde::de::DeserializeOwned + serde::Serialize>(body: &Value) -> Value {
        serde_json::to_value(serde_json::from_value::<T>(body.clone()).unwrap()).unwrap()
    }
    let mut read_only = resource();
    read_only["spec"]["powerState"] = json!(PowerState::ReadOnly);
    for desired in all(&built(read_only)) {
        let body = &desired.body;
        let known = match desired.key.kind {
            ChildKind::Namespace => typed::<Namespace>(body),
            ChildKind::RoleBinding => typed::<RoleBinding>(body),
            ChildKind::ResourceQuota => typed::<ResourceQuota>(body),
            ChildKind::LimitRange => typed::<LimitRange>(body),
            ChildKind::ServiceAccount => typed::<ServiceAccount>(body),
            ChildKind::NetworkPolicy => typed::<NetworkPolicy>(body),
            ChildKind::StatefulSet => typed::<StatefulSet>(body),
            ChildKind::Service => typed::<Service>(body),
            ChildKind::Job => typed::<Job>(body),
            ChildKind::Deployment => typed::<Deployment>(body),
            ChildKind::PodDisruptionBudget => typed::<PodDisruptionBudget>(body),
            ChildKind::Ingress => typed::<Ingress>(body),
            ChildKind::Pod => continue,
        };
        assert!(crate::digest::contains(&known, body), "{}: {body:#}\nis known as {known:#}", desired.key);
    }
}

#[test]
fn every_pod_passes_restricted_and_has_no_token() {
    let mut read_only = resource();
    read_only["spec"]["powerState"] = json!(PowerState::ReadOnly);
    for (name, template) in pods(&built(read_only)) {
        let spec: PodSpec = serde_json::from_value(template["spec"].clone()).unwrap();
        assert_eq!(spec.automount_service_account_token, Some(false), "{name}");
        let pod = spec.security_context.unwrap();
        assert_eq!((pod.run_as_non_root, pod.seccomp_profile.unwrap().type_.as_str()), (Some(true), "RuntimeDefault"), "{name}");
        assert!(
            pod.run_as_user.is_some_and(|it| it > 0) && pod.run_as_group == pod.run_as_user && pod.fs_group == pod.run_as_user,
            "{name}"
        );
        for container in spec.containers {
            let security = container.security_context.unwrap();
            assert_eq!(security.allow_privilege_escalation, Some(false), "{name}");
            assert_eq!(security.read_only_root_filesystem, Some(true), "{name}");
            assert_eq!(security.capabilities.unwrap().drop.unwrap(), ["ALL"], "{name}");
            let resources = container.resources.unwrap();
            assert!(resources.limits.unwrap().contains_key("memory") && resources.requests.unwrap().contains_key("cpu"), "{name}");
        }
    }
}

#[test]
fn exactly_one_pod_listens_to_scheduler() {
    let objects = built(resource());
    for (name, template) in pods(&objects) {
        let command = template["spec"]["containers"][0]["command"].to_string();
        assert_eq!(command.contains("\"scheduler\""), name == process::SCHEDULER, "{name}: {command}");
    }
    let scheduler = find(&objects, ChildKind::Deployment, process::SCHEDULER);
    assert_eq!(scheduler["spec"]["replicas"], 1);
    assert_eq!(scheduler["spec"]["strategy"]["type"], "Recreate");
}

#[test]
fn the_queue_fasp_came_with_4_4() {
    for (version, has_fasp) in [("4.3.23", false), ("4.4.0", true), ("4.10.0", true), ("5.0.0", true)] {
        let mut resource = resource();
        resource["spec"]["version"] = json!(version);
        let objects = built(resource);
        let command =
            find(&objects, ChildKind::Deployment, process::SIDEKIQ)["spec"]["template"]["spec"]["containers"][0]["command"].to_string();
        assert_eq!(command.contains("\"fasp\""), has_fasp, "{version}");
    }
}

#[test]
fn web_alone_shows_the_mark() {
    let objects = built(resource());
    let shows = |name: &str| find(&objects, ChildKind::Deployment, name)["spec"]["template"]["spec"].to_string().contains("/public/howdah");
    assert_eq!(["web", "streaming", "sidekiq", "scheduler"].map(shows), [true, false, false, false]);
}

#[test]
fn the_budget_is_for_two_and_more() {
    let objects = built(resource());
    let budgets: Vec<&str> =
        all(&objects).into_iter().filter(|it| it.key.kind == ChildKind::PodDisruptionBudget).map(|it| it.key.name.as_str()).collect();
    assert_eq!(budgets, [process::WEB]);
}

#[test]
fn the_roles_connections_cover_both_generations_and_the_jobs() {
    let spec: MastodonInstanceSpec = serde_json::from_value(resource()["spec"].clone()).unwrap();
    // web 2 × 2 × 5, streaming 10, sidekiq 15 + 1, scheduler 5 + 1: twice 52; Jobs 3 × 6; 4 to spare.
    assert_eq!(connection_limit(&spec.resources), 2 * 52 + 18 + 4);
    let objects = built(resource());
    for (name, pool) in [("web", "5"), ("streaming", "10"), ("sidekiq", "16"), ("scheduler", "6")] {
        let container = &find(&objects, ChildKind::Deployment, name)["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(environment(container, "DB_POOL").unwrap()["value"], pool, "{name}");
    }
}

#[test]
fn what_is_done_has_no_job() {
    let objects = built(with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]));
    assert_eq!(objects.jobs.all().count(), 0);
    assert!(objects.secrets.iter().all(|it| it.name != names::OWNER));
}

#[test]
fn a_new_link_is_a_job_of_a_server_that_is_set_up_until_it_is_given() {
    let mut resource = with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]);
    resource["spec"]["ownerLink"] = json!({"secretRef": {"name": "example-owner"}, "issued": "2026-01-01T00:00:59Z"});
    let objects = |resource: &Value, keys: &[&str]| {
        let config = config();
        let mut found = dereferenced(resource.clone());
        found.owner_link = Some(secret(keys));
        build(&validate(&found, &config).map_err(|it| it.message).unwrap())
    };
    let link = howdah_crd::secrets::owner::LINK;
    let wanted = objects(&resource, &link);
    let job = wanted.jobs.owner_link.as_ref().expect("a Job");
    let copy = wanted.secrets.iter().find(|it| it.name.starts_with("owner-link-")).expect("a copy");
    assert_eq!(copy.source, SecretSource::Copy { from: "example-owner".to_owned() });
    let container = &job.body["spec"]["template"]["spec"]["containers"][0];
    let token = environment(container, "OWNER_RESET_PASSWORD_TOKEN").unwrap();
    assert_eq!(token["valueFrom"]["secretKeyRef"]["name"], json!(copy.name));
    assert_eq!(environment(container, "OWNER_EMAIL"), None);
    // Another token is another Job.
    let other = objects(&resource, &howdah_crd::secrets::owner::REQUIRED);
    assert_ne!(other.jobs.owner_link.unwrap().key.name, job.key.name);

    assert!(objects(&resource, &link[..1]).jobs.owner_link.is_none());
    let mut given = resource.clone();
    given["status"]["ownerLinkIssued"] = json!("2026-01-01T00:00:59Z");
    assert!(objects(&given, &link).jobs.owner_link.is_none());
    resource["status"]["conditions"].as_array_mut().unwrap().pop();
    assert!(objects(&resource, &link).jobs.owner_link.is_none(), "its own bootstrap comes first");
}

#[test]
fn another_version_is_prepared_anew() {
    let mut resource = with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]);
    resource["spec"]["version"] = json!("4.6.5");
    assert!(built(resource).jobs.db_prepare.is_some());
}

#[test]
fn a_farewell_first_mints_its_token_and_then_tells_every_rails_process() {
    let mut resource = with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]);
    resource["spec"]["powerState"] = json!(PowerState::SelfDestruct);
    let objects = built(resource.clone());
    assert!(objects.jobs.farewell_token.is_some() && objects.jobs.farewell_progress.is_none());
    let has_token = |objects: &Objects<Prepared>| -> Vec<String> {
        let all = pods(objects).into_iter();
        all.filter(|(_, it)| it["spec"]["containers"][0]["env"].to_string().contains("SELF_DESTRUCT")).map(|(name, _)| name).collect()
    };
    assert!(has_token(&objects).is_empty());

    let objects = with_token(&mut resource, Some("2026-01-01T00:01:01Z"));
    assert!(objects.jobs.farewell_token.is_none());
    let progress = objects.jobs.farewell_progress.as_ref().unwrap().key.name.clone();
    assert_eq!(has_token(&objects), [progress.as_str(), "web", "sidekiq", "scheduler"]);
    for name in ["sidekiq", "scheduler"] {
        assert_eq!(find(&objects, ChildKind::Deployment, name)["spec"]["replicas"], 1, "{name}");
    }
}

/// The objects of a farewell whose token is there, at 00:01:00.
fn with_token(resource: &mut Value, allowed_until: Option<&str>) -> Objects<Prepared> {
    resource["spec"]["powerState"] = json!(PowerState::SelfDestruct);
    resource["spec"]["farewellAllowedUntil"] = json!(allowed_until);
    let config = config();
    let mut found = dereferenced(resource.clone());
    found.secrets.insert(names::FAREWELL.to_owned(), secret(&["SELF_DESTRUCT"]));
    build(&validate(&found, &config).map_err(|it| it.message).unwrap())
}

#[test]
fn a_farewell_that_nobody_allows_any_longer_stops() {
    let mut resource = with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]);
    for lapsed in [None, Some("2026-01-01T00:00:59Z"), Some("2026-01-01T00:01:00Z")] {
        let objects = with_token(&mut resource, lapsed);
        assert!(objects.jobs.farewell_progress.is_none(), "{lapsed:?}");
        for (name, replicas) in [("web", 2), ("sidekiq", 0), ("scheduler", 0)] {
            assert_eq!(find(&objects, ChildKind::Deployment, name)["spec"]["replicas"], replicas, "{name} {lapsed:?}");
        }
    }
}

#[test]
fn a_suspended_server_runs_nothing_and_keeps_all_else() {
    let mut resource = with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]);
    let running = built(resource.clone());
    resource["spec"]["powerState"] = json!(PowerState::Suspended);
    let suspended = built(resource);
    for name in ["web", "streaming", "sidekiq", "scheduler"] {
        assert_eq!(find(&suspended, ChildKind::Deployment, name)["spec"]["replicas"], 0, "{name}");
    }
    let names = |objects: &Objects<Prepared>| {
        let without_gate = all(objects).into_iter().filter(|it| it.key.name != process::GATE || it.key.kind == ChildKind::ServiceAccount);
        without_gate.map(|it| it.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&suspended), names(&running), "cache, routes and their certificates stay");
    assert_eq!(suspended.cache[0].body, running.cache[0].body);
}

#[test]
fn no_route_before_it_is_asked_for() {
    let mut resource = resource();
    resource["spec"]["routing"]["enabled"] = json!(false);
    let objects = built(resource);
    assert!(objects.routes.is_empty());
    assert!(objects.secrets.iter().all(|it| !it.name.ends_with("tls")));
}

#[test]
fn the_wildcard_covers_one_label() {
    let config = config();
    let found = dereferenced(resource());
    let valid = validate(&found, &config).map_err(|it| it.message).unwrap();
    for (host, covered) in [
        ("alice.fedi.example.net", true),
        ("media.alice.fedi.example.net", false),
        ("fedi.example.net", false),
        ("social.example.org", false),
    ] {
        assert_eq!(valid.on_platform(host), covered, "{host}");
    }
}
