//! What Jobs of `howdah bundle` have in common, whether they make a bundle or bring one back: Howdah's own image, in a pod that may be killed
//! at any moment and then begins again, and an end that says by its exit code whether another try can mend it.

use std::time::Duration;

use howdah_crd::labels::process;
use howdah_crd::{export, secrets};
use serde_json::{Value, json};

use super::environment::{self, from_secret, variable};
use super::pod::{self, PodWish};
use super::quota;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::provider::ObjectStoreEndpoint;

/// uid and gid of Howdah's image.
pub const USER: i64 = 65532;
/// How often a pod may fail, with Kubernetes' growing waits in between: a quarter of an hour in all. Evictions don't count.
const TRIES: u32 = 6;
/// No server takes so long; one that does is stuck.
const LONGEST: Duration = Duration::from_secs(48 * 3600);
/// What it wrote so far is good however it ends, and PID 1 heeds no signal.
const GRACE_SECONDS: i64 = 2;
/// Before the variables of the bundle's place: without it the names are the server's own bucket's.
const PREFIX: &str = "HOWDAH_BUNDLE_";
pub const TERMINATION_LOG: &str = "/dev/termination-log";

/// `container` has arguments and environment; `files`: volumes that it mounts beside those of every such pod.
pub fn template(valid: &Valid<'_>, image: &str, mut container: Value, files: Vec<(Value, Value)>) -> Value {
    let tmp = (json!({"name": "tmp", "emptyDir": {}}), json!({"name": "tmp", "mountPath": "/tmp"}));
    let all = [tmp].into_iter().chain(environment::authorities(valid)).chain(files);
    let (volumes, mounts): (Vec<Value>, Vec<Value>) = all.unzip();
    container["name"] = json!(process::BUNDLE);
    container["image"] = json!(image);
    container["resources"] = pod::resources(&quota::BUNDLE.resources());
    container["volumeMounts"] = json!(mounts);
    let (account, volumes) = (names::BUNDLE_ACCOUNT, json!(volumes));
    let wish = PodWish { process: process::BUNDLE, account, user: USER, grace_seconds: GRACE_SECONDS, volumes, container };
    let mut template = pod::template(valid, wish);
    template["spec"]["restartPolicy"] = json!("Never");
    // It lives by what it started with; that a Secret changes is no reason to begin another.
    template["metadata"]["annotations"] = json!({});
    template
}

/// Of the Job, but for its template.
pub fn spec() -> Value {
    json!({
        "backoffLimit": TRIES,
        "activeDeadlineSeconds": LONGEST.as_secs(),
        "podFailurePolicy": {"rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": process::BUNDLE, "operator": "In", "values": [export::LASTING_FAILURE]},
            },
        ]},
    })
}

/// How the bundle's place is reached, beside the server's own bucket: with the keys of a Secret.
pub fn place(endpoint: &str, region: &str, secret: &str) -> Vec<Value> {
    reached(PREFIX, endpoint, region, secret)
}

/// And the server's own bucket.
pub fn media(valid: &Valid<'_>) -> Vec<Value> {
    let ObjectStoreEndpoint { url, region, .. } = valid.store.endpoint();
    reached("", &url, &region, names::OBJECT_STORE)
}

fn reached(prefix: &str, endpoint: &str, region: &str, secret: &str) -> Vec<Value> {
    let key = |name: &str| from_secret(&format!("{prefix}{name}"), secret, name);
    vec![
        variable(&format!("{prefix}AWS_ENDPOINT_URL"), endpoint),
        variable(&format!("{prefix}AWS_REGION"), region),
        key(secrets::bucket::ACCESS_KEY_ID),
        key(secrets::bucket::SECRET_ACCESS_KEY),
    ]
}
