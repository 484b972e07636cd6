use howdah_crd::{ConditionType, MastodonInstance, MastodonInstanceStatus, Reason};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::conditions::{Progress, Verdict};
use super::super::fixture::{IMPORT, import, loaded, resource, with_true};
use super::{failed, next, refused};
use crate::controllers::instance::validate::Refusal;
use crate::error::Error;

const ALL: [&str; 12] = [
    "Ready",
    "Accepted",
    "NamespaceReady",
    "SecretsReady",
    "DatabaseReady",
    "BucketReady",
    "CacheReady",
    "SchemaReady",
    "OwnerReady",
    "Configured",
    "WorkloadsReady",
    "RouteReady",
];

fn now() -> Timestamp {
    "2026-01-02T00:00:00Z".parse().unwrap()
}

fn after(resource: Value, progress: &Progress) -> MastodonInstanceStatus {
    let cr: MastodonInstance = serde_json::from_value(resource).unwrap();
    next(&cr, &cr.status.clone().unwrap_or_default(), progress, now())
}

fn reason(status: &MastodonInstanceStatus, type_: &str) -> (String, String, String) {
    let found = status.conditions.iter().find(|it| it.type_ == type_).unwrap();
    (found.status.clone(), found.reason.clone(), found.message.clone())
}

fn triple(status: &str, reason: &str, message: &str) -> (String, String, String) {
    (status.to_owned(), reason.to_owned(), message.to_owned())
}

#[test]
fn a_new_server_waits_at_every_step() {
    let mut progress = Progress::default();
    progress.ready(ConditionType::Accepted);
    progress.not(ConditionType::NamespaceReady, Reason::Progressing, "");
    let status = after(resource(), &progress);
    assert_eq!(reason(&status, "Ready"), triple("False", "Progressing", "NamespaceReady"));
    assert_eq!(reason(&status, "DatabaseReady"), triple("False", "Waiting", ""));
    assert_eq!((status.observed_generation, status.observed_revision, status.version), (Some(3), Some(1), None));
}

#[test]
fn ready_is_the_first_step_that_says_why_it_is_not() {
    let mut progress = Progress::default();
    progress.ready(ConditionType::Accepted);
    for step in ConditionType::LAUNCH {
        progress.ready(step);
    }
    progress.not(ConditionType::OwnerReady, Reason::Waiting, "");
    progress.not(ConditionType::SchemaReady, Reason::JobFailed, "no room");
    progress.ready(ConditionType::RouteReady);
    assert_eq!(reason(&after(resource(), &progress), "Ready"), triple("False", "JobFailed", "SchemaReady: no room"));
    progress.ready(ConditionType::SchemaReady);
    progress.ready(ConditionType::OwnerReady);
    let status = after(resource(), &progress);
    assert_eq!(reason(&status, "Ready"), triple("True", "Ready", ""));
    assert_eq!(status.version.as_deref(), Some("4.5.11"));
}

#[test]
fn what_a_pass_did_not_look_at_stays() {
    let status = after(with_true(resource(), &ALL), &Progress::default());
    assert_eq!(reason(&status, "Ready"), triple("True", "Ready", ""));
    // The time moves with the truth, not with the pass.
    assert!(status.conditions.iter().filter(|it| it.type_ != "DataLoaded").all(|it| it.last_transition_time.0 < now()));
}

#[test]
fn a_refused_spec_leaves_what_runs() {
    let mut progress = Progress::default();
    refused(Refusal { reason: Reason::DomainConflict, message: "older".to_owned() }, &mut progress);
    let status = after(with_true(resource(), &ALL), &progress);
    assert_eq!(reason(&status, "Accepted"), triple("False", "DomainConflict", "older"));
    assert_eq!(reason(&status, "Ready"), triple("False", "DomainConflict", "Accepted: older"));
    assert_eq!(reason(&status, "WorkloadsReady").0, "True");
}

#[test]
fn an_error_belongs_to_the_step_that_it_ended() {
    let mut progress = Progress::default();
    for step in [ConditionType::NamespaceReady, ConditionType::SecretsReady, ConditionType::DatabaseReady] {
        progress.ready(step);
    }
    progress.not(ConditionType::BucketReady, Reason::Error, "refused");
    let cr: MastodonInstance = serde_json::from_value(resource()).unwrap();
    failed(&Error::TooLong { name: "mi-example".to_owned() }, &cr.spec, &mut progress);
    let status = after(resource(), &progress);
    assert_eq!(reason(&status, "BucketReady"), triple("False", "Error", "refused"));
    assert_eq!(reason(&status, "CacheReady"), triple("False", "Waiting", ""), "its turn has not come");
}

#[test]
fn a_confirmation_goes_with_what_it_confirmed() {
    let mut confirmed = with_true(resource(), &["TeardownConfirmed"]);
    assert!(after(confirmed.clone(), &Progress::default()).conditions.iter().all(|it| it.type_ != "TeardownConfirmed"));
    confirmed["spec"]["teardown"] = json!({"kind": "Close", "confirm": confirmed["spec"]["id"]});
    assert_eq!(reason(&after(confirmed, &Progress::default()), "TeardownConfirmed").0, "True");
}

#[test]
fn the_words_of_a_failure_hold_while_it_is_tried_again() {
    let mut progress = Progress::default();
    progress.not(ConditionType::SchemaReady, Reason::JobFailed, "no room");
    let mut resource = resource();
    resource["status"] = json!(after(resource.clone(), &progress));
    progress.set(ConditionType::SchemaReady, Verdict::not(Reason::JobFailed, ""));
    assert_eq!(reason(&after(resource, &progress), "SchemaReady"), triple("False", "JobFailed", "no room"));
}

#[test]
fn a_new_server_has_no_data_to_load() {
    for resource in [resource(), with_true(resource(), &ALL)] {
        let before = reason(&after(resource.clone(), &Progress::default()), "Ready").0;
        assert_eq!(before == "True", resource["status"]["conditions"].is_array());
        let mut progress = Progress::default();
        for step in [ConditionType::NamespaceReady, ConditionType::SecretsReady, ConditionType::DatabaseReady, ConditionType::BucketReady] {
            progress.ready(step);
        }
        progress.ready(ConditionType::CacheReady);
        let cr: MastodonInstance = serde_json::from_value(resource.clone()).unwrap();
        failed(&Error::TooLong { name: "mi-example".to_owned() }, &cr.spec, &mut progress);
        let status = after(resource, &progress);
        assert_eq!(reason(&status, "DataLoaded"), triple("False", "NotWanted", ""));
        assert_eq!(reason(&status, "SchemaReady").1, "Error", "the step that it was in");
        assert_eq!(status.loaded, None);
    }
}

#[test]
fn the_loaded_pass_is_known_until_another_is_loaded() {
    let mut resource = loaded(import(), &["DataLoaded", "WorkloadsReady"]);
    resource["status"]["version"] = json!("4.5.11");
    let first = after(resource.clone(), &Progress::default());
    assert_eq!((first.loaded.as_deref(), first.version.as_deref()), (Some(&*format!("{IMPORT}/1")), Some("4.5.11")));

    resource["spec"]["bootstrap"]["import"]["pass"] = json!(2);
    let mut progress = Progress::default();
    progress.not(ConditionType::DataLoaded, Reason::Progressing, "");
    progress.not(ConditionType::WorkloadsReady, Reason::Waiting, "");
    let between = after(resource.clone(), &progress);
    assert_eq!((between.loaded, between.version), (None, None));
    progress.set(ConditionType::DataLoaded, super::super::import::loaded(&serde_json::from_value(resource["spec"].clone()).unwrap()));
    let second = after(resource, &progress);
    assert_eq!(second.loaded, Some(format!("{IMPORT}/2")));
    assert_eq!(reason(&second, "DataLoaded"), triple("True", "Rehearsed", ""));
}
