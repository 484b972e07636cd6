//! What follows from what is known of a server. Pure and total.

use chrono::{DateTime, Utc};
use howdah_domain::lifecycle::{Cause, LaunchStep, StepFact, farewell_facts, import_facts, launch_facts};
use howdah_domain::{Deletion, Desired, Observation, Operation, OperationKind, OperationState, StepName, failure};

use crate::jobs::ANOTHER_HOST;

pub struct Facts<'a> {
    pub desired: Desired,
    /// The row's.
    pub revision: i64,
    /// The version that the row wants.
    pub version: &'a str,
    pub was_launched: bool,
    /// A look from outside has once found it at its address.
    pub has_answered: bool,
    /// What can't be taken back and has begun: another host serves it ([`Deletion::MoveOut`]), a farewell ([`Deletion::Close`]) or the
    /// teardown ([`Deletion::Remove`]).
    pub begun: Option<Deletion>,
    /// A farewell has begun, whatever came after it.
    pub said_farewell: bool,
    /// Where it is the server of a bundle.
    pub import: Option<Import>,
    /// How far the final bundle is: nothing that can't be taken back begins before it is over.
    pub final_bundle: &'a StepFact,
    /// Of a server that another host serves: what time has brought of what is left of it here.
    pub left: Left,
    /// The live operation of the exclusive lane.
    pub operation: Option<&'a Operation>,
    pub observation: Option<&'a Observation>,
    /// Why nothing can be brought about in the cluster now.
    pub outage: Option<&'a Cause>,
    /// Why the mail relay would not take this server's mail.
    pub relay: Option<&'a Cause>,
    /// A fresh look from outside; `None` where there is none.
    pub leads_here: Option<Result<(), Cause>>,
    pub now: DateTime<Utc>,
}

/// What is left here of a server that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Left {
    /// Its data, so that nothing is lost by a mistake; or it was not handed over.
    #[default]
    Data,
    /// Its data still, for long enough, with a final bundle that was verified.
    DataTooLong,
    /// Its media host alone, which leads to the other host.
    MediaHost,
    /// That still, for long enough.
    MediaHostTooLong,
}

/// How far somebody wants an import to be.
#[derive(Debug, Clone)]
pub struct Import {
    /// Of the pass that is wanted now.
    pub mark: String,
    /// The rehearsal is over.
    pub is_accepted: bool,
}

/// What is written down.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The live operation as it is now.
    pub operation: Option<Operation>,
    pub begin: Option<Begin>,
    pub has_launched: bool,
    pub owner_exists: bool,
}

/// A point of no return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Another host serves its address.
    Handover,
    /// Its data goes, and its media host stays.
    MovedOut,
    Farewell,
    Teardown,
}

impl Begin {
    /// The audit's word.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Handover => "instance.handover",
            Self::MovedOut => "instance.moved_out",
            Self::Farewell => "instance.farewell",
            Self::Teardown => "instance.teardown",
        }
    }
}

#[must_use]
pub fn decide(facts: &Facts<'_>) -> Decision {
    let owner_exists = facts.observation.is_some_and(|it| it.is_met(LaunchStep::Owner.condition()));
    let has_launched = !facts.was_launched && is_up(facts);
    let decision = match facts.desired {
        Desired::Running => launch(facts),
        Desired::Deleted { deletion, .. } if facts.desired.is_due_for_deletion(facts.now) => leave(facts, deletion),
        // In its grace period, or held back: nothing is begun.
        Desired::Deleted { .. } | Desired::ReadOnly { .. } | Desired::Suspended { .. } => Decision::default(),
    };
    Decision { owner_exists, has_launched, ..decision }
}

/// Everything of the launch is there, as the row wants it now. It counts in a grace period too: who is up may be known outside.
fn is_up(facts: &Facts<'_>) -> bool {
    let steps = match &facts.import {
        None => launch_facts(&LaunchStep::NEW, facts.observation, None),
        Some(import) => import_facts(facts.observation, None, &import.mark, import.is_accepted),
    };
    is_up_to_date(facts) && steps.iter().all(|(_, fact)| *fact == StepFact::Done)
}

fn launch(facts: &Facts<'_>) -> Decision {
    let is_launch = |it: &&Operation| matches!(it.kind, OperationKind::Create | OperationKind::Import);
    let Some(operation) = facts.operation.filter(is_launch) else { return Decision::default() };
    let mut steps = match &facts.import {
        None => launch_facts(&LaunchStep::NEW, facts.observation, facts.outage),
        Some(import) => import_facts(facts.observation, facts.outage, &import.mark, import.is_accepted),
    };
    let is_accepted = facts.import.as_ref().is_some_and(|it| it.is_accepted);
    let last = if is_accepted { StepName::CutOver } else { StepName::Launch(LaunchStep::Workloads) };
    if !is_up_to_date(facts) {
        // Workloads of an earlier state of the record are not what was asked for.
        for (name, fact) in &mut steps {
            if *name == last && *fact == StepFact::Done {
                *fact = facts.outage.map_or(StepFact::Running(None), |it| StepFact::Failing(it.clone()));
            }
        }
    }
    if let Some(cause) = facts.relay {
        // Its login is one of the server's secrets. The other steps go on meanwhile.
        for (name, fact) in &mut steps {
            if *name == StepName::Launch(LaunchStep::Secrets) {
                *fact = StepFact::Failing(cause.clone());
            }
        }
    }
    Decision { operation: advanced(operation, &steps, facts.now), ..Decision::default() }
}

/// The observation is about the row as it is.
fn is_up_to_date(facts: &Facts<'_>) -> bool {
    facts.observation.is_some_and(|it| {
        it.observed_revision == Some(facts.revision) && it.version.is_some_and(|version| version.to_string() == facts.version)
    })
}

fn leave(facts: &Facts<'_>, deletion: Deletion) -> Decision {
    let mut steps = vec![(StepName::FinalBundle, facts.final_bundle.clone())];
    let is_kept = matches!(facts.final_bundle, StepFact::Done | StepFact::Skipped);
    let begin = match deletion {
        Deletion::Remove => facts.begun.is_none().then_some(Begin::Teardown),
        Deletion::MoveOut => move_out(facts, &mut steps),
        Deletion::Close if facts.begun.is_none() && !is_kept => None,
        Deletion::Close => {
            let (fact, begin) = farewell(facts);
            steps.push((StepName::Farewell, fact));
            begin
        }
    };
    if facts.begun == Some(Deletion::Remove) || begin == Some(Begin::Teardown) {
        steps.push((StepName::Teardown, teardown(facts)));
    }
    let leaves = |it: &&Operation| matches!(it.kind, OperationKind::MoveOut | OperationKind::Close | OperationKind::Remove);
    let leaving = facts.operation.filter(leaves);
    Decision { operation: leaving.and_then(|it| advanced(it, &steps, facts.now)), begin, ..Decision::default() }
}

/// Stopped, bundled, handed over; its data deleted when that is a while ago, and its media host when that is a year ago.
fn move_out(facts: &Facts<'_>, steps: &mut Vec<(StepName, StepFact)>) -> Option<Begin> {
    let drain = match (facts.final_bundle, facts.outage) {
        (StepFact::Waiting, Some(outage)) => StepFact::Failing(outage.clone()),
        (StepFact::Waiting, None) => StepFact::Running(None),
        _ => StepFact::Done,
    };
    let is_served_elsewhere = matches!(&facts.leads_here, Some(Err(cause)) if cause.reason == ANOTHER_HOST);
    let (handover, begin) = match (facts.begun, facts.final_bundle) {
        (Some(Deletion::MoveOut), bundle) => (StepFact::Done, after_handover(facts.left, bundle)),
        (Some(_), _) => (StepFact::Done, None),
        (None, StepFact::Done) => (StepFact::Running(None), is_served_elsewhere.then_some(Begin::Handover)),
        (None, _) => (StepFact::Waiting, None),
    };
    steps.extend([(StepName::Drain, drain), (StepName::Handover, handover)]);
    begin
}

/// Data goes only where its final bundle is known to be whole.
fn after_handover(left: Left, final_bundle: &StepFact) -> Option<Begin> {
    match left {
        Left::DataTooLong if *final_bundle == StepFact::Done => Some(Begin::MovedOut),
        Left::MediaHostTooLong => Some(Begin::Teardown),
        Left::Data | Left::DataTooLong | Left::MediaHost => None,
    }
}

/// How the farewell is, and what begins by that.
fn farewell(facts: &Facts<'_>) -> (StepFact, Option<Begin>) {
    match facts.begun {
        Some(Deletion::Remove) if facts.said_farewell => (StepFact::Done, None),
        Some(Deletion::Remove) => (StepFact::Skipped, None),
        Some(Deletion::Close) => {
            let pause = facts.leads_here.clone().and_then(Result::err);
            let fact = farewell_facts(facts.observation, pause.or_else(|| facts.outage.cloned()));
            let begin = (fact == StepFact::Done).then_some(Begin::Teardown);
            (fact, begin)
        }
        // Its address is another host's, where a farewell is never said.
        Some(Deletion::MoveOut) => (StepFact::Skipped, None),
        // Nobody out there has ever met this server.
        None if !facts.was_launched || !facts.has_answered => (StepFact::Skipped, Some(Begin::Teardown)),
        None => match &facts.leads_here {
            Some(Ok(())) => (StepFact::Running(None), Some(Begin::Farewell)),
            Some(Err(cause)) => (StepFact::Failing(cause.clone()), None),
            None => (StepFact::Running(None), None),
        },
    }
}

fn teardown(facts: &Facts<'_>) -> StepFact {
    if let Some(outage) = facts.outage {
        return StepFact::Failing(outage.clone());
    }
    let trouble = facts.observation.and_then(|it| it.condition("TeardownConfirmed")).filter(|it| failure::is_trouble(&it.reason));
    match trouble {
        Some(it) => StepFact::Failing(Cause::new(&it.reason, Some(it.message.clone()))),
        None => StepFact::Running(None),
    }
}

/// The operation with these steps, started where it waited. `None` where it has ended.
fn advanced(operation: &Operation, steps: &[(StepName, StepFact)], now: DateTime<Utc>) -> Option<Operation> {
    let operation = match operation.state {
        OperationState::Queued => operation.clone().start(now).ok()?,
        OperationState::Running => operation.clone(),
        OperationState::Succeeded | OperationState::Failed | OperationState::Cancelled => return None,
    };
    operation.advance(steps, now).ok()
}

#[cfg(test)]
mod tests;
