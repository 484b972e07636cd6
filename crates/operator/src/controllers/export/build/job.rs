//! The Job: `howdah bundle create`, with the environment that the server's own processes have.
//!
//! Its pod may be killed at any moment, and the next one goes on where it was: what is finished is noted at the destination. A failure that
//! no further try can mend ends the Job by its exit code.

use std::time::Duration;

use howdah_crd::labels::{self, job, process};
use howdah_crd::{ExportDestination, export, secrets};
use serde_json::{Value, json};

use super::owned;
use crate::cache::ChildKind;
use crate::controllers::export::validate::{Destination, Valid};
use crate::controllers::instance::build::environment::{self, variable};
use crate::controllers::instance::build::pod::{self, PodWish};
use crate::controllers::instance::build::{Desired, quota};
use crate::controllers::instance::names;

/// uid and gid of Howdah's image.
const USER: i64 = 65532;
/// One connection holds the snapshot, `pg_dump` has another.
const POOL: i32 = 2;
/// How often a pod may fail, with Kubernetes' growing waits in between: a quarter of an hour in all. Evictions don't count.
const TRIES: u32 = 6;
/// No server takes so long; one that does is stuck.
const LONGEST: Duration = Duration::from_secs(48 * 3600);
/// What it wrote so far is good however it ends, and PID 1 heeds no signal.
const GRACE_SECONDS: i64 = 2;
/// For who looks at its logs; the export itself says all that matters.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Before the variables of the destination: without it the names are the server's own.
const PREFIX: &str = "HOWDAH_BUNDLE_";
const TERMINATION_LOG: &str = "/dev/termination-log";

pub fn job(valid: &Valid<'_>) -> Desired {
    let server = &valid.server;
    let mut mounts = vec![json!({"name": "tmp", "mountPath": "/tmp"})];
    let mut volumes = vec![json!({"name": "tmp", "emptyDir": {}})];
    if let Some((volume, mount)) = environment::authorities(server) {
        volumes.push(volume);
        mounts.push(mount);
    }
    let mut env = environment::rails(server, POOL);
    env.extend(destination(valid));
    let container = json!({
        "name": process::BUNDLE,
        "image": valid.bundles.image,
        "args": arguments(valid),
        "env": env,
        "envFrom": environment::smtp(server),
        "ports": [{"name": "progress", "containerPort": export::PROGRESS_PORT}],
        "resources": pod::resources(&quota::BUNDLE.resources()),
        "volumeMounts": mounts,
    });
    let wish = PodWish {
        process: process::BUNDLE,
        account: names::BUNDLE_ACCOUNT,
        user: USER,
        grace_seconds: GRACE_SECONDS,
        volumes: json!(volumes),
        container,
    };
    let mut template = pod::template(server, wish);
    template["spec"]["restartPolicy"] = json!("Never");
    // It lives by what it started with; that a Secret changes is no reason to begin another.
    template["metadata"]["annotations"] = json!({});
    template["metadata"]["labels"][labels::EXPORT] = json!(valid.id.to_string());
    let body = json!({
        "metadata": {"labels": {labels::JOB: job::EXPORT}},
        "spec": {
            "backoffLimit": TRIES,
            "activeDeadlineSeconds": LONGEST.as_secs(),
            "ttlSecondsAfterFinished": KEPT.as_secs(),
            "podFailurePolicy": {"rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": process::BUNDLE, "operator": "In", "values": [export::LASTING_FAILURE]},
                },
            ]},
            "template": template,
        },
    });
    owned(valid, ChildKind::Job, body)
}

fn arguments(valid: &Valid<'_>) -> Vec<String> {
    let spec = &valid.cr.spec;
    let mut arguments: Vec<String> = ["bundle", "create", "--json", "--to"].map(str::to_owned).into();
    arguments.extend([valid.destination.location(), "--mode".to_owned(), spec.mode.as_argument().to_owned()]);
    arguments.extend(["--mastodon-version".to_owned(), valid.server.spec.version.clone()]);
    arguments.extend(["--progress-listen".to_owned(), format!("0.0.0.0:{}", export::PROGRESS_PORT)]);
    arguments.extend(["--termination-log".to_owned(), TERMINATION_LOG.to_owned()]);
    arguments.extend(spec.recipients.iter().flat_map(|it| ["--recipient".to_owned(), it.clone()]));
    if let Destination::Kept(place) = &valid.destination
        && let Some(earlier) = &place.earlier
    {
        arguments.extend(["--incremental-from".to_owned(), format!("s3://{}/{earlier}", place.bucket)]);
    }
    arguments
}

/// How the destination is reached, beside the server's own bucket.
fn destination(valid: &Valid<'_>) -> Vec<Value> {
    let (endpoint, region) = match &valid.cr.spec.destination {
        ExportDestination::Kept {} => {
            let endpoint = valid.bundle_store.endpoint();
            (endpoint.url, endpoint.region)
        }
        ExportDestination::Bucket { endpoint, region, .. } => (endpoint.clone(), region.clone()),
    };
    let key = |name: &str| environment::from_secret(&format!("{PREFIX}{name}"), &valid.name, name);
    vec![
        variable(&format!("{PREFIX}AWS_ENDPOINT_URL"), endpoint),
        variable(&format!("{PREFIX}AWS_REGION"), region),
        key(secrets::bucket::ACCESS_KEY_ID),
        key(secrets::bucket::SECRET_ACCESS_KEY),
    ]
}
