//! Plans: a data file, `data/plans.toml`, with resolved numbers for each process, what is included, and prices.
//!
//! The custom resource carries these numbers, never a plan's name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

/// What one pod asks for, in Kubernetes' quantities: memory is request and limit, CPU a request only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    pub cpu: String,
    pub memory: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    pub replicas: u16,
    /// Puma's processes a pod.
    pub concurrency: u16,
    /// Puma's threads a process.
    pub threads: u16,
    pub process: Process,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streaming {
    pub replicas: u16,
    /// Database connections a process.
    pub db_pool: u16,
    pub process: Process,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidekiq {
    pub replicas: u16,
    pub threads: u16,
    pub process: Process,
}

/// The one Sidekiq that listens to `scheduler`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduler {
    pub threads: u16,
    pub process: Process,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    pub storage: String,
    pub process: Process,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    pub web: Web,
    pub streaming: Streaming,
    pub sidekiq: Sidekiq,
    pub scheduler: Scheduler,
    pub redis: Redis,
}

/// What the price includes. Sizes in GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Included {
    pub own_media_gib: u32,
    pub cached_media_gib: u32,
    /// Local accounts that the plan is made for.
    pub users: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `small`: stable, in the API and the record.
    pub id: String,
    pub name: String,
    pub description: String,
    /// A month, in minor units by currency.
    prices: BTreeMap<Currency, i64>,
    pub included: Included,
    pub resources: Resources,
}

impl Plan {
    /// The prices of a month, by currency.
    pub fn prices(&self) -> impl Iterator<Item = Money> + '_ {
        self.prices.iter().map(|(currency, minor)| Money::new(*minor, *currency))
    }
}

/// The catalogue, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans(Vec<Plan>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plan: Vec<Plan>,
}

/// What is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    #[error("the catalogue of plans is no TOML of the known form")]
    Form(#[from] toml::de::Error),
    #[error("plan `{0}` is listed twice")]
    Twice(String),
    #[error("plan `{0}` has an id that is not of a-z, 0-9 and -")]
    Id(String),
    #[error("the catalogue of plans is empty")]
    Empty,
}

impl Plans {
    /// The catalogue that the program carries.
    ///
    /// # Errors
    /// Never for the file in the repository: a test reads it.
    pub fn built_in() -> Result<Self, PlansError> {
        Self::from_toml(include_str!("../data/plans.toml"))
    }

    /// # Errors
    /// [`PlansError`].
    pub fn from_toml(text: &str) -> Result<Self, PlansError> {
        let File { plan: plans } = toml::from_str(text)?;
        if plans.is_empty() {
            return Err(PlansError::Empty);
        }
        for (position, plan) in plans.iter().enumerate() {
            let is_word = plan.id.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
            if !is_word || !plan.id.starts_with(|it: char| it.is_ascii_lowercase()) || plan.id.len() > 63 {
                return Err(PlansError::Id(plan.id.clone()));
            }
            if plans[..position].iter().any(|it| it.id == plan.id) {
                return Err(PlansError::Twice(plan.id.clone()));
            }
        }
        Ok(Self(plans))
    }

    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Plan> {
        self.0.iter().find(|it| it.id == id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millicores(process: &Process) -> u32 {
        process.cpu.strip_suffix('m').unwrap().parse().unwrap()
    }

    fn mebibytes(process: &Process) -> u32 {
        process.memory.strip_suffix("Mi").unwrap().parse().unwrap()
    }

    /// CPU (millicores) and memory (MiB) of all pods of a plan.
    fn footprint(plan: &Plan) -> (u32, u32) {
        let it = &plan.resources;
        let pods = [
            (it.web.replicas, &it.web.process),
            (it.streaming.replicas, &it.streaming.process),
            (it.sidekiq.replicas, &it.sidekiq.process),
            (1, &it.scheduler.process),
            (1, &it.redis.process),
        ];
        pods.iter().fold((0, 0), |(cpu, memory), (replicas, process)| {
            let replicas = u32::from(*replicas);
            (cpu + replicas * millicores(process), memory + replicas * mebibytes(process))
        })
    }

    #[test]
    fn the_built_in_catalogue_is_sound() {
        let plans = Plans::built_in().unwrap();
        let ids: Vec<&str> = plans.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["small", "medium", "large"]);
        for pair in plans.iter().collect::<Vec<_>>().windows(2) {
            let (smaller, larger) = (pair[0], pair[1]);
            assert!(footprint(smaller) < footprint(larger));
            assert!(smaller.included.own_media_gib < larger.included.own_media_gib);
            assert!(smaller.prices().zip(larger.prices()).all(|(a, b)| a.currency == b.currency && a.minor < b.minor));
        }
    }

    #[test]
    fn ten_small_servers_fit_on_a_small_node() {
        let plans = Plans::built_in().unwrap();
        let (cpu, memory) = footprint(plans.get("small").unwrap());
        assert!(10 * cpu <= 1_500, "{cpu} millicores");
        assert!(10 * memory <= 18 * 1024, "{memory} MiB");
    }

    #[test]
    fn a_wrong_catalogue_is_refused() {
        let text = include_str!("../data/plans.toml");
        assert!(matches!(Plans::from_toml(&text.replace("id = \"medium\"", "id = \"small\"")), Err(PlansError::Twice(_))));
        assert!(matches!(Plans::from_toml(&text.replace("id = \"medium\"", "id = \"Medium size\"")), Err(PlansError::Id(_))));
        assert!(matches!(Plans::from_toml(&text.replace("replicas", "copies")), Err(PlansError::Form(_))));
        assert!(matches!(Plans::from_toml("plan = []"), Err(PlansError::Empty)));
    }
}
