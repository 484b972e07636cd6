//! Every pair of state and event, listed.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::billing::Access;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn later() -> DateTime<Utc> {
    NOW + TimeDelta::days(14)
}

#[test]
fn desired() {
    use Refusal::{AlreadyLeaving, FarewellBegan, GraceOver, HandedOver, NotLeaving, TeardownBegan};
    let running = Desired::Running;
    let read_only = Desired::ReadOnly { by: Hold::Billing };
    let suspended = |by| Desired::Suspended { by };
    let unpaid = suspended(Hold::Billing);
    let unapproved = suspended(Hold::Approval);
    let closing = Desired::Deleted { deletion: Deletion::Close, after: later() };
    let removing = Desired::Deleted { deletion: Deletion::Remove, after: later() };
    let moving = Desired::Deleted { deletion: Deletion::MoveOut, after: later() };
    let staying = [running, read_only, unpaid, unapproved];
    let leaving = [closing, removing, moving];

    for state in staying {
        assert_eq!(state.hold_to(Access::Run), Ok(running));
        assert_eq!(state.hold_to(Access::ReadOnly), Ok(read_only));
        assert_eq!(state.hold_to(Access::Suspend(Hold::Billing)), Ok(unpaid));
        assert_eq!(state.hold_to(Access::Suspend(Hold::Approval)), Ok(unapproved));
        assert_eq!(state.undo(Access::Run, None), Err(NotLeaving));
        assert_eq!(state.end_grace(NOW), Err(NotLeaving));
        for begun in [None, Some(Deletion::MoveOut), Some(Deletion::Close), Some(Deletion::Remove)] {
            assert_eq!(state.delete(Deletion::MoveOut, later(), begun), Ok(moving));
            assert_eq!(state.delete(Deletion::Close, later(), begun), Ok(closing));
            assert_eq!(state.delete(Deletion::Remove, later(), begun), Ok(removing));
        }
    }
    for state in leaving {
        for access in [Access::Run, Access::ReadOnly, Access::Suspend(Hold::Billing), Access::Suspend(Hold::Approval)] {
            assert_eq!(state.hold_to(access), Err(AlreadyLeaving));
        }
        assert_eq!(state.undo(Access::Run, None), Ok(running));
        assert_eq!(state.undo(Access::ReadOnly, None), Ok(read_only));
        assert_eq!(state.undo(Access::Suspend(Hold::Approval), None), Ok(unapproved));
        assert_eq!(state.undo(Access::Run, Some(Deletion::MoveOut)), Err(HandedOver));
        assert_eq!(state.undo(Access::Run, Some(Deletion::Close)), Err(FarewellBegan));
        assert_eq!(state.undo(Access::Run, Some(Deletion::Remove)), Err(TeardownBegan));
        for deletion in [Deletion::MoveOut, Deletion::Close] {
            assert_eq!(state.delete(deletion, later(), None), Err(AlreadyLeaving));
        }
        assert_eq!(state.end_grace(later()), Err(GraceOver));
    }
    assert_eq!(closing.end_grace(NOW), Ok(Desired::Deleted { deletion: Deletion::Close, after: NOW }));
    assert_eq!(removing.end_grace(NOW), Ok(Desired::Deleted { deletion: Deletion::Remove, after: NOW }));
    for (state, begun) in [(closing, Deletion::Close), (moving, Deletion::MoveOut)] {
        assert_eq!(state.delete(Deletion::Remove, NOW, None), Ok(Desired::Deleted { deletion: Deletion::Remove, after: NOW }));
        assert_eq!(state.delete(Deletion::Remove, NOW, Some(begun)), Err(AlreadyLeaving));
    }
    assert_eq!(removing.delete(Deletion::Remove, NOW, None), Err(AlreadyLeaving));

    assert!(closing.is_due_for_deletion(later()));
    assert!(!closing.is_due_for_deletion(later() - TimeDelta::seconds(1)));
    assert!(staying.iter().all(|it| !it.is_due_for_deletion(later())));
}

#[test]
fn operation() {
    use OperationState::{Cancelled, Failed, Queued, Running, Succeeded};
    use Refusal::{AlreadyStarted, Ended, NotStarted};

    type Event = (&'static str, fn(Operation) -> Result<Operation, Refusal>);
    let events: [Event; 5] = [
        ("start", |it| it.start(NOW)),
        ("advance", |it| it.advance(&[], NOW)),
        ("finish", |it| it.advance(&[(StepName::Teardown, StepFact::Done)], NOW)),
        ("fail", |it| it.fail(StepName::Teardown, Cause::new("Error", None), NOW)),
        ("cancel", |it| it.cancel(NOW)),
    ];
    let queued = || Operation::new(OperationKind::Remove, NOW);
    let running = || queued().start(NOW).unwrap();
    let states: [(OperationState, Operation); 5] = [
        (Queued, queued()),
        (Running, running()),
        (Succeeded, running().advance(&[(StepName::Teardown, StepFact::Done)], NOW).unwrap()),
        (Failed, running().fail(StepName::Teardown, Cause::new("Error", None), NOW).unwrap()),
        (Cancelled, running().cancel(NOW).unwrap()),
    ];
    let expected = |state, event| match (state, event) {
        (Queued, "start") | (Running, "advance") => Ok(Running),
        (Running, "start") => Err(AlreadyStarted),
        (Queued, "advance" | "finish" | "fail") => Err(NotStarted),
        (Running, "finish") => Ok(Succeeded),
        (Running, "fail") => Ok(Failed),
        (Queued | Running, "cancel") => Ok(Cancelled),
        (Succeeded | Failed | Cancelled, _) => Err(Ended),
        (state, event) => panic!("{event} in {state} is not in the table"),
    };
    for (state, operation) in states {
        assert_eq!(operation.state, state);
        assert_eq!(operation.finished_at.is_some(), !state.is_live());
        for (name, event) in events {
            assert_eq!(event(operation.clone()).map(|it| it.state), expected(state, name), "{name} in {state}");
        }
    }
}

fn observation(conditions: &[(&str, Option<bool>, &str)]) -> Observation {
    let condition = |(name, met, reason): &(&str, Option<bool>, &str)| Condition {
        name: (*name).to_owned(),
        met: *met,
        reason: (*reason).to_owned(),
        message: "said so".to_owned(),
        since: NOW,
    };
    Observation {
        generation: 1,
        observed_generation: Some(1),
        observed_revision: Some(1),
        version: None,
        endpoints: None,
        usage: None,
        farewell: None,
        loaded: None,
        owner_link_issued: None,
        conditions: conditions.iter().map(condition).collect(),
    }
}

fn states(operation: &Operation) -> Vec<&'static str> {
    operation.steps.iter().map(|it| it.state.as_str()).collect()
}

#[test]
fn a_launch_follows_its_conditions_and_goes_on_once_the_cause_is_gone() {
    let create = Operation::new(OperationKind::Create, NOW).start(NOW).unwrap();
    let create = create.advance(&launch_facts(&LaunchStep::NEW, None, None), NOW).unwrap();
    assert_eq!(states(&create), ["running", "waiting", "waiting", "waiting", "waiting", "waiting", "waiting", "waiting", "waiting"]);

    let begun = [
        ("NamespaceReady", Some(true), "Ready"),
        ("SecretsReady", Some(true), "Ready"),
        ("DatabaseReady", Some(false), "DatabaseServerUnavailable"),
        ("BucketReady", Some(true), "Ready"),
        ("CacheReady", Some(false), "Progressing"),
        ("SchemaReady", Some(false), "Waiting"),
    ];
    let stuck = create.advance(&launch_facts(&LaunchStep::NEW, Some(&observation(&begun)), None), later()).unwrap();
    assert_eq!(states(&stuck)[..6], ["succeeded", "succeeded", "failed", "succeeded", "running", "waiting"]);
    assert_eq!(stuck.state, OperationState::Running);
    let (step, cause) = stuck.trouble().unwrap();
    assert_eq!((step.as_str(), cause.reason.as_str()), ("database", "DatabaseServerUnavailable"));
    assert_eq!((stuck.steps[0].started_at, stuck.steps[0].finished_at), (Some(NOW), Some(later())));

    let all: Vec<(&str, Option<bool>, &str)> = LaunchStep::NEW.iter().map(|it| (it.condition(), Some(true), "Ready")).collect();
    let done = stuck.advance(&launch_facts(&LaunchStep::NEW, Some(&observation(&all)), None), later()).unwrap();
    assert_eq!(done.state, OperationState::Succeeded);
    assert_eq!(done.trouble(), None);
    assert!(done.steps.iter().all(|it| it.cause.is_none() && it.finished_at.is_some() && it.started_at.is_some()));
}

#[test]
fn an_import_waits_for_a_decision_and_is_loaded_anew() {
    let met: Vec<(&str, Option<bool>, &str)> = LaunchStep::IMPORT.iter().map(|it| (it.condition(), Some(true), "Ready")).collect();
    let loaded = |mark: &str| Observation { loaded: Some(mark.to_owned()), ..observation(&met) };
    let running =
        |facts: &[(StepName, StepFact)]| Operation::new(OperationKind::Import, NOW).start(NOW).unwrap().advance(facts, NOW).unwrap();
    let at = |it: &Operation| it.current_step().map(|it| (it.name.as_str(), it.state.as_str()));
    let (first, second) = ("x/1", "x/2");

    let begun = running(&import_facts(None, None, first, false));
    assert_eq!(at(&begun), Some(("namespace", "running")));
    let rehearsing = running(&import_facts(Some(&loaded(first)), None, first, false));
    assert_eq!(at(&rehearsing), Some(("rehearsal", "running")));
    assert!(rehearsing.steps.iter().all(|it| it.name != StepName::Launch(LaunchStep::Owner)), "a bundle brings its owner");
    // What was seen is still the rehearsal.
    let accepted = running(&import_facts(Some(&loaded(first)), None, second, true));
    assert_eq!(at(&accepted), Some(("cut_over", "running")));
    let mut failing = loaded(first);
    let data = failing.conditions.iter_mut().find(|it| it.name == "DataLoaded").unwrap();
    (data.met, data.reason) = (Some(false), "JobFailed".to_owned());
    let held_up = running(&import_facts(Some(&failing), None, second, true));
    assert_eq!(held_up.trouble().map(|(step, cause)| (step.as_str(), cause.reason.as_str())), Some(("cut_over", "JobFailed")));
    let over = running(&import_facts(Some(&loaded(second)), None, second, true));
    assert_eq!(over.state, OperationState::Succeeded);
}

#[test]
fn what_holds_everything_up_shows_at_the_next_step() {
    let create = Operation::new(OperationKind::Create, NOW).start(NOW).unwrap();
    let outage = Cause::new("ClusterUnavailable", None);
    let away = create.clone().advance(&launch_facts(&LaunchStep::NEW, None, Some(&outage)), NOW).unwrap();
    assert_eq!(away.trouble().map(|(step, cause)| (step.as_str(), cause.reason.as_str())), Some(("namespace", "ClusterUnavailable")));
    let refused = observation(&[("Accepted", Some(false), "SecretNotFound"), ("NamespaceReady", Some(true), "Ready")]);
    let refused = create.advance(&launch_facts(&LaunchStep::NEW, Some(&refused), None), NOW).unwrap();
    assert_eq!(refused.trouble().map(|(step, cause)| (step.as_str(), cause.reason.as_str())), Some(("secrets", "SecretNotFound")));
}

#[test]
fn a_farewell_is_paused_and_goes_on() {
    let close = Operation::new(OperationKind::Close, NOW).start(NOW).unwrap();
    let close = close.advance(&[(StepName::FinalBundle, StepFact::Done)], NOW).unwrap();
    let farewell = |operation: Operation, fact| operation.advance(&[(StepName::Farewell, fact)], NOW).unwrap();
    let paused = farewell(close, farewell_facts(None, Some(Cause::new("ServedElsewhere", None))));
    assert_eq!(paused.trouble().map(|(step, _)| step), Some(StepName::Farewell));
    let mut telling = observation(&[("FarewellComplete", Some(false), "Announcing")]);
    telling.farewell = Some(FarewellProgress { stage: FarewellStage::Accounts, pending_accounts: 7 });
    let going = farewell(paused, farewell_facts(Some(&telling), None));
    assert_eq!(going.trouble(), None);
    assert_eq!(
        going.current_step().and_then(|it| it.cause.as_ref()).and_then(|it| it.detail.as_deref()),
        Some("7 accounts are pending deletion")
    );
    let told = farewell(going, farewell_facts(Some(&observation(&[("FarewellComplete", Some(true), "Ready")])), None));
    assert_eq!(told.current_step().map(|it| it.name), Some(StepName::Teardown));
    let over = told.advance(&[(StepName::Teardown, StepFact::Done)], NOW).unwrap();
    assert_eq!(over.state, OperationState::Succeeded);
}

#[test]
fn every_word_can_be_read_back() {
    for kind in OperationKind::ALL {
        assert_eq!(OperationKind::parse(kind.as_str()), Some(*kind));
        for step in kind.steps() {
            assert_eq!(StepName::parse(step.as_str()), Some(step));
        }
    }
    assert_eq!(StepName::parse("coffee"), None);
    assert!(Deletion::ALL.iter().all(|it| Deletion::parse(it.as_str()) == Some(*it)));
    assert!(Hold::ALL.iter().all(|it| Hold::parse(it.as_str()) == Some(*it)));
}
