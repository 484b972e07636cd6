//! Whole runs against an API server and an object store in memory, and the lock of a real PostgreSQL: what is there while a run lasts, that
//! nothing is left of it, and that it comes to the same end whatever fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use howdah_crd::export::PROGRESS_PATH;
use howdah_crd::labels::{self, process};
use howdah_crd::{ExportConditionType, MastodonExport, MastodonExportStatus, Reason};
use jiff::SignedDuration;
use kube::runtime::controller::Action;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::context::Context;
use super::reconcile::reconcile;
use crate::controllers::fake_iam::FakeIam;
use crate::controllers::instance::dereference::Dereferenced;
use crate::controllers::instance::fake_cluster::Fault;
use crate::controllers::instance::fixture::{ID, config, dereferenced, object_store, resource, secret, test_database, with_true};
use crate::controllers::instance::names;
use crate::controllers::instance::world::{Setup, World, secret_path};
use crate::metrics::{self, Page};
use crate::provider::ObjectStoreSettings;

const EXPORT: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1f";
const NAME: &str = "mx-agjpbqjnhz5exdc5nz7yvgymd4";
const HOME: &str = "mi-agjpbqjnhz5exdc5nz7yvgymdu";
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const DONE: &str = r#"{"finished":{"size":1234,"contentDigest":"v1:abc"}}"#;

pub fn export() -> Value {
    json!({
        "apiVersion": "howdah.dev/v1alpha1", "kind": "MastodonExport",
        "metadata": {"name": NAME, "namespace": HOME, "uid": "export-uid", "resourceVersion": "9", "generation": 1},
        "spec": {"id": EXPORT, "mode": "Live", "recipients": [RECIPIENT], "destination": {"kept": {}}},
    })
}

/// A server that is set up.
pub fn set_up() -> Dereferenced {
    let mut found = dereferenced(with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]));
    for (name, keys) in [(names::DATABASE, vec!["DB_PASS"]), (names::OBJECT_STORE, vec!["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])] {
        found.secrets.insert(name.to_owned(), secret(&keys));
    }
    found.secrets.insert(names::IDENTITY.to_owned(), secret(&howdah_crd::secrets::identity::REQUIRED));
    found
}

/// A server that is up, a run of it, and the kubelet that runs its pod.
struct Run {
    world: World,
    iam: FakeIam,
    context: Arc<Context>,
    /// Where its pod answers.
    port: u16,
}

fn path(kind: &str, name: &str) -> String {
    let group = match kind {
        "mastodonexports" => "/apis/howdah.dev/v1alpha1",
        "jobs" => "/apis/batch/v1",
        "networkpolicies" => "/apis/networking.k8s.io/v1",
        _ => "/api/v1",
    };
    format!("{group}/namespaces/{HOME}/{kind}/{name}")
}

impl Run {
    async fn begin() -> Self {
        let iam = FakeIam::start().await;
        let stores = BTreeMap::from([("main".to_owned(), ObjectStoreSettings { endpoint: iam.endpoint.clone(), ..object_store() })]);
        let setup = Setup { config: config(), databases: BTreeMap::from([("main".to_owned(), test_database())]), stores };
        let world = World::with(setup);
        world.settle().await;
        world.cluster.put(&path("mastodonexports", NAME), export());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let report = || std::future::ready(r#"{"stage":"copying_media","bytes":7,"bytesTotal":9,"files":1,"rate":3}"#.to_owned());
        tokio::spawn(metrics::serve_page(listener, Page { path: PROGRESS_PATH, content_type: "application/json" }, report));
        let context = Arc::new(Context::asking(Arc::clone(&world.context), port));
        Self { world, iam, context, port }
    }

    /// Everything that is there, but for what is different each time: where the store listens, too.
    fn content(&self) -> String {
        let host = self.iam.endpoint.trim_start_matches("http://");
        serde_json::to_string_pretty(&self.world.content()).unwrap().replace(host, "store")
    }

    /// An operator that was started anew.
    fn restart(&mut self) {
        self.world.restart();
        self.context = Arc::new(Context::asking(Arc::clone(&self.world.context), self.port));
    }

    fn status(&self) -> MastodonExportStatus {
        let cr: MastodonExport = serde_json::from_value(self.world.cluster.object(&path("mastodonexports", NAME))).unwrap();
        cr.status.unwrap_or_default()
    }

    fn condition(&self, type_: ExportConditionType) -> (String, String) {
        let found = self.status().conditions.into_iter().find(|it| it.type_ == type_.as_str()).unwrap();
        (found.status, found.reason)
    }

    fn has(&self, kind: &str) -> bool {
        self.world.cluster.has(&path(kind, NAME))
    }

    async fn pass(&self) -> Option<Action> {
        self.world.deliver();
        let cr = serde_json::from_value(self.world.cluster.object(&path("mastodonexports", NAME))).unwrap();
        let action = reconcile(Arc::new(cr), Arc::clone(&self.context)).await.ok();
        self.world.deliver();
        action
    }

    /// The pod as the kubelet has it: running, or ended with these words.
    fn pod(&self, ended: Option<&str>) {
        let state = ended.map(|words| json!({"terminated": {"exitCode": 0, "message": words}}));
        let phase = if ended.is_some() { "Succeeded" } else { "Running" };
        let labels = json!({
            labels::INSTANCE: ID, labels::EXPORT: EXPORT, labels::PROCESS: process::BUNDLE, "batch.kubernetes.io/job-name": NAME,
        });
        let status = json!({"phase": phase, "podIP": "127.0.0.1", "containerStatuses": state.map(|it| json!([{
            "name": "bundle", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": it,
        }]))});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": HOME, "labels": labels},
            "spec": {"containers": [{"name": "bundle"}]}, "status": status,
        });
        self.world.cluster.put(&path("pods", "pod"), pod);
    }

    fn job_ends(&self, condition: &str, reason: &str) {
        let mut job = self.world.cluster.object(&path("jobs", NAME));
        job["status"] = json!({"conditions": [{
            "type": condition, "status": "True", "reason": reason, "lastTransitionTime": self.world.cluster.now(), "lastProbeTime": null,
        }]});
        self.world.cluster.put(&path("jobs", NAME), job);
    }

    /// Passes until the Job is there; then its pod runs.
    async fn until_it_runs(&self) {
        for _ in 0..20 {
            self.pass().await;
            if self.has("jobs") {
                return self.pod(None);
            }
            self.world.cluster.wait(SignedDuration::from_secs(1));
        }
        panic!("no Job: {:#?}", self.status());
    }

    /// Passes until nothing is held any more.
    async fn until_it_is_over(&self) {
        for _ in 0..20 {
            self.pass().await;
            let cr = self.world.cluster.object(&path("mastodonexports", NAME));
            if cr["metadata"]["finalizers"].as_array().is_some_and(Vec::is_empty) {
                return;
            }
            self.world.cluster.wait(SignedDuration::from_secs(1));
        }
        panic!("it does not end: {:#?}", self.status());
    }

    fn delete(&self) {
        let mut cr = self.world.cluster.object(&path("mastodonexports", NAME));
        cr["metadata"]["deletionTimestamp"] = json!(self.world.cluster.now());
        self.world.cluster.put(&path("mastodonexports", NAME), cr);
    }
}

#[tokio::test]
async fn a_run_has_what_it_needs_and_leaves_nothing() {
    let run = Run::begin().await;
    run.until_it_runs().await;
    let user = run.iam.users()[NAME].clone();
    let policy: Value = serde_json::from_str(&user.policy.unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Resource"], json!([format!("arn:aws:s3:::howdah-bundles/{ID}/{EXPORT}/*")]));
    assert_eq!(policy["Statement"][1]["Condition"], json!({"StringLike": {"s3:prefix": [format!("{ID}/{EXPORT}/*")]}}));
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 2);
    let keys = run.world.cluster.object(&secret_path(HOME, NAME));
    assert_eq!(keys["data"]["AWS_ACCESS_KEY_ID"], data_encoding::BASE64.encode(user.keys[0].as_bytes()));
    assert!(run.has("networkpolicies"));

    run.pass().await;
    let progress = run.status().progress.unwrap();
    assert_eq!((progress.report.stage.as_str(), progress.report.bytes, progress.report.bytes_total), ("copying_media", 7, Some(9)));
    assert_eq!(run.condition(ExportConditionType::Complete), ("False".to_owned(), Reason::Progressing.to_string()));

    run.pod(Some(DONE));
    run.job_ends("Complete", "CompletionsReached");
    run.until_it_is_over().await;
    let status = run.status();
    assert_eq!((status.size, status.content_digest.as_deref(), status.failure), (Some(1234), Some("v1:abc"), None));
    assert!(status.started_at.is_some() && status.finished_at.is_some());
    assert_eq!(run.condition(ExportConditionType::Complete), ("True".to_owned(), Reason::Ready.to_string()));
    assert_eq!(run.condition(ExportConditionType::DestinationReady), ("False".to_owned(), Reason::NotWanted.to_string()));
    assert!(run.iam.users().is_empty(), "{:?}", run.iam.users());
    assert!(!run.has("secrets") && !run.has("networkpolicies") && run.has("jobs"));

    let (written, read) = (run.world.cluster.writes().len(), run.world.cluster.reads().len());
    assert_eq!(run.pass().await, Some(Action::await_change()));
    assert_eq!((run.world.cluster.writes().len(), run.world.cluster.reads().len()), (written, read), "one that is over takes no call");
}

/// It is asked every five seconds, and what stays the same is not written again.
#[tokio::test]
async fn progress_is_written_at_its_pace() {
    let run = Run::begin().await;
    run.until_it_runs().await;
    run.pass().await;
    let at = run.status().progress.unwrap().at;
    let written = run.world.cluster.writes().len();
    run.world.cluster.wait(SignedDuration::from_secs(4));
    run.pass().await;
    assert_eq!(run.world.cluster.writes().len(), written, "{:?}", run.world.cluster.writes());
    run.world.cluster.wait(SignedDuration::from_secs(1));
    run.pass().await;
    assert!(run.status().progress.unwrap().at > at);
}

/// The pruning of the server's own children is not of its export's.
#[tokio::test]
async fn the_servers_own_controller_leaves_it_alone() {
    let run = Run::begin().await;
    run.until_it_runs().await;
    run.world.deliver();
    run.world.pass().await;
    assert!(run.has("jobs") && run.has("secrets") && run.has("networkpolicies"));
}

#[tokio::test]
async fn an_operator_that_starts_anew_goes_on() {
    let mut run = Run::begin().await;
    run.until_it_runs().await;
    let written = run.world.cluster.writes().len();
    run.restart();
    run.pass().await;
    let since = run.world.cluster.writes().split_off(written);
    assert!(since.iter().all(|it| it.ends_with("/status")), "{since:?}");
    assert_eq!(run.iam.keys_made(), 1);
    run.pod(Some(DONE));
    run.job_ends("Complete", "CompletionsReached");
    run.restart();
    run.until_it_is_over().await;
    assert_eq!(run.status().size, Some(1234));
    assert!(run.iam.users().is_empty());
}

#[tokio::test]
async fn a_failure_says_why() {
    let words = r#"{"failed":{"reason":"Secrets","message":"SECRET_KEY_BASE is not set"}}"#;
    for (words, condition_reason, reason, message) in [
        (words, "PodFailurePolicy", "Secrets", "SECRET_KEY_BASE is not set"),
        (words, "DeadlineExceeded", "Deadline", ""),
        ("Killed", "BackoffLimitExceeded", "Interrupted", "Killed"),
    ] {
        let run = Run::begin().await;
        run.until_it_runs().await;
        run.pod(Some(words));
        run.job_ends("Failed", condition_reason);
        run.until_it_is_over().await;
        let failure = run.status().failure.unwrap();
        assert_eq!((failure.reason.as_str(), failure.message.as_str()), (reason, message));
        assert_eq!(run.condition(ExportConditionType::Complete), ("False".to_owned(), Reason::JobFailed.to_string()));
        assert!(run.iam.users().is_empty());
    }
}

/// The Job's end may be seen first; where its pod's words are lost for good, whoever runs again says them.
#[tokio::test]
async fn words_that_are_lost_are_asked_for_again() {
    let run = Run::begin().await;
    run.until_it_runs().await;
    run.world.cluster.remove(&path("pods", "pod"));
    run.job_ends("Complete", "CompletionsReached");
    run.pass().await;
    assert!(run.has("jobs"), "its pod may be seen in a moment");
    run.world.cluster.wait(SignedDuration::from_secs(31));
    run.pass().await;
    assert!(!run.has("jobs"));
    run.until_it_runs().await;
    run.pod(Some(DONE));
    run.job_ends("Complete", "CompletionsReached");
    run.until_it_is_over().await;
    assert_eq!(run.status().size, Some(1234));
}

#[tokio::test]
async fn deleting_it_cancels_the_run() {
    let run = Run::begin().await;
    run.until_it_runs().await;
    run.delete();
    run.pass().await;
    assert!(!run.has("jobs"));
    assert_eq!(run.iam.users().len(), 1, "its pod may still write");
    run.world.cluster.remove(&path("pods", "pod"));
    run.until_it_is_over().await;
    assert!(run.iam.users().is_empty());
}

#[tokio::test]
async fn it_waits_for_a_server_that_is_not_ready() {
    type Change = fn(&mut Value);
    let table: [(&str, Change, Reason); 2] = [
        ("never set up", |it| it["status"]["conditions"] = json!([]), Reason::InstanceNotReady),
        ("refused", |it| it["spec"]["placement"] = json!("moon"), Reason::InstanceNotReady),
    ];
    let run = Run::begin().await;
    let path_of = crate::controllers::instance::world::CR;
    let good = run.world.cluster.object(path_of);
    run.pass().await;
    for (what, change, reason) in table {
        let mut changed = run.world.cluster.object(path_of);
        changed["spec"] = good["spec"].clone();
        changed["status"] = good["status"].clone();
        change(&mut changed);
        run.world.cluster.put(path_of, changed);
        run.pass().await;
        assert_eq!(run.condition(ExportConditionType::Accepted), ("False".to_owned(), reason.to_string()), "{what}");
        assert!(!run.has("jobs") && run.iam.users().is_empty(), "{what}");
    }
}

/// Each write once refused, and once done with its answer lost: the same end, one Job, and no user left.
#[tokio::test]
async fn whatever_write_fails_it_comes_to_the_same_end() {
    async fn whole(fault: Option<(usize, Fault)>) -> (Run, usize) {
        let run = Run::begin().await;
        let before = run.world.cluster.writes().len();
        if let Some((number, fault)) = fault {
            run.world.cluster.fail(number, fault);
        }
        run.until_it_runs().await;
        run.pod(Some(DONE));
        run.job_ends("Complete", "CompletionsReached");
        run.until_it_is_over().await;
        let writes = run.world.cluster.writes().len() - before;
        (run, writes)
    }
    let (golden, writes) = whole(None).await;
    let wanted = golden.content();
    for number in 0..writes {
        for fault in [Fault::Refused(500), Fault::AnswerLost] {
            let (run, _) = whole(Some((number, fault))).await;
            assert_eq!(run.content(), wanted, "{fault:?} at write {number}");
            assert_eq!(run.status().size, Some(1234), "{fault:?} at write {number}");
            assert!(run.iam.users().is_empty(), "{fault:?} at write {number}: {:?}", run.iam.users());
        }
    }
}
