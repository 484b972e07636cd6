//! What a pod asks for: Kubernetes' quantities read, compared, and written as the API server writes them back, since what is
//! written otherwise would look changed for ever.

use howdah_crd::ProcessResources;
use k8s_openapi::api::core::v1::PodSpec;

pub const MI: u64 = 1024 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Thousandths of a CPU.
    pub millis: u64,
    /// Of memory.
    pub bytes: u64,
}

impl Size {
    #[must_use]
    pub fn of(process: &ProcessResources) -> Self {
        Self { millis: millis(&process.cpu), bytes: bytes(&process.memory) }
    }

    /// What a pod that is there asks for. What is not written as we write it counts for nothing.
    #[must_use]
    pub fn of_pod(pod: &PodSpec) -> Self {
        let requests = pod.containers.iter().filter_map(|it| it.resources.as_ref()?.requests.as_ref());
        requests.fold(Self::default(), |sum, it| Self {
            millis: sum.millis + it.get("cpu").map_or(0, |it| millis(&it.0)),
            bytes: sum.bytes + it.get("memory").map_or(0, |it| bytes(&it.0)),
        })
    }

    /// Enough for either.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { millis: self.millis.max(other.millis), bytes: self.bytes.max(other.bytes) }
    }

    #[must_use]
    pub fn resources(self) -> ProcessResources {
        ProcessResources { cpu: cpu_text(self.millis), memory: memory_text(self.bytes) }
    }
}

fn millis(cpu: &str) -> u64 {
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    cpu.strip_suffix('m').map_or_else(|| number(cpu).saturating_mul(1000), number)
}

#[must_use]
pub fn bytes(memory: &str) -> u64 {
    let Some((number, unit)) = memory.split_at_checked(memory.len().saturating_sub(2)) else { return 0 };
    let shift = match unit {
        "Ki" => 10,
        "Mi" => 20,
        "Gi" => 30,
        "Ti" => 40,
        _ => return memory.parse().unwrap_or(0),
    };
    number.parse::<u64>().unwrap_or(0).saturating_mul(1 << shift)
}

#[must_use]
pub fn cpu_text(millis: u64) -> String {
    if millis.is_multiple_of(1000) { (millis / 1000).to_string() } else { format!("{millis}m") }
}

#[must_use]
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
        for odd in ["", "i", "é", "1e3", "0.5Gi"] {
            assert_eq!(bytes(odd), 0, "{odd}");
        }
    }
}
