//! Long work with a name and an end. At most one is live in a lane of a server: the record's unique index says so.

use chrono::{DateTime, Utc};

use super::{Cause, LaunchStep, Refusal, Step, StepFact, StepName, StepState, words};

words! {
    OperationKind {
        Create = "create",
        /// A server that a bundle holds: set up, looked at, and put in its old one's place.
        Import = "import",
        MoveOut = "move_out",
        Close = "close",
        Remove = "remove",
        Export = "export",
    }
}

words! {
    /// Operations of one lane exclude each other.
    Lane {
        Exclusive = "exclusive",
        /// Beside whatever else is done to the server.
        Export = "export",
    }
}

impl OperationKind {
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::Create | Self::Import | Self::MoveOut | Self::Close | Self::Remove => Lane::Exclusive,
            Self::Export => Lane::Export,
        }
    }

    /// Its steps, in their order.
    #[must_use]
    pub fn steps(self) -> Vec<StepName> {
        match self {
            Self::Create => LaunchStep::NEW.into_iter().map(StepName::Launch).collect(),
            Self::Import => {
                let launch = LaunchStep::IMPORT.into_iter().map(StepName::Launch);
                launch.chain([StepName::Rehearsal, StepName::CutOver]).collect()
            }
            Self::MoveOut => vec![StepName::Drain, StepName::FinalBundle, StepName::Handover, StepName::Teardown],
            Self::Close => vec![StepName::FinalBundle, StepName::Farewell, StepName::Teardown],
            Self::Remove => vec![StepName::Teardown],
            Self::Export => vec![StepName::Bundle],
        }
    }
}

words! {
    OperationState {
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        /// For good; a step that is tried again is not the operation's failure.
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl OperationState {
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub kind: OperationKind,
    pub state: OperationState,
    pub steps: Vec<Step>,
    /// Where `state` is `Failed`: at which step, and why.
    pub failure: Option<(StepName, Cause)>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl Operation {
    /// Queued, with all steps waiting.
    #[must_use]
    pub fn new(kind: OperationKind, now: DateTime<Utc>) -> Self {
        let steps = kind.steps().into_iter().map(Step::new).collect();
        Self { kind, state: OperationState::Queued, steps, failure: None, created_at: now, started_at: None, finished_at: None }
    }

    /// # Errors
    /// Where it has started or ended.
    pub fn start(self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.state {
            OperationState::Queued => Ok(Self { state: OperationState::Running, started_at: Some(now), ..self }),
            OperationState::Running => Err(Refusal::AlreadyStarted),
            OperationState::Succeeded | OperationState::Failed | OperationState::Cancelled => Err(Refusal::Ended),
        }
    }

    /// What is known now of its steps; it succeeds when every step is over.
    ///
    /// # Errors
    /// Where it has not started, or has ended.
    pub fn advance(self, facts: &[(StepName, StepFact)], now: DateTime<Utc>) -> Result<Self, Refusal> {
        let operation = self.while_running()?;
        let told = |step: Step| match facts.iter().find(|(name, _)| *name == step.name) {
            Some((_, fact)) => step.told(fact, now),
            None => step,
        };
        let steps: Vec<Step> = operation.steps.into_iter().map(told).collect();
        if steps.iter().all(Step::is_over) {
            return Ok(Self { state: OperationState::Succeeded, finished_at: Some(now), steps, ..operation });
        }
        Ok(Self { steps, ..operation })
    }

    /// # Errors
    /// Where it has not started, or has ended.
    pub fn fail(self, step: StepName, cause: Cause, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let operation = self.while_running()?;
        let facts = [(step, StepFact::Failing(cause.clone()))];
        let operation = operation.advance(&facts, now)?;
        Ok(Self { state: OperationState::Failed, failure: Some((step, cause)), finished_at: Some(now), ..operation })
    }

    /// # Errors
    /// Where it has ended.
    pub fn cancel(self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if !self.state.is_live() {
            return Err(Refusal::Ended);
        }
        Ok(Self { state: OperationState::Cancelled, finished_at: Some(now), ..self })
    }

    fn while_running(self) -> Result<Self, Refusal> {
        match self.state {
            OperationState::Queued => Err(Refusal::NotStarted),
            OperationState::Running => Ok(self),
            OperationState::Succeeded | OperationState::Failed | OperationState::Cancelled => Err(Refusal::Ended),
        }
    }

    /// The step at which it is: the first that is not over.
    #[must_use]
    pub fn current_step(&self) -> Option<&Step> {
        self.steps.iter().find(|it| !it.is_over())
    }

    /// The step that holds it up, and why: what ended it, or the first step that is being tried again.
    #[must_use]
    pub fn trouble(&self) -> Option<(StepName, &Cause)> {
        if let Some((step, cause)) = &self.failure {
            return Some((*step, cause));
        }
        let failing = self.steps.iter().find(|it| it.state == StepState::Failed).filter(|_| self.state.is_live())?;
        failing.cause.as_ref().map(|cause| (failing.name, cause))
    }
}
