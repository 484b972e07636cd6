//! The four lifecycle types as columns, and back. The checks of the schema and these conversions say the same; a row that they
//! do not understand is [`Corrupt`].

use howdah_domain::lifecycle::{Cause, Step};
use howdah_domain::{Deletion, Desired, Hold, Operation, OperationKind, OperationState, Standing, StepName, StepState};
use uuid::Uuid;

use super::instance::{DesiredColumns, Instance, StandingColumns};
use super::operation::{Operation as OperationRow, OperationStep};
use crate::error::Corrupt;

impl From<Desired> for DesiredColumns {
    fn from(desired: Desired) -> Self {
        let (hold, deletion, after) = match desired {
            Desired::Running => (None, None, None),
            Desired::ReadOnly { by } | Desired::Suspended { by } => (Some(by.as_str().to_owned()), None, None),
            Desired::Deleted { deletion, after } => (None, Some(deletion.as_str().to_owned()), Some(after)),
        };
        Self { desired_kind: desired.as_str().to_owned(), desired_hold: hold, desired_deletion: deletion, desired_after: after }
    }
}

impl From<&Standing> for StandingColumns {
    fn from(standing: &Standing) -> Self {
        let (until, since, by) = match standing {
            Standing::Incomplete => (None, None, None),
            Standing::Trialing { until } | Standing::Current { until } => (Some(*until), None, None),
            Standing::PastDue { since } | Standing::Lapsed { since } => (None, Some(*since), None),
            Standing::Cancelled { at } => (None, Some(*at), None),
            Standing::Granted { by, until } => (*until, None, Some(by.clone())),
        };
        Self { standing_kind: standing.as_str().to_owned(), standing_until: until, standing_since: since, standing_by: by }
    }
}

impl Instance {
    pub fn desired(&self) -> Result<Desired, Corrupt> {
        let columns = &self.desired;
        let hold = || columns.desired_hold.as_deref().and_then(Hold::parse);
        match columns.desired_kind.as_str() {
            "running" => Some(Desired::Running),
            "read_only" => hold().map(|by| Desired::ReadOnly { by }),
            "suspended" => hold().map(|by| Desired::Suspended { by }),
            "deleted" => {
                let deletion = columns.desired_deletion.as_deref().and_then(Deletion::parse);
                deletion.zip(columns.desired_after).map(|(deletion, after)| Desired::Deleted { deletion, after })
            }
            _ => None,
        }
        .ok_or_else(|| Corrupt::new("instances", self.id, format!("{columns:?}")))
    }

    pub fn standing(&self) -> Result<Standing, Corrupt> {
        let columns = &self.standing;
        let (until, since) = (columns.standing_until, columns.standing_since);
        match columns.standing_kind.as_str() {
            "incomplete" => Some(Standing::Incomplete),
            "trialing" => until.map(|until| Standing::Trialing { until }),
            "current" => until.map(|until| Standing::Current { until }),
            "past_due" => since.map(|since| Standing::PastDue { since }),
            "lapsed" => since.map(|since| Standing::Lapsed { since }),
            "cancelled" => since.map(|at| Standing::Cancelled { at }),
            "granted" => columns.standing_by.clone().map(|by| Standing::Granted { by, until }),
            _ => None,
        }
        .ok_or_else(|| Corrupt::new("instances", self.id, format!("{columns:?}")))
    }

    /// Which way of leaving has begun so that it can't be taken back.
    #[must_use]
    pub fn begun(&self) -> Option<Deletion> {
        let farewell = self.farewell_began_at.map(|_| Deletion::Close);
        let handover = self.handed_over_at.map(|_| Deletion::MoveOut);
        if self.teardown_began_at.is_some() { Some(Deletion::Remove) } else { farewell.or(handover) }
    }
}

impl OperationRow {
    /// With its steps, in their order.
    pub fn with_steps(&self, steps: &[OperationStep]) -> Result<Operation, Corrupt> {
        let corrupt = |what: String| Corrupt::new("operations", self.id, what);
        let failure = match (&self.failed_step, &self.failed_reason) {
            (Some(step), Some(reason)) => {
                let name = StepName::parse(step).ok_or_else(|| corrupt(format!("failed in the step `{step}`")))?;
                Some((name, Cause { reason: reason.clone(), detail: self.failed_detail.clone() }))
            }
            _ => None,
        };
        Ok(Operation {
            kind: OperationKind::parse(&self.kind).ok_or_else(|| corrupt(format!("kind `{}`", self.kind)))?,
            state: OperationState::parse(&self.state).ok_or_else(|| corrupt(format!("state `{}`", self.state)))?,
            steps: steps.iter().map(OperationStep::to_domain).collect::<Result<_, _>>()?,
            failure,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        })
    }
}

impl OperationStep {
    fn to_domain(&self) -> Result<Step, Corrupt> {
        let corrupt = |what: String| Corrupt::new("operation_steps", self.operation_id, what);
        Ok(Step {
            name: StepName::parse(&self.name).ok_or_else(|| corrupt(format!("step `{}`", self.name)))?,
            state: StepState::parse(&self.state).ok_or_else(|| corrupt(format!("step state `{}`", self.state)))?,
            cause: self.reason.clone().map(|reason| Cause { reason, detail: self.detail.clone() }),
            started_at: self.started_at,
            finished_at: self.finished_at,
        })
    }

    pub(super) fn from_domain(operation_id: Uuid, position: i16, step: &Step) -> Self {
        Self {
            operation_id,
            position,
            name: step.name.as_str().to_owned(),
            state: step.state.as_str().to_owned(),
            reason: step.cause.as_ref().map(|it| clip(&it.reason, 63)),
            detail: step.cause.as_ref().and_then(|it| it.detail.as_deref()).map(|it| clip(it, 2000)),
            started_at: step.started_at,
            finished_at: step.finished_at,
        }
    }
}

/// At most that many characters: what a failing part says has no bound of its own.
pub(super) fn clip(text: &str, characters: usize) -> String {
    text.chars().filter(|it| *it != '\0').take(characters).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn what_a_failing_part_says_fits_its_column() {
        assert_eq!(clip("a\0bécd", 4), "abéc");
        let step = Step {
            cause: Some(Cause { reason: "x".repeat(100), detail: Some("é".repeat(3000)) }),
            started_at: Some(DateTime::UNIX_EPOCH),
            ..Step::new(StepName::Farewell)
        };
        let row = OperationStep::from_domain(Uuid::nil(), 0, &step);
        assert_eq!(row.reason.map(|it| it.chars().count()), Some(63));
        assert_eq!(row.detail.map(|it| it.chars().count()), Some(2000));
    }
}
