use howdah_crd::MastodonInstance;
use serde_json::{Value, json};

use super::super::fixture::{ID, resource, with_true};
use super::is_confirmed;

/// The fixture's conditions are of 00:00:30.
fn deleted(at: &str, teardown: Value, conditions: &[&str]) -> MastodonInstance {
    let mut resource = with_true(resource(), conditions);
    resource["metadata"]["deletionTimestamp"] = json!(at);
    if !teardown.is_null() {
        resource["spec"]["teardown"] = teardown;
    }
    serde_json::from_value(resource).unwrap()
}

#[test]
fn data_goes_only_where_that_was_confirmed_and_seen_before() {
    let confirm = json!({"kind": "Close", "confirm": ID});
    let table = [
        (deleted("2026-01-01T00:01:00Z", confirm.clone(), &["TeardownConfirmed"]), true),
        // Not asked for; asked for and not seen; seen only after the deletion; of another id.
        (deleted("2026-01-01T00:01:00Z", Value::Null, &["TeardownConfirmed"]), false),
        (deleted("2026-01-01T00:01:00Z", confirm.clone(), &["Ready"]), false),
        (deleted("2026-01-01T00:00:10Z", confirm, &["TeardownConfirmed"]), false),
        (deleted("2026-01-01T00:01:00Z", json!({"kind": "Close", "confirm": "other"}), &["TeardownConfirmed"]), false),
    ];
    let moved_out = |conditions: &[&str]| {
        let mut resource = with_true(resource(), conditions);
        resource["spec"]["powerState"] = json!("MovedOut");
        resource["spec"]["teardown"] = json!({"kind": "MoveOut", "confirm": ID});
        serde_json::from_value::<MastodonInstance>(resource).unwrap()
    };
    let mut suspended = moved_out(&["TeardownConfirmed"]);
    suspended.spec.power_state = howdah_crd::PowerState::Suspended;
    // Not deleted, and not to be: only what has moved out is destroyed all the same.
    let living = [(moved_out(&["TeardownConfirmed"]), true), (moved_out(&["Ready"]), false), (suspended, false)];
    for (number, (cr, wanted)) in table.iter().chain(&living).enumerate() {
        assert_eq!(is_confirmed(cr), *wanted, "case {number}");
    }
}
