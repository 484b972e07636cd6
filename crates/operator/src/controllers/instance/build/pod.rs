//! What all pods have in common: Pod Security `restricted`, no token, read-only root, one profile.

use howdah_crd::ProcessResources;
use serde_json::{Value, json};

use super::environment;
use super::object::process_labels;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::size::Size;

/// uid and gid of Mastodon's images; a USER given by name fails `runAsNonRoot`.
pub const MASTODON_USER: i64 = 991;
/// Where Mastodon's images have the application.
pub const HOME: &str = "/opt/mastodon";
/// Changes with what lies in the run-time Secrets, so that pods roll with it.
const SECRETS_ANNOTATION: &str = "howdah.dev/secrets";

pub struct PodWish<'a> {
    pub process: &'a str,
    pub account: &'a str,
    pub user: i64,
    pub grace_seconds: i64,
    pub volumes: Value,
    pub container: Value,
}

/// Metadata and spec of a pod template.
pub fn template(valid: &Valid<'_>, wish: PodWish<'_>) -> Value {
    let PodWish { process, account, user, grace_seconds, volumes, mut container } = wish;
    container["securityContext"] = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true,
    });
    container["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    if let Some(policy) = valid.profile.image_pull_policy {
        container["imagePullPolicy"] = json!(policy.as_str());
    }
    let mut spec = json!({
        "serviceAccountName": account,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": grace_seconds,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": user,
            "runAsGroup": user,
            "fsGroup": user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    });
    if !valid.profile.node_selector.is_empty() {
        spec["nodeSelector"] = json!(valid.profile.node_selector);
    }
    if !valid.profile.tolerations.is_empty() {
        spec["tolerations"] = json!(valid.profile.tolerations);
    }
    json!({
        "metadata": {
            "labels": process_labels(valid.id, process),
            "annotations": {SECRETS_ANNOTATION: valid.secrets_digest},
        },
        "spec": spec,
    })
}

/// A pod of Mastodon's own image: `container` has command, environment, ports, probes and resources.
pub fn mastodon(valid: &Valid<'_>, process: &str, grace_seconds: i64, mut container: Value) -> Value {
    container["name"] = json!(process);
    container["workingDir"] = json!(HOME);
    let mut mounts = vec![json!({"name": "tmp", "mountPath": "/tmp"}), json!({"name": "mastodon-tmp", "mountPath": format!("{HOME}/tmp")})];
    let mut volumes = vec![json!({"name": "tmp", "emptyDir": {}}), json!({"name": "mastodon-tmp", "emptyDir": {}})];
    if let Some((volume, mount)) = environment::authorities(valid) {
        volumes.push(volume);
        mounts.push(mount);
    }
    container["volumeMounts"] = json!(mounts);
    let volumes = json!(volumes);
    let account = names::MASTODON_ACCOUNT;
    template(valid, PodWish { process, account, user: MASTODON_USER, grace_seconds, volumes, container })
}

/// Memory is request and limit, CPU a request only: a limit on it would only slow what could be fast.
pub fn resources(process: &ProcessResources) -> Value {
    let ProcessResources { cpu, memory } = Size::of(process).resources();
    json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}})
}

pub fn http_probe(path: &str, port: u16, period_seconds: u32, failures: u32) -> Value {
    json!({
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    })
}
