//! What the namespace may use: the plan's processes, a rolling surge, and room for what else the operator may want at once, so
//! that nothing of it is ever refused, and nothing else fits.
//!
//! While pods of an earlier spec run, they count as they are: lowered at once, the quota would refuse the surge that is to
//! replace them, and the roll would never end. It shrinks when the last of them is gone.

use howdah_crd::labels::process;
use howdah_crd::{ProcessResources, Resources};
use serde_json::json;

use super::{Desired, redis};
use crate::cache::{ChildKind, Facts};
use crate::controllers::instance::validate::Valid;
use crate::size::{MI, Size, cpu_text, memory_text};

/// Rails in a Job of Mastodon's image.
pub const JOB: Size = Size { millis: 100, bytes: 1024 * MI };
/// For pods that say nothing: none of ours does.
const DEFAULT: Size = Size { millis: 50, bytes: 128 * MI };

/// The small server that answers for one that is read-only or suspended. It has its room from a server's first day: a quota that came with it
/// would have to grow on every server of the cluster at once.
pub const GATE: Size = Size { millis: 20, bytes: 64 * MI };
/// The Job that makes a bundle, or brings one back.
pub const BUNDLE: Size = Size { millis: 250, bytes: 512 * MI };

/// cert-manager's solver of one challenge, as it asks by default. Twice: that of the try before may still be going.
const SOLVER: Size = Size { millis: 10, bytes: 64 * MI };
const SOLVERS: u64 = 2;
/// Four, and room: the API server counts a request that was cut off midway until the controller recounts, minutes later.
const SERVICES: u64 = 6;

const NAME: &str = "tenant";

pub fn quota(valid: &Valid<'_>) -> Desired {
    let Resources { web, streaming, sidekiq, scheduler, redis } = &valid.spec.resources;
    let count = |replicas: i32| u64::try_from(replicas).unwrap_or(0);
    // web, streaming and a gate have a surge of one; Sidekiq is recreated, and a Job's pod may still be going when the next one comes.
    let solvers = if valid.cluster_issuer(valid.spec.web_domain()).is_some() { SOLVERS } else { 0 };
    let pods = [
        room(valid, process::WEB, count(web.replicas) + 1, &web.process),
        room(valid, process::STREAMING, count(streaming.replicas) + 1, &streaming.process),
        room(valid, process::SIDEKIQ, count(sidekiq.replicas), &sidekiq.process),
        room(valid, process::SCHEDULER, 1, &scheduler.process),
        room(valid, process::REDIS, 1, &redis.process),
        // Both, or one and its surge.
        (2, GATE),
        (2, JOB),
        (1, BUNDLE),
        (solvers, SOLVER),
    ];
    let cpu = cpu_text(pods.iter().map(|(count, size)| count * size.millis).sum());
    let memory = memory_text(pods.iter().map(|(count, size)| count * size.bytes).sum());
    let body = json!({
        "spec": {
            "hard": {
                "pods": pods.iter().map(|(count, _)| count).sum::<u64>().to_string(),
                "requests.cpu": cpu,
                "requests.memory": memory,
                "limits.memory": memory,
                "persistentvolumeclaims": "1",
                "requests.storage": redis::storage(valid),
                "services": (SERVICES + solvers).to_string(),
                "services.loadbalancers": "0",
                // A solver's Service is one unless its issuer says otherwise; what reaches it there, its policy says.
                "services.nodeports": solvers.to_string(),
            },
        },
    });
    Desired::new(valid.id, ChildKind::ResourceQuota, Some(&valid.namespace), NAME, body)
}

pub fn limits(valid: &Valid<'_>) -> Desired {
    let ProcessResources { cpu, memory } = DEFAULT.resources();
    let body = json!({
        "spec": {
            "limits": [{
                "type": "Container",
                "default": {"memory": memory},
                "defaultRequest": {"cpu": cpu, "memory": memory},
            }],
        },
    });
    Desired::new(valid.id, ChildKind::LimitRange, Some(&valid.namespace), NAME, body)
}

/// So many pods of this process, each of this size: as wanted, or as they run, whichever is more.
fn room(valid: &Valid<'_>, process: &str, wanted: u64, size: &ProcessResources) -> (u64, Size) {
    let running = valid.children.values().filter_map(|child| match &child.facts {
        Facts::Pod(pod) if pod.process == process => pod.holds,
        _ => None,
    });
    let (count, size) = running.fold((0, Size::of(size)), |(count, largest), it| (count + 1, largest.max(it)));
    (wanted.max(count), size)
}

#[cfg(test)]
#[path = "quota_tests.rs"]
mod tests;
