//! What people see of a server: computed from everything else, total, never stored as truth.

use crate::lifecycle::{Deletion, Desired, Glance, Hold, Operation, OperationKind, OperationState, StepName, StepState, words};

words! {
    Phase {
        /// Waits until it is paid for or granted.
        AwaitingPayment = "awaiting_payment",
        AwaitingApproval = "awaiting_approval",
        Launching = "launching",
        /// It was imported, and can be looked at before it takes its old one's place.
        Rehearsing = "rehearsing",
        /// It is being put in its old one's place.
        CuttingOver = "cutting_over",
        /// A step of the launch fails and is tried again.
        LaunchHeldUp = "launch_held_up",
        /// Everything runs; its address doesn't lead here yet.
        WaitingForAddress = "waiting_for_address",
        Running = "running",
        /// It was launched, and not all of it is well now.
        Unwell = "unwell",
        ReadOnly = "read_only",
        Suspended = "suspended",
        /// It is stopped, and goes to another host: this can be undone.
        MovingOut = "moving_out",
        /// Another host serves its address; what is left of it here is kept for a while.
        MovedOut = "moved_out",
        /// The grace period of a Close: it runs, and this can be undone.
        Closing = "closing",
        /// The grace period of a Remove.
        Removing = "removing",
        /// The grace period is over: what is kept of it is being written.
        MakingFinalBundle = "making_final_bundle",
        FinalBundleHeldUp = "final_bundle_held_up",
        /// Other servers are being told.
        SayingFarewell = "saying_farewell",
        /// Its address is served elsewhere, or something else holds the farewell up.
        FarewellHeldUp = "farewell_held_up",
        /// Its data is being deleted.
        TearingDown = "tearing_down",
        Gone = "gone",
    }
}

/// What is known of a server's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressFacts {
    /// It is the customer's own domain: it needs a proof and the customer's records.
    pub is_own: bool,
    /// Every domain that needs it was proven.
    pub is_proven: bool,
    /// The last look from outside found this server there.
    pub leads_here: bool,
}

/// Everything that a phase is computed from.
#[derive(Debug, Clone, Copy)]
pub struct PhaseFacts<'a> {
    pub desired: Desired,
    /// Nothing of it is left but its row.
    pub is_tombstone: bool,
    /// A Create has succeeded once.
    pub was_launched: bool,
    /// The live operation of the exclusive lane.
    pub operation: Option<&'a Operation>,
    pub observation: Option<&'a Glance>,
    pub address: AddressFacts,
}

#[must_use]
pub fn phase(facts: &PhaseFacts<'_>) -> Phase {
    if facts.is_tombstone {
        return Phase::Gone;
    }
    match facts.desired {
        Desired::Deleted { deletion, .. } => leaving(deletion, facts.operation),
        Desired::Suspended { by: Hold::Approval } => Phase::AwaitingApproval,
        Desired::Suspended { by: Hold::Billing } if !facts.was_launched => Phase::AwaitingPayment,
        Desired::Suspended { by: Hold::Billing } => Phase::Suspended,
        Desired::ReadOnly { .. } => Phase::ReadOnly,
        Desired::Running if facts.was_launched => serving(facts),
        Desired::Running => launching(facts.operation),
    }
}

fn launching(operation: Option<&Operation>) -> Phase {
    let Some(operation) = operation.filter(|it| is_launch(it.kind)) else { return Phase::Launching };
    if operation.trouble().is_some() {
        return Phase::LaunchHeldUp;
    }
    match operation.current_step().map(|it| it.name) {
        Some(StepName::Rehearsal) => Phase::Rehearsing,
        Some(StepName::CutOver) => Phase::CuttingOver,
        _ => Phase::Launching,
    }
}

const fn is_launch(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::Create | OperationKind::Import)
}

fn serving(facts: &PhaseFacts<'_>) -> Phase {
    let is_met = |name| facts.observation.is_some_and(|it| it.is_met(name));
    if !is_met("WorkloadsReady") {
        return Phase::Unwell;
    }
    let leads_here = !facts.address.is_own || (facts.address.is_proven && facts.address.leads_here);
    if !leads_here || !is_met("RouteReady") {
        return Phase::WaitingForAddress;
    }
    if is_met("Ready") { Phase::Running } else { Phase::Unwell }
}

fn leaving(deletion: Deletion, operation: Option<&Operation>) -> Phase {
    let live = operation.filter(|it| !is_launch(it.kind) && it.state == OperationState::Running);
    let step = live.and_then(Operation::current_step);
    match (step.map(|it| (it.name, it.state)), deletion) {
        (Some((StepName::Teardown, StepState::Waiting)), Deletion::MoveOut) => Phase::MovedOut,
        (Some((StepName::Drain | StepName::FinalBundle | StepName::Handover, _)) | None, Deletion::MoveOut) => Phase::MovingOut,
        (Some((StepName::FinalBundle, StepState::Failed)), _) => Phase::FinalBundleHeldUp,
        (Some((StepName::FinalBundle, _)), _) => Phase::MakingFinalBundle,
        (Some((StepName::Farewell, StepState::Failed)), _) => Phase::FarewellHeldUp,
        (Some((StepName::Farewell, _)), _) => Phase::SayingFarewell,
        (Some(_), _) => Phase::TearingDown,
        (None, Deletion::Close) => Phase::Closing,
        (None, Deletion::Remove) => Phase::Removing,
    }
}

impl Phase {
    /// What people read.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "The server starts as soon as it is paid for or granted.",
            Self::AwaitingApproval => "An operator looks at this server before it starts.",
            Self::Launching => "The server is being set up.",
            Self::Rehearsing => "The server was imported. Look at it: nothing of it gets out, and what is written in it is thrown away.",
            Self::CuttingOver => "The server is loaded anew and takes its place.",
            Self::LaunchHeldUp => "A step of the launch fails. It is tried again and goes on by itself once the cause is gone.",
            Self::WaitingForAddress => "The server runs and is waiting for its address to lead to it.",
            Self::Running => "The server is running.",
            Self::Unwell => "Not every part of this server runs as it should: it may be slow, or not answer.",
            Self::ReadOnly => "The server can be read, and nothing can be posted: it is not paid for.",
            Self::Suspended => "The server is suspended: it is not paid for. Its data is kept.",
            Self::MovingOut => "The server is stopped, and on its way to another host. Until that serves its address, this can be undone.",
            Self::MovedOut => "The server has moved: another host serves its address.",
            Self::Closing => "The server will be closed. Until then it runs, and this can be undone.",
            Self::Removing => {
                "The server will be removed by an operator of this platform. Until then it runs, and an operator can undo this."
            }
            Self::MakingFinalBundle => {
                "The server's final bundle is being made. Until it is whole the server runs, and this can be undone."
            }
            Self::FinalBundleHeldUp => "The final bundle can't be made. It is tried again; nothing is announced or deleted before.",
            Self::SayingFarewell => "Other servers are being told to delete this server's accounts.",
            Self::FarewellHeldUp => "The farewell is held up. It goes on by itself once the cause is gone.",
            Self::TearingDown => "The server's data is being deleted.",
            Self::Gone => "The server is gone.",
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::lifecycle::{Cause, LaunchStep, StepFact};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn observation(met: &[&str]) -> Glance {
        Glance { met: met.iter().map(ToString::to_string).collect(), ..Glance::default() }
    }

    fn operation(kind: OperationKind, facts: &[(StepName, StepFact)]) -> Operation {
        Operation::new(kind, NOW).start(NOW).unwrap().advance(facts, NOW).unwrap()
    }

    fn facts(desired: Desired) -> PhaseFacts<'static> {
        PhaseFacts {
            desired,
            is_tombstone: false,
            was_launched: false,
            operation: None,
            observation: None,
            address: AddressFacts::default(),
        }
    }

    #[test]
    fn before_the_launch_is_over() {
        let suspended = |by| facts(Desired::Suspended { by });
        assert_eq!(phase(&suspended(Hold::Billing)), Phase::AwaitingPayment);
        assert_eq!(phase(&suspended(Hold::Approval)), Phase::AwaitingApproval);
        assert_eq!(phase(&facts(Desired::Running)), Phase::Launching);
        let step = StepName::Launch(LaunchStep::Schema);
        let held_up = operation(OperationKind::Create, &[(step, StepFact::Failing(Cause::new("JobFailed", None)))]);
        assert_eq!(phase(&PhaseFacts { operation: Some(&held_up), ..facts(Desired::Running) }), Phase::LaunchHeldUp);
        let of_import = |at: StepName| {
            let steps = OperationKind::Import.steps();
            let done = steps.iter().take_while(|it| **it != at).map(|it| (*it, StepFact::Done));
            operation(OperationKind::Import, &done.chain([(at, StepFact::Running(None))]).collect::<Vec<_>>())
        };
        let data = StepName::Launch(LaunchStep::Data);
        for (at, expected) in [(data, Phase::Launching), (StepName::Rehearsal, Phase::Rehearsing), (StepName::CutOver, Phase::CuttingOver)]
        {
            assert_eq!(phase(&PhaseFacts { operation: Some(&of_import(at)), ..facts(Desired::Running) }), expected);
        }
        let going = operation(OperationKind::Create, &[(step, StepFact::Running(None))]);
        assert_eq!(phase(&PhaseFacts { operation: Some(&going), ..facts(Desired::Running) }), Phase::Launching);
    }

    #[test]
    fn once_launched() {
        let all = observation(&["WorkloadsReady", "RouteReady", "Ready"]);
        let no_route = observation(&["WorkloadsReady"]);
        let broken = observation(&["RouteReady"]);
        let not_all = observation(&["WorkloadsReady", "RouteReady"]);
        let own = |is_proven, leads_here| AddressFacts { is_own: true, is_proven, leads_here };
        let table = [
            (&all, AddressFacts::default(), Phase::Running),
            (&no_route, AddressFacts::default(), Phase::WaitingForAddress),
            (&broken, AddressFacts::default(), Phase::Unwell),
            (&not_all, AddressFacts::default(), Phase::Unwell),
            (&no_route, own(false, false), Phase::WaitingForAddress),
            (&all, own(false, true), Phase::WaitingForAddress),
            (&all, own(true, false), Phase::WaitingForAddress),
            (&all, own(true, true), Phase::Running),
        ];
        for (observation, address, expected) in table {
            let facts = PhaseFacts { was_launched: true, observation: Some(observation), address, ..facts(Desired::Running) };
            assert_eq!(phase(&facts), expected, "{facts:?}");
        }
        assert_eq!(phase(&PhaseFacts { was_launched: true, ..facts(Desired::Running) }), Phase::Unwell);
        assert_eq!(phase(&PhaseFacts { was_launched: true, ..facts(Desired::Suspended { by: Hold::Billing }) }), Phase::Suspended);
        assert_eq!(phase(&PhaseFacts { was_launched: true, ..facts(Desired::ReadOnly { by: Hold::Billing }) }), Phase::ReadOnly);
    }

    #[test]
    fn on_the_way_out() {
        let desired = |deletion| Desired::Deleted { deletion, after: NOW };
        assert_eq!(phase(&facts(desired(Deletion::Close))), Phase::Closing);
        assert_eq!(phase(&facts(desired(Deletion::Remove))), Phase::Removing);
        let bundling = |fact| operation(OperationKind::Close, &[(StepName::FinalBundle, fact)]);
        let close = |fact| operation(OperationKind::Close, &[(StepName::FinalBundle, StepFact::Done), (StepName::Farewell, fact)]);
        let table = [
            (bundling(StepFact::Running(None)), Phase::MakingFinalBundle),
            (bundling(StepFact::Failing(Cause::new("Media", None))), Phase::FinalBundleHeldUp),
            (bundling(StepFact::Skipped), Phase::SayingFarewell),
            (close(StepFact::Running(None)), Phase::SayingFarewell),
            (close(StepFact::Failing(Cause::new("ServedElsewhere", None))), Phase::FarewellHeldUp),
            (close(StepFact::Done), Phase::TearingDown),
            (close(StepFact::Skipped), Phase::TearingDown),
        ];
        for (operation, expected) in table {
            assert_eq!(phase(&PhaseFacts { operation: Some(&operation), ..facts(desired(Deletion::Close)) }), expected);
        }
        let (drained, bundled) = ((StepName::Drain, StepFact::Done), (StepName::FinalBundle, StepFact::Done));
        let handed_over = [drained.clone(), bundled, (StepName::Handover, StepFact::Done)];
        let torn_down = [&handed_over[..], &[(StepName::Teardown, StepFact::Running(None))]].concat();
        for (facts_of_steps, expected) in [
            (&[][..], Phase::MovingOut),
            (&[drained, (StepName::FinalBundle, StepFact::Failing(Cause::new("Media", None)))][..], Phase::MovingOut),
            (&handed_over[..2], Phase::MovingOut),
            (&handed_over[..], Phase::MovedOut),
            (&torn_down[..], Phase::TearingDown),
        ] {
            let operation = operation(OperationKind::MoveOut, facts_of_steps);
            assert_eq!(phase(&PhaseFacts { operation: Some(&operation), ..facts(desired(Deletion::MoveOut)) }), expected);
        }
        assert_eq!(phase(&facts(desired(Deletion::MoveOut))), Phase::MovingOut);
        let remove = operation(OperationKind::Remove, &[]);
        assert_eq!(phase(&PhaseFacts { operation: Some(&remove), ..facts(desired(Deletion::Remove)) }), Phase::TearingDown);
        assert_eq!(phase(&PhaseFacts { is_tombstone: true, ..facts(desired(Deletion::Close)) }), Phase::Gone);
    }
}
