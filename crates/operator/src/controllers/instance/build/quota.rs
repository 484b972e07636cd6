//! What the namespace may use: the plan's processes, a rolling surge, and room for the gate and one Job of each kind, so that
//! nothing the operator wants is ever refused, and nothing else fits.

use howdah_crd::{ProcessResources, Resources};
use serde_json::json;

use super::Desired;
use crate::cache::ChildKind;
use crate::controllers::instance::validate::Valid;

/// Rails in a Job of Mastodon's image.
pub const JOB: Size = Size { millis: 100, bytes: 1024 * MI };
/// The small server that answers for a server that is read-only or suspended.
const GATE: Size = Size { millis: 20, bytes: 64 * MI };
const BUNDLE: Size = Size { millis: 250, bytes: 512 * MI };
/// For pods that say nothing: none of ours does.
const DEFAULT: Size = Size { millis: 50, bytes: 128 * MI };

const MI: u64 = 1024 * 1024;
const NAME: &str = "tenant";

/// What one pod asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    millis: u64,
    bytes: u64,
}

impl Size {
    fn of(process: &ProcessResources) -> Self {
        Self { millis: millis(&process.cpu), bytes: bytes(&process.memory) }
    }

    pub fn resources(self) -> ProcessResources {
        ProcessResources { cpu: cpu_text(self.millis), memory: memory_text(self.bytes) }
    }
}

pub fn quota(valid: &Valid<'_>) -> Desired {
    let Resources { web, streaming, sidekiq, scheduler, redis } = &valid.spec.resources;
    let count = |replicas: i32| u64::try_from(replicas).unwrap_or(0);
    // web and streaming have a surge of one; Sidekiq is recreated, and a Job's pod may still be going when the next one comes.
    let pods = [
        (count(web.replicas) + 1, Size::of(&web.process)),
        (count(streaming.replicas) + 1, Size::of(&streaming.process)),
        (count(sidekiq.replicas), Size::of(&sidekiq.process)),
        (1, Size::of(&scheduler.process)),
        (1, Size::of(&redis.process)),
        (1, GATE),
        (2, JOB),
        (1, BUNDLE),
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
                "requests.storage": memory_text(bytes(&redis.storage)),
                "services": "3",
                "services.loadbalancers": "0",
                "services.nodeports": "0",
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

/// As the API server writes it back: what is written otherwise would look changed for ever.
pub fn canonical(process: &ProcessResources) -> ProcessResources {
    Size::of(process).resources()
}

fn millis(cpu: &str) -> u64 {
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    cpu.strip_suffix('m').map_or_else(|| number(cpu) * 1000, number)
}

pub fn bytes(memory: &str) -> u64 {
    let (number, unit) = memory.split_at(memory.len().saturating_sub(2));
    let shift = match unit {
        "Ki" => 10,
        "Mi" => 20,
        "Gi" => 30,
        "Ti" => 40,
        _ => return memory.parse().unwrap_or(0),
    };
    number.parse::<u64>().unwrap_or(0).saturating_mul(1 << shift)
}

fn cpu_text(millis: u64) -> String {
    if millis.is_multiple_of(1000) { (millis / 1000).to_string() } else { format!("{millis}m") }
}

pub fn memory_text(bytes: u64) -> String {
    let units = [(40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")];
    match units.iter().find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1 << shift)) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_the_api_server_does() {
        for (given, wanted) in [("1024Mi", "1Gi"), ("768Mi", "768Mi"), ("1536Mi", "1536Mi"), ("2048Ki", "2Mi"), ("1Ti", "1Ti")] {
            assert_eq!(memory_text(bytes(given)), wanted);
        }
        for (given, wanted) in [("1000m", "1"), ("250m", "250m"), ("2", "2"), ("1500m", "1500m")] {
            assert_eq!(cpu_text(millis(given)), wanted);
        }
    }
}
