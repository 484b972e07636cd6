//! The catalogue: a data file, `data/plans.toml`, of plans with resolved numbers for each process, what is included, and prices; of
//! add-ons; and of the rates at which what is used beyond that is charged.
//!
//! The custom resource carries these numbers, never a plan's name.

pub mod add_on;
pub mod fits;
pub mod rates;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};
pub use add_on::{AddOn, Allowance};
pub use fits::TooMuch;
pub use rates::{Class, Rates};

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
    pub database_gib: u32,
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

    /// The price of a month; `None` where it has none in this currency.
    #[must_use]
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.get(&currency).map(|minor| Money::new(*minor, currency))
    }
}

/// The catalogue, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    plans: Vec<Plan>,
    add_ons: Vec<AddOn>,
    rates: Rates,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plan: Vec<Plan>,
    #[serde(default)]
    add_on: Vec<AddOn>,
    /// Where there are none, what is used beyond the plan costs nothing.
    #[serde(default)]
    usage: Rates,
}

/// What is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    #[error("the catalogue of plans is no TOML of the known form")]
    Form(#[from] toml::de::Error),
    #[error("`{0}` is listed twice: plans and add-ons have ids of their own")]
    Twice(String),
    #[error("`{0}` is an id that is not of a-z, 0-9 and -")]
    Id(String),
    #[error("`{0}` has a price below nothing")]
    Price(String),
    #[error("`{id}` has no price in {currency}, and the first plan has: a customer pays everything in one currency")]
    NoPrice { id: String, currency: Currency },
    #[error("the catalogue of plans is empty")]
    Empty,
}

impl Plans {
    /// The catalogue that the program carries.
    ///
    /// # Errors
    /// Never for the file in the repository: a test reads it.
    pub fn built_in() -> Result<Self, PlansError> {
        Self::from_toml(include_str!("../../data/plans.toml"))
    }

    /// # Errors
    /// [`PlansError`].
    pub fn from_toml(text: &str) -> Result<Self, PlansError> {
        let File { plan: plans, add_on: add_ons, usage: rates } = toml::from_str(text)?;
        let first = plans.first().ok_or(PlansError::Empty)?;
        let sold = || plans.iter().map(|it| (&it.id, &it.prices)).chain(add_ons.iter().map(|it| (&it.id, &it.prices)));
        for (position, (id, prices)) in sold().enumerate() {
            check_id(id)?;
            if sold().take(position).any(|(other, _)| other == id) {
                return Err(PlansError::Twice(id.clone()));
            }
            if prices.values().any(|minor| *minor < 0) {
                return Err(PlansError::Price(id.clone()));
            }
            if let Some(currency) = first.prices.keys().find(|it| !prices.contains_key(it)) {
                return Err(PlansError::NoPrice { id: id.clone(), currency: *currency });
            }
        }
        if let Some((class, currency)) = rates.missing(first.prices.keys().copied()) {
            return Err(PlansError::NoPrice { id: class.as_str().to_owned(), currency });
        }
        Ok(Self { plans, add_ons, rates })
    }

    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|it| it.id == id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.plans.iter()
    }

    #[must_use]
    pub fn add_on(&self, id: &str) -> Option<&AddOn> {
        self.add_ons.iter().find(|it| it.id == id)
    }

    pub fn add_ons(&self) -> impl Iterator<Item = &AddOn> {
        self.add_ons.iter()
    }

    #[must_use]
    pub const fn rates(&self) -> &Rates {
        &self.rates
    }
}

fn check_id(id: &str) -> Result<(), PlansError> {
    let is_word = id.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    match is_word && id.starts_with(|it: char| it.is_ascii_lowercase()) && id.len() <= 63 {
        true => Ok(()),
        false => Err(PlansError::Id(id.to_owned())),
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
        let text = include_str!("../../data/plans.toml");
        assert!(matches!(Plans::from_toml(&text.replace("id = \"medium\"", "id = \"small\"")), Err(PlansError::Twice(_))));
        assert!(matches!(Plans::from_toml(&text.replace("id = \"medium\"", "id = \"Medium size\"")), Err(PlansError::Id(_))));
        assert!(matches!(Plans::from_toml(&text.replace("replicas", "copies")), Err(PlansError::Form(_))));
        assert!(matches!(Plans::from_toml("plan = []"), Err(PlansError::Empty)));
        assert!(matches!(Plans::from_toml(&text.replace("id = \"media-100\"", "id = \"small\"")), Err(PlansError::Twice(_))));
        assert!(matches!(Plans::from_toml(&text.replace("EUR = 900,", "EUR = -900,")), Err(PlansError::Price(_))));
        let without_pounds = text.replace(", GBP = 2500", "");
        assert!(matches!(Plans::from_toml(&without_pounds), Err(PlansError::NoPrice { id, .. }) if id == "medium"));
        assert!(matches!(Plans::from_toml(&text.replace("GBP = \"0.08\"", "CHF = \"0.08\"")), Err(PlansError::NoPrice { .. })));
        assert!(matches!(Plans::from_toml(&text.replace("GBP = \"0.08\"", "GBP = \"8 p\"")), Err(PlansError::Form(_))));
        assert!(matches!(Plans::from_toml(&text.replace("adds = { users = 250 }", "adds = {}")), Err(PlansError::Form(_))));
    }
}
