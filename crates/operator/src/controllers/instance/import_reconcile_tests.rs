//! Whole launches of a bundle's server against an API server and an object store in memory, and a real PostgreSQL, which alone remembers
//! what was loaded when all else forgets.

use std::collections::{BTreeMap, BTreeSet};

use howdah_crd::labels::{self, process};
use howdah_crd::{CERTIFICATES_NAMESPACE, ConditionType, INBOX_NAMESPACE};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use super::super::fake_cluster::Fault;
use super::super::fixture::{IMPORT, config, import, object_store, test_database};
use super::super::names;
use super::super::world::{CR, Setup, World, secret, secret_path};
use crate::controllers::fake_iam::FakeIam;
use crate::provider::{DatabaseServer, ObjectStoreSettings};

/// One for each test, since they run beside each other.
fn id(number: u32) -> String {
    format!("0192f0c1-2d3e-7a4b-8c5d-{:08x}{number:04x}", std::process::id())
}

struct Run {
    world: World,
    iam: FakeIam,
}

impl Run {
    /// A server whose database is there and holds nothing.
    async fn begin(number: u32) -> Self {
        Self::with(number, |_| {}).await
    }

    async fn with(number: u32, change: impl FnOnce(&mut Setup)) -> Self {
        let iam = FakeIam::start().await;
        let stores = BTreeMap::from([("main".to_owned(), ObjectStoreSettings { endpoint: iam.endpoint.clone(), ..object_store() })]);
        let mut setup = Setup { config: config(), databases: BTreeMap::from([("main".to_owned(), test_database())]), stores };
        change(&mut setup);
        let mut resource = import();
        resource["spec"]["id"] = json!(id(number));
        let mut world = World::of(setup, resource);
        let tls = [("tls.crt", "a certificate"), ("tls.key", "its key")];
        world.cluster.put(&secret_path(CERTIFICATES_NAMESPACE, "platform-tls"), secret(CERTIFICATES_NAMESPACE, "platform-tls", &tls));
        world.restart();
        let run = Self { world, iam };
        run.database().ensure(run.world.id, &SecretString::from("x"), 20).await.unwrap();
        run
    }

    fn database(&self) -> DatabaseServer {
        DatabaseServer::new(test_database())
    }

    /// Nothing of it stays on the test's database server.
    async fn end(self) {
        self.database().destroy(self.world.id).await.unwrap();
    }

    async fn sql(&self, statements: &str) {
        let name = self.world.id.resource_name();
        let settings = test_database();
        let mut config = tokio_postgres::Config::new();
        config.host(&settings.host).port(settings.port).user(&name).password("x").dbname(&name);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(statements).await.unwrap();
    }

    /// As the control plane asks for another pass.
    fn ask_for(&self, pass: u32, power: &str) {
        let mut resource = self.world.cluster.object(CR);
        resource["spec"]["bootstrap"]["import"]["pass"] = json!(pass);
        resource["spec"]["powerState"] = json!(power);
        self.world.cluster.put(CR, resource);
    }

    /// The objects of this kind in the server's namespace, by name.
    fn names(&self, kind: &str) -> Vec<String> {
        let part = format!("/namespaces/{}/{kind}/", self.world.id.resource_name());
        let objects = self.world.cluster.objects();
        objects.keys().filter_map(|it| Some(it.split_once(&part)?.1.to_owned())).collect()
    }

    /// Name of the Job that does.
    async fn until_it_loads(&self) -> String {
        for _ in 0..60 {
            self.world.pass().await;
            if let Some(job) = self.names("jobs").into_iter().find(|it| it.starts_with("load")) {
                return job;
            }
            self.world.cluster.step();
        }
        panic!("no Job: {:#}", self.world.cluster.object(CR)["status"]);
    }

    fn pod(&self, process: &str, job: Option<&str>, status: &Value) -> String {
        let home = self.world.id.resource_name();
        let path = format!("/api/v1/namespaces/{home}/pods/{process}");
        let mut labels = json!({labels::INSTANCE: self.world.id.to_string(), labels::PROCESS: process});
        if let Some(job) = job {
            labels["batch.kubernetes.io/job-name"] = json!(job);
        }
        let metadata = json!({"name": process, "namespace": home, "labels": labels});
        let spec = json!({"containers": [{"name": process}]});
        self.world.cluster.put(&path, json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}));
        path
    }

    fn has_key(&self) -> bool {
        self.world.cluster.has(&secret_path(INBOX_NAMESPACE, "example-key"))
    }

    fn loaded(&self) -> Value {
        self.world.cluster.object(CR)["status"]["loaded"].clone()
    }

    fn assert_ready(&self, what: &str) {
        assert!(self.world.is_true(ConditionType::Ready), "{what}: {:#}", self.world.cluster.object(CR)["status"]);
    }

    /// Everything that is there, but for what is different each time: where the store listens, too.
    fn content(&self) -> String {
        let host = self.iam.endpoint.trim_start_matches("http://");
        serde_json::to_string_pretty(&self.world.content()).unwrap().replace(host, "store")
    }
}

#[tokio::test]
async fn a_rehearsal_comes_up_in_order_and_leaves_nobody_who_reads_the_bundle() {
    let run = Run::begin(1).await;
    run.world.settle().await;
    run.assert_ready("a rehearsal");
    assert_eq!(run.loaded(), format!("{IMPORT}/1"));
    assert_eq!(run.world.condition(ConditionType::DataLoaded).0, "Rehearsed");
    let writes = run.world.cluster.writes();
    let first = |part: &str| writes.iter().position(|it| it.contains(part)).unwrap_or_else(|| panic!("no {part}: {writes:#?}"));
    let order =
        ["jobs/flush", "jobs/schema", "jobs/load", "jobs/db-prepare", "jobs/feeds", "deployments/web", "ingresses/preview"].map(first);
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(run.names("deployments"), [process::WEB]);
    assert_eq!(run.names("ingresses"), ["preview"]);
    assert!(run.names("jobs").is_empty() && run.iam.users().is_empty() && run.iam.keys_made() == 1);
    let left = run.names("secrets");
    assert!(!left.iter().any(|it| names::is_bundle_key(it) || it == names::BUNDLE_READER), "{left:?}");
    assert!(run.has_key(), "the next pass needs it again");

    let (written, read) = (run.world.cluster.writes().len(), run.world.cluster.reads().len());
    assert!(run.world.pass().await.is_some());
    assert_eq!((run.world.cluster.writes().len(), run.world.cluster.reads().len()), (written, read), "at rest");
    run.end().await;
}

#[tokio::test]
async fn the_pass_that_is_served_waits_until_nothing_of_the_rehearsal_runs() {
    let run = Run::begin(2).await;
    run.world.settle().await;
    let web = run.pod(process::WEB, None, &json!({"phase": "Running"}));
    run.ask_for(2, "Running");
    let mut resource = run.world.cluster.object(CR);
    resource["spec"]["routing"]["enabled"] = json!(true);
    run.world.cluster.put(CR, resource);
    run.world.settle().await;
    assert!(run.names("deployments").is_empty() && run.names("ingresses").is_empty() && run.names("jobs").is_empty());
    assert_eq!(run.world.condition(ConditionType::DataLoaded), ("Progressing".to_owned(), "what ran before has not ended yet".to_owned()));
    assert_eq!(run.loaded(), Value::Null);

    run.world.cluster.remove(&web);
    run.world.settle().await;
    run.assert_ready("what is served");
    assert_eq!(run.loaded(), format!("{IMPORT}/2"));
    assert_eq!(run.names("deployments"), ["scheduler", "sidekiq", "streaming", "web"]);
    assert_eq!(run.names("ingresses"), ["web"]);
    assert!(!run.has_key() && run.iam.users().is_empty() && run.names("jobs").is_empty());
    let writes = run.world.cluster.writes();
    for kind in ["flush", "schema", "load", "db-prepare", "feeds"] {
        let made: BTreeSet<_> = writes.iter().filter(|it| it.contains("PATCH") && it.contains(&format!("jobs/{kind}-"))).collect();
        assert_eq!(made.len(), 2, "once for each pass: {made:?}");
    }
    run.end().await;
}

#[tokio::test]
async fn what_was_rehearsed_is_not_served() {
    let run = Run::begin(3).await;
    run.world.settle().await;
    let before = run.names("deployments");
    for power in ["Running", "SelfDestruct"] {
        run.ask_for(1, power);
        run.world.settle().await;
        assert_eq!(run.world.condition(ConditionType::Accepted).0, "Rehearsed", "{power}");
        assert_eq!((run.names("deployments"), run.names("ingresses")), (before.clone(), vec!["preview".to_owned()]), "{power}");
    }
    run.end().await;
}

/// The resource was made anew, and its status with it.
#[tokio::test]
async fn what_the_database_says_is_loaded_is_not_loaded_over() {
    let run = Run::begin(4).await;
    run.sql(&format!("CREATE TABLE accounts (id bigint); COMMENT ON TABLE accounts IS '{IMPORT}/1'")).await;
    run.world.settle().await;
    run.assert_ready("taken up again");
    assert_eq!(run.loaded(), format!("{IMPORT}/1"));
    let writes = run.world.cluster.writes();
    assert!(!writes.iter().any(|it| ["jobs/flush", "jobs/schema", "jobs/load"].iter().any(|job| it.contains(job))), "{writes:#?}");
    assert_eq!(run.iam.keys_made(), 0);

    // Nor is what runs taken away, where the status alone was lost.
    let mut resource = run.world.cluster.object(CR);
    resource["status"] = json!({"usage": resource["status"]["usage"], "conditions": []});
    run.world.cluster.put(CR, resource);
    let before = run.world.cluster.writes().len();
    run.world.settle().await;
    run.assert_ready("its status is found out again");
    let writes = run.world.cluster.writes().split_off(before);
    assert!(!writes.iter().any(|it| it.contains("deployments") || it.contains("jobs/schema")), "{writes:#?}");

    // What is marked by an earlier pass is loaded over.
    run.ask_for(2, "Rehearsal");
    run.world.settle().await;
    assert_eq!(run.loaded(), format!("{IMPORT}/2"));
    assert!(run.world.cluster.writes().iter().any(|it| it.contains("jobs/schema")));
    run.end().await;
}

#[tokio::test]
async fn whatever_write_fails_it_comes_to_the_same_end() {
    async fn whole(fault: Option<(usize, Fault)>) -> Run {
        let run = Run::begin(5).await;
        if let Some((number, fault)) = fault {
            run.world.cluster.fail(number, fault);
        }
        run.world.settle().await;
        run
    }
    let golden = whole(None).await;
    let (wanted, writes) = (golden.content(), golden.world.cluster.writes().len());
    for number in 0..writes {
        let fault = [Fault::AnswerLost, Fault::Refused(409), Fault::AnswerLost, Fault::Refused(429), Fault::Refused(500)][number % 5];
        let run = whole(Some((number, fault))).await;
        let failed = run.world.cluster.writes()[number].clone();
        run.assert_ready(&format!("{fault:?} at {failed}"));
        assert_eq!(run.content(), wanted, "{fault:?} at {failed}");
        assert!(run.iam.users().is_empty(), "{fault:?} at {failed}");
    }
    golden.end().await;
}

/// Whatever the operator remembers may be gone between any two of its passes.
#[tokio::test]
async fn an_operator_that_is_started_anew_before_each_pass_comes_to_the_same_end() {
    let golden = Run::begin(6).await;
    golden.world.settle().await;
    golden.ask_for(2, "Running");
    golden.world.settle().await;

    let mut run = Run::begin(6).await;
    for (pass, power) in [(1, "Rehearsal"), (2, "Running")] {
        run.ask_for(pass, power);
        for _ in 0..60 {
            run.world.restart();
            run.world.pass().await;
            run.world.cluster.wait(SignedDuration::from_secs(3));
            run.world.cluster.step();
        }
        run.assert_ready("started anew");
    }
    assert_eq!(run.content(), golden.content());
    let again: Vec<_> = run.world.cluster.writes().into_iter().filter(|it| it.contains("/jobs/load-") && it.starts_with("PATCH")).collect();
    assert_eq!(again.len(), 2, "once for each pass: {again:#?}");
    golden.end().await;
}

#[tokio::test]
async fn it_says_why_it_is_not_loaded() {
    let run = Run::with(7, |setup| setup.config.bundles = None).await;
    run.world.settle().await;
    assert_eq!(run.world.condition(ConditionType::DataLoaded).0, "NotConfigured");
    run.end().await;

    let mut run = Run::begin(7).await;
    run.world.cluster.remove(&secret_path(INBOX_NAMESPACE, "example-key"));
    run.world.restart();
    run.world.settle().await;
    assert_eq!(run.world.condition(ConditionType::DataLoaded), ("SecretNotFound".to_owned(), "example-key".to_owned()));
    run.end().await;

    let run = Run::begin(7).await;
    let job = run.until_it_loads().await;
    let words = "the bundle's secrets don't open what its database holds";
    let ended = json!({"terminated": {"exitCode": 4, "message": words}});
    let status = json!({"name": "bundle", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": ended});
    run.pod(process::BUNDLE, Some(&job), &json!({"phase": "Failed", "containerStatuses": [status]}));
    let path = format!("/apis/batch/v1/namespaces/{}/jobs/{job}", run.world.id.resource_name());
    let mut failed = run.world.cluster.object(&path);
    failed["status"] = json!({"conditions": [{
        "type": "Failed", "status": "True", "reason": "PodFailurePolicy", "lastTransitionTime": run.world.cluster.now(), "lastProbeTime": null,
    }]});
    run.world.cluster.put(&path, failed);
    run.world.cluster.wait(SignedDuration::from_secs(3));
    run.world.pass().await;
    assert_eq!(run.world.condition(ConditionType::DataLoaded), ("JobFailed".to_owned(), words.to_owned()));
    // The next try comes after a while, and goes well.
    run.world.settle().await;
    run.world.cluster.wait(SignedDuration::from_secs(5));
    run.world.settle().await;
    run.assert_ready("the second try");
    run.end().await;
}

/// Data stays, since nobody has confirmed that it may go; a user that reads somebody's bundle doesn't.
#[tokio::test]
async fn a_resource_that_is_deleted_while_it_is_loaded_leaves_no_user() {
    let run = Run::begin(8).await;
    run.until_it_loads().await;
    assert_eq!(run.iam.users().keys().cloned().collect::<Vec<_>>(), [names::bundle_reader(run.world.id)]);
    let mut resource = run.world.cluster.object(CR);
    resource["metadata"]["deletionTimestamp"] = json!(run.world.cluster.now());
    run.world.cluster.put(CR, resource);
    for _ in 0..5 {
        run.world.pass().await;
    }
    assert_eq!(run.world.cluster.object(CR)["metadata"]["finalizers"], json!([]));
    assert!(run.iam.users().is_empty());
    assert!(run.has_key(), "a resource with the same id takes it up again");
    run.end().await;
}
