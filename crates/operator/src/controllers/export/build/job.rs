//! The Job: `howdah bundle create`, with the environment that the server's own processes have.
//!
//! A pod that begins again goes on where the one before was: what is finished is noted at the destination.

use std::time::Duration;

use howdah_crd::labels::{self, job};
use howdah_crd::{ExportDestination, export};
use serde_json::{Value, json};

use super::owned;
use crate::cache::ChildKind;
use crate::controllers::export::validate::{Destination, Valid};
use crate::controllers::instance::build::{Desired, bundle, environment};

/// One connection holds the snapshot, `pg_dump` has another.
const POOL: i32 = 2;
/// For who looks at its logs; the export itself says all that matters.
const KEPT: Duration = Duration::from_secs(24 * 3600);

pub fn job(valid: &Valid<'_>) -> Desired {
    let server = &valid.server;
    let mut env = environment::rails(server, POOL);
    env.extend(destination(valid));
    let container = json!({
        "args": arguments(valid),
        "env": env,
        "envFrom": environment::smtp(server),
        "ports": [{"name": "progress", "containerPort": export::PROGRESS_PORT}],
    });
    let mut template = bundle::template(server, &valid.bundles.image, container, vec![]);
    template["metadata"]["labels"][labels::EXPORT] = json!(valid.id.to_string());
    let mut spec = bundle::spec();
    spec["ttlSecondsAfterFinished"] = json!(KEPT.as_secs());
    spec["template"] = template;
    let body = json!({"metadata": {"labels": {labels::JOB: job::EXPORT}}, "spec": spec});
    owned(valid, ChildKind::Job, body)
}

fn arguments(valid: &Valid<'_>) -> Vec<String> {
    let spec = &valid.cr.spec;
    let mut arguments: Vec<String> = ["bundle", "create", "--json", "--to"].map(str::to_owned).into();
    arguments.extend([valid.destination.location(), "--mode".to_owned(), spec.mode.as_argument().to_owned()]);
    arguments.extend(["--mastodon-version".to_owned(), valid.server.spec.version.clone()]);
    arguments.extend(["--progress-listen".to_owned(), format!("0.0.0.0:{}", export::PROGRESS_PORT)]);
    arguments.extend(["--termination-log".to_owned(), bundle::TERMINATION_LOG.to_owned()]);
    arguments.extend(spec.recipients.iter().flat_map(|it| ["--recipient".to_owned(), it.clone()]));
    if let Some(key) = &spec.recovery_key {
        arguments.extend(["--recovery-key".to_owned(), key.clone()]);
    }
    match &valid.destination {
        Destination::Kept(place) => {
            let earlier = place.earlier.as_ref().map(|it| ["--incremental-from".to_owned(), format!("s3://{}/{it}", place.bucket)]);
            arguments.extend(earlier.into_iter().flatten());
        }
        // Wherever its name leads by then: policies of the network are not everywhere enforced.
        Destination::Bucket { .. } => {
            arguments.push("--outside".to_owned());
            let excepted = valid.server.network.outside_allowed_cidrs.iter();
            arguments.extend(excepted.flat_map(|it| ["--outside-allowed-cidr".to_owned(), it.clone()]));
        }
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
    let mut variables = bundle::place(&endpoint, &region, &valid.name);
    if matches!(valid.cr.spec.destination, ExportDestination::Bucket { virtual_hosted: true, .. }) {
        variables.push(environment::variable("HOWDAH_BUNDLE_AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true"));
    }
    variables
}
