//! The steps of an operation, and what an observation says of each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{FarewellStage, Observation, words};
use crate::failure;

words! {
    /// The steps of a launch, in the order in which the operator takes them: no cache before there is a place for the data.
    LaunchStep {
        Namespace = "namespace",
        Secrets = "secrets",
        Database = "database",
        Bucket = "bucket",
        Cache = "cache",
        /// Of an import: its bundle's rows and media.
        Data = "data",
        Schema = "schema",
        Owner = "owner",
        Configuration = "configuration",
        Workloads = "workloads",
    }
}

impl LaunchStep {
    /// The condition of the custom resource that says whether it is done.
    #[must_use]
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Namespace => "NamespaceReady",
            Self::Secrets => "SecretsReady",
            Self::Database => "DatabaseReady",
            Self::Bucket => "BucketReady",
            Self::Cache => "CacheReady",
            Self::Data => "DataLoaded",
            Self::Schema => "SchemaReady",
            Self::Owner => "OwnerReady",
            Self::Configuration => "Configured",
            Self::Workloads => "WorkloadsReady",
        }
    }
}

/// A step of any operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepName {
    Launch(LaunchStep),
    /// Other servers are told to delete this one's accounts.
    Farewell,
    /// Route, namespace, database, role, bucket and S3 user are deleted.
    Teardown,
    /// All that the server is, is written to a bundle.
    Bundle,
}

impl StepName {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Launch(step) => step.as_str(),
            Self::Farewell => "farewell",
            Self::Teardown => "teardown",
            Self::Bundle => "bundle",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "farewell" => Some(Self::Farewell),
            "teardown" => Some(Self::Teardown),
            "bundle" => Some(Self::Bundle),
            other => LaunchStep::parse(other).map(Self::Launch),
        }
    }
}

words! {
    StepState {
        Waiting = "waiting",
        Running = "running",
        Succeeded = "succeeded",
        /// Something is wrong; it is tried again, and goes on by itself once the cause is gone.
        Failed = "failed",
        /// Not needed this time.
        Skipped = "skipped",
    }
}

/// Why a step is not done: a machine reason, and what the failing part said (for operators' eyes).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    pub reason: String,
    pub detail: Option<String>,
}

impl Cause {
    #[must_use]
    pub fn new(reason: &str, detail: Option<String>) -> Self {
        Self { reason: reason.to_owned(), detail }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: StepName,
    pub state: StepState,
    /// Where `state` is `Failed`, or where it waits for something that has a name.
    pub cause: Option<Cause>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl Step {
    #[must_use]
    pub const fn new(name: StepName) -> Self {
        Self { name, state: StepState::Waiting, cause: None, started_at: None, finished_at: None }
    }

    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, StepState::Succeeded | StepState::Skipped)
    }

    /// The same step as `fact` has it; the time of its start stays.
    #[must_use]
    pub(super) fn told(self, fact: &StepFact, now: DateTime<Utc>) -> Self {
        let (state, cause) = match fact {
            StepFact::Waiting => (StepState::Waiting, None),
            StepFact::Running(cause) => (StepState::Running, cause.clone()),
            StepFact::Failing(cause) => (StepState::Failed, Some(cause.clone())),
            StepFact::Done => (StepState::Succeeded, None),
            StepFact::Skipped => (StepState::Skipped, None),
        };
        let is_over = matches!(state, StepState::Succeeded | StepState::Skipped);
        let has_started = state != StepState::Waiting && state != StepState::Skipped;
        Self {
            name: self.name,
            state,
            cause,
            started_at: self.started_at.or(has_started.then_some(now)),
            finished_at: if is_over { self.finished_at.or(Some(now)) } else { None },
        }
    }
}

/// What is known of a step now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepFact {
    Waiting,
    Running(Option<Cause>),
    Failing(Cause),
    Done,
    Skipped,
}

/// What an observation says of a launch's steps. `outage`: why no observation can be had (the cluster is away, say).
#[must_use]
pub fn launch_facts(observation: Option<&Observation>, outage: Option<&Cause>) -> Vec<(StepName, StepFact)> {
    let mut all_before_done = true;
    let mut facts = Vec::with_capacity(LaunchStep::ALL.len());
    for step in LaunchStep::ALL {
        let fact = launch_fact(*step, observation, outage, all_before_done);
        all_before_done &= fact == StepFact::Done;
        facts.push((StepName::Launch(*step), fact));
    }
    facts
}

fn launch_fact(step: LaunchStep, observation: Option<&Observation>, outage: Option<&Cause>, is_next: bool) -> StepFact {
    let condition = observation.and_then(|it| it.condition(step.condition()));
    if condition.is_some_and(|it| it.met == Some(true)) {
        return StepFact::Done;
    }
    if let Some(outage) = outage {
        return if is_next { StepFact::Failing(outage.clone()) } else { StepFact::Waiting };
    }
    // What is wrong with the spec as a whole shows at the step that it holds up.
    let refused = observation.and_then(|it| it.condition("Accepted")).filter(|it| it.met == Some(false) && is_next);
    match refused.or(condition) {
        Some(it) if failure::is_trouble(&it.reason) => StepFact::Failing(Cause::new(&it.reason, Some(it.message.clone()))),
        Some(it) if it.reason != "Waiting" => StepFact::Running(None),
        _ if is_next => StepFact::Running(None),
        _ => StepFact::Waiting,
    }
}

/// What is known of a farewell: how far it is, or why no pass is made.
#[must_use]
pub fn farewell_facts(observation: Option<&Observation>, pause: Option<Cause>) -> StepFact {
    if observation.is_some_and(Observation::farewell_is_complete) {
        return StepFact::Done;
    }
    if let Some(cause) = pause {
        return StepFact::Failing(cause);
    }
    let trouble = observation.and_then(|it| it.condition("FarewellComplete")).filter(|it| failure::is_trouble(&it.reason));
    if let Some(it) = trouble {
        return StepFact::Failing(Cause::new(&it.reason, Some(it.message.clone())));
    }
    let progress = observation.and_then(|it| it.farewell).map(|it| match it.stage {
        FarewellStage::Accounts => Cause::new("Announcing", Some(format!("{} accounts are pending deletion", it.pending_accounts))),
        FarewellStage::Notices => Cause::new("Announcing", Some("deletion notices are being delivered".to_owned())),
        FarewellStage::Sent => Cause::new("Announcing", Some("every deletion notice has been sent".to_owned())),
    });
    StepFact::Running(progress)
}
