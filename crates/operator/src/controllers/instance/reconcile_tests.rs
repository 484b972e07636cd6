//! Whole passes against an API server in memory: what they write, how often, and that they come to the same end whatever fails.

use howdah_crd::labels::{self, process};
use howdah_crd::{ConditionType, INBOX_NAMESPACE, PowerState, secrets};
use jiff::SignedDuration;
use serde_json::json;

use super::super::fake_cluster::Fault;
use super::super::fixture;
use super::super::names;
use super::super::world::{CR, Setup, World, secret, secret_path};
use crate::provider::SslMode;

#[tokio::test]
async fn a_launch_writes_its_status_a_few_times() {
    let world = World::new();
    world.settle().await;
    assert!(world.is_true(ConditionType::Ready), "{:#}", world.cluster.object(CR)["status"]);
    let status = world.cluster.writes().iter().filter(|it| it.ends_with("/status")).count();
    assert_eq!(status, 5, "{:#?}", world.cluster.writes());
}

/// What was served once is never given to another, and nothing counts as served before it ran.
#[tokio::test]
async fn nobody_is_led_to_a_server_that_never_ran() {
    let world = World::new();
    world.settle().await;
    let writes = world.cluster.writes();
    let route = writes.iter().position(|it| it.contains("/ingresses/")).unwrap();
    let ready = world.cluster.became_ready("web").unwrap();
    assert!(route >= ready, "write {route} made the route, web was ready only before write {ready}");
}

#[tokio::test]
async fn what_is_as_wanted_takes_no_call() {
    let mut world = World::new();
    world.settle().await;
    let (written, read) = (world.cluster.writes().len(), world.cluster.reads().len());
    world.cluster.wait(SignedDuration::from_secs(60));
    assert!(world.pass().await.is_some());
    assert_eq!(world.cluster.reads()[read..], [""; 0]);
    // An operator that starts anew has to list the server's Secrets once: it may not watch them.
    world.restart();
    world.settle().await;
    assert_eq!(world.cluster.reads()[read..], [format!("GET /api/v1/namespaces/{}/secrets", world.id.resource_name())]);
    assert_eq!(world.cluster.writes()[written..], [""; 0]);
}

#[tokio::test]
async fn an_event_tells_of_each_change_of_ready_once() {
    let world = World::new();
    world.settle().await;
    world.settle().await;
    let mut resource = world.cluster.object(CR);
    resource["spec"]["placement"] = json!("moon");
    world.cluster.put(CR, resource);
    world.settle().await;
    let events = world.cluster.events();
    let told: Vec<_> = events.iter().map(|it| (it["type"].as_str().unwrap(), it["reason"].as_str().unwrap())).collect();
    assert_eq!(told, [("Normal", "Progressing"), ("Normal", "Ready"), ("Warning", "UnknownPlacement")], "{events:#?}");
    assert_eq!(events[2]["note"], "Accepted: moon");
    for event in &events {
        assert_eq!(event["regarding"]["kind"], "MastodonInstance");
        assert_eq!((&event["regarding"]["name"], &event["regarding"]["uid"]), (&json!("example"), &json!("cr-uid")));
        assert_eq!(event["reportingController"], "test");
    }
}

/// A Deployment counts no pod that ends, and one that ends may still write.
#[tokio::test]
async fn a_suspended_server_is_stopped_once_its_last_pod_is_gone() {
    let world = World::new();
    world.settle().await;
    let home = world.id.resource_name();
    let pod = format!("/api/v1/namespaces/{home}/pods/web-1");
    let labels = json!({labels::INSTANCE: world.id.to_string(), labels::PROCESS: process::WEB});
    let metadata = json!({"name": "web-1", "namespace": home, "labels": labels, "deletionTimestamp": "2026-01-01T00:00:00Z"});
    world.cluster.put(&pod, json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}));
    let change_power = |power: PowerState| {
        let mut resource = world.cluster.object(CR);
        resource["spec"]["powerState"] = json!(power);
        world.cluster.put(CR, resource);
    };
    change_power(PowerState::Suspended);
    world.settle().await;
    assert!(world.is_true(ConditionType::WorkloadsReady) && !world.is_true(ConditionType::Stopped));
    world.cluster.remove(&pod);
    world.settle().await;
    assert!(world.is_true(ConditionType::Stopped) && world.is_true(ConditionType::Ready));
    change_power(PowerState::Running);
    world.settle().await;
    assert!(world.is_true(ConditionType::Ready));
    let conditions = world.resource().status.unwrap().conditions;
    assert!(conditions.iter().all(|it| it.type_ != ConditionType::Stopped.as_str()), "{conditions:?}");
}

/// Who asks for the server is answered at every moment: by web, or by the gate.
#[tokio::test]
async fn a_suspended_servers_services_lead_to_the_gate_until_it_runs_again() {
    let world = World::new();
    world.settle().await;
    let before = world.content();
    let home = world.id.resource_name();
    let led = |service: &str| {
        let path = format!("/api/v1/namespaces/{home}/services/{service}");
        world.cluster.object(&path)["spec"]["selector"][labels::PROCESS].as_str().unwrap().to_owned()
    };
    let change_power = |power: PowerState| {
        let mut resource = world.cluster.object(CR);
        resource["spec"]["powerState"] = json!(power);
        world.cluster.put(CR, resource);
    };
    change_power(PowerState::Suspended);
    let written = world.cluster.writes().len();
    world.settle().await;
    assert_eq!(["web", "streaming"].map(led), ["gate", "gate"]);
    assert!(world.is_true(ConditionType::Ready) && world.is_true(ConditionType::Stopped), "{:#}", world.cluster.object(CR)["status"]);
    let writes = world.cluster.writes()[written..].to_vec();
    let at = |part: &str| writes.iter().position(|it| it.contains(part)).unwrap_or_else(|| panic!("{part}: {writes:#?}"));
    assert!(at("/deployments/gate") < at("/services/web") && at("/services/web") < at("/deployments/web"), "{writes:#?}");
    change_power(PowerState::ReadOnly);
    world.settle().await;
    assert_eq!(["web", "streaming", "origin"].map(led), ["read-only-gate", "streaming", "web"]);
    // What the gate before web needed goes with it.
    change_power(PowerState::Suspended);
    world.settle().await;
    assert_eq!(["web", "streaming"].map(led), ["gate", "gate"]);
    let left: Vec<String> =
        world.cluster.objects().into_keys().filter(|it| it.contains("origin") || it.contains("read-only-gate")).collect();
    assert!(left.is_empty(), "{left:?}");
    let policy = world.cluster.object(&format!("/apis/networking.k8s.io/v1/namespaces/{home}/networkpolicies/gate"));
    assert_eq!(policy["spec"]["egress"], json!([]));
    assert!(world.is_true(ConditionType::Ready) && world.is_true(ConditionType::Stopped), "{:#}", world.cluster.object(CR)["status"]);
    change_power(PowerState::ReadOnly);
    world.settle().await;
    change_power(PowerState::Running);
    world.settle().await;
    let mut after = world.content();
    after.get_mut(CR).unwrap()["spec"].as_object_mut().unwrap().remove("powerState");
    assert_eq!(after, before, "nothing of the gate stays");
}

/// Its data is destroyed elsewhere: here the database server is away.
#[tokio::test]
async fn of_what_has_moved_out_the_media_host_stays() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut setup = Setup::default();
    let server = setup.databases.get_mut("main").unwrap();
    (server.host, server.port) = ("127.0.0.1".to_owned(), closed);
    let mut world = World::with(setup);
    world.settle().await;
    let id = world.id.to_string();
    let change = |power: PowerState, teardown: serde_json::Value| {
        let mut resource = world.cluster.object(CR);
        resource["spec"]["powerState"] = json!(power);
        resource["spec"]["teardown"] = teardown;
        world.cluster.put(CR, resource);
    };
    change(PowerState::Suspended, serde_json::Value::Null);
    world.settle().await;
    change(PowerState::MovedOut, json!({"kind": "MoveOut", "confirm": id}));
    let first = world.cluster.writes().len();
    world.pass().await;
    assert!(world.is_true(ConditionType::TeardownConfirmed));
    assert!(world.cluster.writes()[first..].iter().all(|it| it.ends_with("/status")), "nothing goes before that is written down");
    for _ in 0..20 {
        world.pass().await;
        world.cluster.wait(SignedDuration::from_secs(3));
        world.cluster.step();
    }
    let home = world.id.resource_name();
    let writes = world.cluster.writes();
    let gone = writes.iter().position(|it| *it == format!("DELETE /api/v1/namespaces/{home}")).unwrap();
    for what in ["/deployments/", "/statefulsets/"] {
        let last = writes.iter().rposition(|it| it.starts_with("DELETE") && it.contains(what));
        assert!(last.is_some_and(|it| it < gone), "pods go before their namespace: {writes:#?}");
    }
    let ingress = |namespace: &str, name: &str| format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}");
    let left = [format!("/api/v1/namespaces/{home}"), ingress(&home, "web"), ingress(howdah_crd::MEDIA_NAMESPACE, &home)];
    assert_eq!(left.map(|it| world.cluster.has(&it)), [false, false, true]);
    assert!(world.cluster.has(&secret_path(howdah_crd::MEDIA_NAMESPACE, &names::media_tls(world.id))), "its certificate");
    assert_eq!(world.condition(ConditionType::DatabaseReady).0, "DatabaseServerUnavailable");
    assert!(!world.is_true(ConditionType::DataDestroyed) && world.is_true(ConditionType::RouteReady));

    let mut resource = world.cluster.object(CR);
    let conditions = resource["status"]["conditions"].as_array_mut().unwrap();
    let destroyed = conditions.iter_mut().find(|it| it["type"] == "DataDestroyed").unwrap();
    (destroyed["status"], destroyed["reason"]) = (json!("True"), json!("Ready"));
    world.cluster.put(CR, resource);
    world.restart();
    world.settle().await;
    assert!(world.is_true(ConditionType::Ready), "{:#}", world.cluster.object(CR)["status"]);
    let (written, read) = (world.cluster.writes().len(), world.cluster.reads().len());
    assert!(world.pass().await.is_some());
    assert_eq!((world.cluster.writes().len(), world.cluster.reads().len()), (written, read), "and nothing is left to do");
}

/// Nothing of it is anywhere but its media host: what only a server that runs needs may be gone.
fn moved_out(setup: Setup) -> World {
    let mut resource = fixture::resource();
    resource["spec"]["powerState"] = json!(PowerState::MovedOut);
    resource["spec"]["teardown"] = json!({"kind": "MoveOut", "confirm": fixture::ID});
    let mut world = World::of(setup, resource);
    let mut resource = world.cluster.object(CR);
    let is_true = |type_: &str| json!({"type": type_, "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:30Z"});
    resource["status"]["conditions"] = json!([is_true("TeardownConfirmed"), is_true("DataDestroyed")]);
    world.cluster.put(CR, resource);
    for path in world.cluster.objects().into_keys().filter(|it| it.contains(&world.id.resource_name())) {
        world.cluster.remove(&path);
    }
    world.restart();
    world
}

#[tokio::test]
async fn what_has_moved_out_needs_nothing_of_what_ran() {
    let mut setup = Setup::default();
    setup.databases.clear();
    setup.stores.clear();
    setup.config.pod_profiles.clear();
    let mut world = moved_out(setup);
    for name in ["example-identity", "example-smtp", "example-owner"] {
        world.cluster.remove(&secret_path(howdah_crd::INBOX_NAMESPACE, name));
    }
    world.restart();
    world.settle().await;
    assert!(world.is_true(ConditionType::Ready) && world.is_true(ConditionType::RouteReady), "{:#}", world.cluster.object(CR)["status"]);
    assert!(world.cluster.has(&secret_path(howdah_crd::MEDIA_NAMESPACE, &names::media_tls(world.id))), "its certificate");
}

#[tokio::test]
async fn what_has_moved_out_and_is_routed_no_more_has_no_media_host() {
    let world = moved_out(Setup::default());
    world.settle().await;
    let name = world.id.resource_name();
    let left = [
        format!("/apis/networking.k8s.io/v1/namespaces/{}/ingresses/{name}", howdah_crd::MEDIA_NAMESPACE),
        secret_path(howdah_crd::MEDIA_NAMESPACE, &names::media_tls(world.id)),
    ];
    assert_eq!(left.each_ref().map(|it| world.cluster.has(it)), [true, true]);
    let mut resource = world.cluster.object(CR);
    resource["spec"]["routing"]["enabled"] = json!(false);
    world.cluster.put(CR, resource);
    world.settle().await;
    assert_eq!(left.each_ref().map(|it| world.cluster.has(it)), [false, false]);
    assert!(world.is_true(ConditionType::Ready), "{:#}", world.cluster.object(CR)["status"]);
    let (written, read) = (world.cluster.writes().len(), world.cluster.reads().len());
    assert!(world.pass().await.is_some());
    assert_eq!((world.cluster.writes().len(), world.cluster.reads().len()), (written, read), "and nothing is left to do");
}

/// Authorities are rotated in their file: the next pass of each server brings them to its pods.
#[tokio::test]
async fn private_authorities_of_the_database_server_come_to_the_servers_namespace() {
    let file = std::env::temp_dir().join(format!("howdah-operator-{}-authorities.pem", std::process::id()));
    let pem = |content: &str| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", data_encoding::BASE64.encode(content.as_bytes()))
    };
    std::fs::write(&file, pem("one")).unwrap();
    let mut setup = Setup::default();
    let server = setup.databases.get_mut("main").unwrap();
    (server.sslmode, server.ca_file) = (SslMode::VerifyFull, Some(file.clone()));
    let world = World::with(setup);
    world.settle().await;
    assert!(world.is_true(ConditionType::Ready), "{:#}", world.cluster.object(CR)["status"]);
    let secrets = || {
        let prefix = secret_path(&world.id.resource_name(), "database-ca-");
        let found = world.cluster.objects().into_iter().filter(|(path, _)| path.starts_with(&prefix));
        found.map(|(path, it)| (path, it["data"]["ca.crt"].as_str().unwrap().to_owned(), it["immutable"] == true)).collect::<Vec<_>>()
    };
    let content = |pem: &str| data_encoding::BASE64.encode(pem.as_bytes());
    let first = secrets();
    assert!(matches!(&first[..], [(_, data, true)] if *data == content(&pem("one"))), "{first:?}");

    let web = format!("/apis/apps/v1/namespaces/{}/deployments/web", world.id.resource_name());
    let before = world.cluster.object(&web)["spec"]["template"].clone();
    std::fs::write(&file, pem("another")).unwrap();
    world.settle().await;
    let second = secrets();
    assert!(matches!(&second[..], [(path, data, true)] if *data == content(&pem("another")) && *path != first[0].0), "{second:?}");
    assert_ne!(world.cluster.object(&web)["spec"]["template"], before, "pods roll");

    let written = world.cluster.writes().len();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(world.pass().await, None, "nobody takes the authorities from what runs");
    assert_eq!(world.cluster.writes()[written..], [""; 0]);
}

/// A server that is taken up again may have an owner in its database; nobody knows while that can't be asked.
#[tokio::test]
async fn no_owner_is_missed_while_the_database_server_is_away() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut setup = Setup::default();
    let server = setup.databases.get_mut("main").unwrap();
    (server.host, server.port) = ("127.0.0.1".to_owned(), closed);
    let mut world = World::with(setup);
    world.cluster.remove(&secret_path(INBOX_NAMESPACE, "example-owner"));
    world.restart();
    for _ in 0..20 {
        world.pass().await;
        world.cluster.wait(SignedDuration::from_secs(3));
        world.cluster.step();
    }
    assert_eq!(world.condition(ConditionType::OwnerReady).0, "DatabaseServerUnavailable");
    assert!(world.is_true(ConditionType::SecretsReady), "{:#}", world.cluster.object(CR)["status"]);
}

const ISSUED: &str = "2026-01-01T01:00:00Z";

impl World {
    /// The control plane sends a new token.
    fn send_link(&mut self) {
        let keys: Vec<_> = secrets::owner::LINK.iter().map(|key| (*key, "new")).collect();
        self.cluster.put(&secret_path(INBOX_NAMESPACE, "example-owner"), secret(INBOX_NAMESPACE, "example-owner", &keys));
        let mut resource = self.cluster.object(CR);
        resource["spec"]["ownerLink"] = json!({"secretRef": {"name": "example-owner"}, "issued": ISSUED});
        self.cluster.put(CR, resource);
        self.restart();
    }

    fn is_given(&self) -> bool {
        self.is_true(ConditionType::OwnerLinkReady) && self.cluster.object(CR)["status"]["ownerLinkIssued"] == ISSUED
    }
}

#[tokio::test]
async fn a_new_link_is_given_once_and_nothing_of_it_stays() {
    let mut world = World::new();
    world.settle().await;
    let home = world.id.resource_name();
    let identity = world.cluster.object(&secret_path(&home, names::IDENTITY));
    let before = world.content();
    world.send_link();
    world.settle().await;
    assert!(world.is_given(), "{:#}", world.cluster.object(CR)["status"]);
    assert_eq!(world.cluster.object(&secret_path(&home, names::IDENTITY)), identity);
    let mut after = world.content();
    after.get_mut(CR).unwrap()["spec"].as_object_mut().unwrap().remove("ownerLink");
    assert_eq!(after, before, "the Secrets and the Job are gone");

    let written = world.cluster.writes().len();
    world.restart();
    world.settle().await;
    assert_eq!(world.cluster.writes()[written..], [""; 0]);

    let mut resource = world.cluster.object(CR);
    resource["spec"].as_object_mut().unwrap().remove("ownerLink");
    world.cluster.put(CR, resource);
    world.settle().await;
    assert!(!world.cluster.object(CR)["status"]["conditions"].to_string().contains("OwnerLinkReady"));
}

#[tokio::test]
async fn whichever_write_of_a_new_link_fails_it_is_given() {
    let mut golden = World::new();
    golden.settle().await;
    let before = golden.cluster.writes().len();
    golden.send_link();
    golden.settle().await;
    let (wanted, writes) = (golden.content(), golden.cluster.writes().len() - before);
    assert!(writes >= 6, "{:#?}", &golden.cluster.writes()[before..]);
    for number in 0..writes {
        for fault in [Fault::AnswerLost, Fault::Refused(500)] {
            let mut world = World::new();
            world.settle().await;
            world.send_link();
            world.cluster.fail(number, fault);
            world.settle().await;
            assert!(world.is_given(), "{fault:?} at {number}");
            assert_eq!(world.content(), wanted, "{fault:?} at {number}");
        }
    }
}

/// The API server refuses, is away, or commits and is gone before it answers: at each write of a launch one of these.
#[tokio::test]
async fn whichever_write_fails_the_end_is_the_same() {
    let golden = World::new();
    golden.settle().await;
    let wanted = golden.content();
    let writes = golden.cluster.writes().len();
    for number in 0..writes {
        let fault = [Fault::AnswerLost, Fault::Refused(409), Fault::AnswerLost, Fault::Refused(429), Fault::Refused(500)][number % 5];
        let world = World::new();
        world.cluster.fail(number, fault);
        world.settle().await;
        let failed = &world.cluster.writes()[number];
        assert!(world.is_true(ConditionType::Ready), "{fault:?} at {failed}");
        assert_eq!(world.content(), wanted, "{fault:?} at {failed}");
        let asked = world.cluster.writes().len();
        assert!(asked <= 2 * writes, "{fault:?} at {failed}: {asked} writes instead of {writes}");
    }
}
