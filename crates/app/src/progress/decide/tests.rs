//! What follows from what: one line a case.

use chrono::TimeDelta;
use howdah_domain::lifecycle::Condition;
use howdah_domain::{Hold, StepState};

use super::*;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn observation(revision: i64, met: &[&str]) -> Observation {
    let condition = |name: &&str| Condition {
        name: (*name).to_owned(),
        met: Some(true),
        reason: "Ready".to_owned(),
        message: String::new(),
        since: NOW,
    };
    Observation {
        generation: 1,
        observed_generation: Some(1),
        observed_revision: Some(revision),
        version: "4.5.11".parse().ok(),
        endpoints: None,
        usage: None,
        farewell: None,
        loaded: None,
        owner_link_issued: None,
        conditions: met.iter().map(condition).collect(),
    }
}

fn all_of_a_launch(revision: i64) -> Observation {
    let all: Vec<&str> = LaunchStep::NEW.iter().map(|it| it.condition()).collect();
    observation(revision, &all)
}

fn facts(desired: Desired) -> Facts<'static> {
    Facts {
        desired,
        revision: 3,
        version: "4.5.11",
        was_launched: false,
        has_answered: false,
        begun: None,
        said_farewell: false,
        import: None,
        final_bundle: &StepFact::Skipped,
        left: Left::Data,
        operation: None,
        observation: None,
        outage: None,
        relay: None,
        leads_here: None,
        now: NOW,
    }
}

fn deleted(deletion: Deletion) -> Desired {
    Desired::Deleted { deletion, after: NOW }
}

fn state(decision: &Decision) -> Option<OperationState> {
    decision.operation.as_ref().map(|it| it.state)
}

#[test]
fn a_launch_succeeds_by_an_observation_of_the_row_as_it_is() {
    let create = Operation::new(OperationKind::Create, NOW);
    let (current, old, partial) = (all_of_a_launch(3), all_of_a_launch(2), observation(3, &["NamespaceReady"]));
    let mut other_version = all_of_a_launch(3);
    other_version.version = "4.4.8".parse().ok();
    let table = [
        (None, OperationState::Running, false),
        (Some(&partial), OperationState::Running, false),
        (Some(&old), OperationState::Running, false),
        (Some(&other_version), OperationState::Running, false),
        (Some(&current), OperationState::Succeeded, true),
    ];
    for (observation, expected, has_launched) in table {
        let decision = decide(&Facts { operation: Some(&create), observation, ..facts(Desired::Running) });
        assert_eq!((state(&decision), decision.has_launched), (Some(expected), has_launched), "{observation:?}");
    }
}

#[test]
fn what_is_held_back_or_in_its_grace_begins_nothing() {
    let create = Operation::new(OperationKind::Create, NOW);
    let later = |deletion| Desired::Deleted { deletion, after: NOW + TimeDelta::seconds(1) };
    for desired in [
        Desired::Suspended { by: Hold::Billing },
        Desired::Suspended { by: Hold::Approval },
        Desired::ReadOnly { by: Hold::Billing },
        later(Deletion::Close),
        later(Deletion::Remove),
    ] {
        let decision = decide(&Facts { operation: Some(&create), leads_here: Some(Ok(())), ..facts(desired) });
        assert_eq!(decision, Decision::default(), "{desired:?}");
    }
}

#[test]
fn who_is_up_in_a_grace_period_counts_as_launched() {
    let up = all_of_a_launch(3);
    let desired = Desired::Deleted { deletion: Deletion::Close, after: NOW + TimeDelta::days(1) };
    let decision = decide(&Facts { observation: Some(&up), ..facts(desired) });
    assert!(decision.has_launched && decision.begin.is_none());
    assert!(!decide(&Facts { observation: Some(&up), was_launched: true, ..facts(desired) }).has_launched);
}

#[test]
fn a_farewell_begins_only_where_the_address_leads_here() {
    let elsewhere = || Err(Cause::new("ServedElsewhere", None));
    let close = Operation::new(OperationKind::Close, NOW);
    let close = || Facts { operation: Some(&close), was_launched: true, has_answered: true, ..facts(deleted(Deletion::Close)) };
    let table = [
        (Some(Ok(())), Some(Begin::Farewell), StepState::Running),
        (Some(elsewhere()), None, StepState::Failed),
        // Nobody has looked lately.
        (None, None, StepState::Running),
    ];
    for (leads_here, begin, step) in table {
        let decision = decide(&Facts { leads_here: leads_here.clone(), ..close() });
        let steps = decision.operation.map(|it| (it.steps[1].state, it.steps[2].state));
        assert_eq!((decision.begin, steps), (begin, Some((step, StepState::Waiting))), "{leads_here:?}");
    }
}

#[test]
fn a_farewell_that_has_begun_pauses_goes_on_and_ends_in_the_teardown() {
    let close = Operation::new(OperationKind::Close, NOW);
    let told = observation(3, &["FarewellComplete"]);
    let begun = || Facts {
        operation: Some(&close),
        was_launched: true,
        has_answered: true,
        begun: Some(Deletion::Close),
        said_farewell: true,
        ..facts(deleted(Deletion::Close))
    };
    let farewell = |facts: &Facts<'_>| {
        let decision = decide(facts);
        (decision.begin, decision.operation.map(|it| (it.steps[1].state, it.steps[2].state)))
    };
    let elsewhere = Some(Err(Cause::new("ServedElsewhere", None)));
    assert_eq!(farewell(&begun()), (None, Some((StepState::Running, StepState::Waiting))));
    assert_eq!(farewell(&Facts { leads_here: elsewhere, ..begun() }), (None, Some((StepState::Failed, StepState::Waiting))));
    let done = Facts { observation: Some(&told), ..begun() };
    assert_eq!(farewell(&done), (Some(Begin::Teardown), Some((StepState::Succeeded, StepState::Running))));
    let tearing_down = Facts { begun: Some(Deletion::Remove), ..begun() };
    assert_eq!(farewell(&tearing_down), (None, Some((StepState::Succeeded, StepState::Running))));
}

#[test]
fn who_never_answered_skips_the_farewell() {
    for (was_launched, has_answered) in [(false, false), (true, false)] {
        let close = Operation::new(OperationKind::Close, NOW);
        let decision = decide(&Facts {
            operation: Some(&close),
            was_launched,
            has_answered,
            leads_here: Some(Ok(())),
            ..facts(deleted(Deletion::Close))
        });
        assert_eq!(decision.begin, Some(Begin::Teardown));
        assert_eq!(decision.operation.map(|it| it.steps[1].state), Some(StepState::Skipped));
    }
}

#[test]
fn a_farewell_waits_for_the_final_bundle() {
    let close = Operation::new(OperationKind::Close, NOW);
    let failing = StepFact::Failing(Cause::new("Media", None));
    let table = [
        (StepFact::Running(None), None, StepState::Running),
        (failing.clone(), None, StepState::Failed),
        (StepFact::Done, Some(Begin::Farewell), StepState::Succeeded),
        (StepFact::Skipped, Some(Begin::Farewell), StepState::Skipped),
    ];
    let facts = |final_bundle| Facts {
        operation: Some(&close),
        was_launched: true,
        has_answered: true,
        final_bundle,
        leads_here: Some(Ok(())),
        ..facts(deleted(Deletion::Close))
    };
    for (fact, begin, step) in &table {
        let decision = decide(&facts(fact));
        assert_eq!((decision.begin, decision.operation.map(|it| it.steps[0].state)), (*begin, Some(*step)), "{fact:?}");
    }
    // Who never answered is deleted at once, but not before it either.
    assert_eq!(decide(&Facts { has_answered: false, ..facts(&failing) }).begin, None);
}

#[test]
fn a_move_out_is_handed_over_only_once_it_is_bundled_and_served_elsewhere() {
    let move_out = Operation::new(OperationKind::MoveOut, NOW);
    let elsewhere = |reason| Some(Err(Cause::new(reason, None)));
    let moved = elsewhere(ANOTHER_HOST);
    let table = [
        (StepFact::Waiting, moved.clone(), None, [StepState::Running, StepState::Waiting, StepState::Waiting]),
        (StepFact::Running(None), moved.clone(), None, [StepState::Succeeded, StepState::Running, StepState::Waiting]),
        (StepFact::Done, None, None, [StepState::Succeeded, StepState::Succeeded, StepState::Running]),
        (StepFact::Done, Some(Ok(())), None, [StepState::Succeeded, StepState::Succeeded, StepState::Running]),
        (StepFact::Done, elsewhere("ServedElsewhere"), None, [StepState::Succeeded, StepState::Succeeded, StepState::Running]),
        (StepFact::Done, moved, Some(Begin::Handover), [StepState::Succeeded, StepState::Succeeded, StepState::Running]),
    ];
    for (bundle, leads_here, begin, states) in &table {
        let facts = Facts {
            operation: Some(&move_out),
            was_launched: true,
            has_answered: true,
            final_bundle: bundle,
            leads_here: leads_here.clone(),
            ..facts(deleted(Deletion::MoveOut))
        };
        let decision = decide(&facts);
        let steps: Vec<_> = decision.operation.unwrap().steps.iter().map(|it| it.state).collect();
        assert_eq!((decision.begin, &steps[..3], steps[3]), (*begin, &states[..], StepState::Waiting), "{bundle:?} {leads_here:?}");
    }
}

#[test]
fn what_was_handed_over_goes_when_its_time_is_over() {
    use Left::{Data, DataTooLong, MediaHost, MediaHostTooLong};
    let move_out = Operation::new(OperationKind::MoveOut, NOW);
    let failing = StepFact::Failing(Cause::new("Media", None));
    let handed_over = |left, final_bundle: &StepFact| {
        let facts = Facts {
            operation: Some(&move_out),
            was_launched: true,
            has_answered: true,
            begun: Some(Deletion::MoveOut),
            final_bundle,
            left,
            ..facts(deleted(Deletion::MoveOut))
        };
        let decision = decide(&facts);
        (decision.begin, decision.operation.map(|it| (it.steps[2].state, it.steps[3].state)))
    };
    let table = [
        (Data, &StepFact::Done, None, StepState::Waiting),
        (DataTooLong, &StepFact::Done, Some(Begin::MovedOut), StepState::Waiting),
        // Nobody knows of a whole bundle any more.
        (DataTooLong, &StepFact::Skipped, None, StepState::Waiting),
        (DataTooLong, &failing, None, StepState::Waiting),
        (MediaHost, &StepFact::Done, None, StepState::Waiting),
        (MediaHostTooLong, &StepFact::Done, Some(Begin::Teardown), StepState::Running),
    ];
    for (left, bundle, begin, teardown) in table {
        assert_eq!(handed_over(left, bundle), (begin, Some((StepState::Succeeded, teardown))), "{left:?} {bundle:?}");
    }
}

#[test]
fn a_remove_goes_straight_to_the_teardown_and_waits_for_its_cluster() {
    let remove = Operation::new(OperationKind::Remove, NOW);
    let away = Cause::new("ClusterUnavailable", None);
    let remove = || Facts { operation: Some(&remove), was_launched: true, has_answered: true, ..facts(deleted(Deletion::Remove)) };
    assert_eq!(decide(&remove()).begin, Some(Begin::Teardown));
    let decision = decide(&Facts { outage: Some(&away), begun: Some(Deletion::Remove), ..remove() });
    assert_eq!(decision.begin, None);
    assert_eq!(decision.operation.map(|it| it.steps[0].state), Some(StepState::Failed));
}
