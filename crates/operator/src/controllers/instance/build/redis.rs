//! The server's own Redis. Two servers can't share one, not even by database number: its pub/sub channels are global.
//! It holds jobs, so it never evicts, and writes every change to its volume.

use howdah_crd::labels::process;
use serde_json::json;

use super::object::process_labels;
use super::{Desired, environment, pod, web};
use crate::cache::{ChildKey, ChildKind, Facts};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::size;

pub const PORT: u16 = 6379;
/// uid and gid of Redis' own image.
pub const USER: i64 = 999;
/// By its standard input: a command line can be read by whoever sees the node's processes.
const START: &str = "exec redis-server - \"$@\" <<EOF\nrequirepass $REDIS_PASSWORD\nEOF";

pub fn redis(valid: &Valid<'_>) -> Vec<Desired> {
    vec![stateful_set(valid), web::service(valid, (process::REDIS, PORT), (process::REDIS, PORT))]
}

/// A volume keeps the size of its birth: neither it nor the StatefulSet's template of it can be changed to another plan's.
pub fn storage(valid: &Valid<'_>) -> String {
    let key = ChildKey { kind: ChildKind::StatefulSet, namespace: Some(valid.namespace.clone()), name: process::REDIS.to_owned() };
    let born_with = valid.children.get(&key).and_then(|child| match &child.facts {
        Facts::Workload(facts) => facts.claim.as_deref(),
        _ => None,
    });
    size::memory_text(size::bytes(born_with.unwrap_or(&valid.spec.resources.redis.storage)))
}

fn stateful_set(valid: &Valid<'_>) -> Desired {
    let wanted = &valid.spec.resources.redis;
    // The rest is for its buffers and the copy-on-write of a rewrite; self-destruct waits while more than half is used.
    let maxmemory = size::bytes(&wanted.process.memory) / 4 * 3;
    let container = json!({
        "name": process::REDIS,
        "image": valid.redis_image,
        "command": ["sh", "-c", START, "redis-server"],
        "args": [
            "--dir", "/data", "--appendonly", "yes", "--save", "", "--maxmemory", maxmemory.to_string(),
            "--maxmemory-policy", "noeviction",
        ],
        "env": [
            environment::from_secret("REDIS_PASSWORD", names::REDIS, "REDIS_PASSWORD"),
            environment::from_secret("REDISCLI_AUTH", names::REDIS, "REDIS_PASSWORD"),
        ],
        "ports": [{"name": "redis", "containerPort": PORT}],
        // `redis-cli` ends well even when the answer is an error.
        "readinessProbe": {
            "exec": {"command": ["sh", "-c", "redis-cli ping | grep -q PONG"]},
            "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 3,
        },
        "livenessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 6},
        "resources": pod::resources(&wanted.process),
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],
    });
    let wish = pod::PodWish {
        process: process::REDIS,
        account: names::REDIS_ACCOUNT,
        user: USER,
        grace_seconds: 30,
        volumes: json!([{"name": "tmp", "emptyDir": {}}]),
        container,
    };
    let mut claim = json!({
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage(valid)}}},
    });
    if let Some(class) = &valid.profile.storage_class {
        claim["spec"]["storageClassName"] = json!(class);
    }
    let body = json!({
        "spec": {
            "serviceName": process::REDIS,
            "replicas": 1,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": process_labels(valid.id, process::REDIS)},
            "template": pod::template(valid, wish),
            "volumeClaimTemplates": [claim],
        },
    });
    Desired::new(valid.id, ChildKind::StatefulSet, Some(&valid.namespace), process::REDIS, body)
}
