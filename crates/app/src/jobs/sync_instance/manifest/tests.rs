//! The custom resource of a row, as it is sent.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::models::instance::{DesiredColumns, StandingColumns};
use howdah_domain::{Plans, Standing};
use uuid::Uuid;

use super::*;

const AT: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn instance(desired: Desired) -> Instance {
    Instance {
        id: Uuid::from_u128(0x0192_f0c1_2d3e_7a4b_8c5d_6e7f_8a9b_0c1d),
        account_id: Uuid::nil(),
        slug: "birds".to_owned(),
        domain: "birds.org".to_owned(),
        web_domain: "social.birds.org".to_owned(),
        media_domain: "media.social.birds.org".to_owned(),
        on_platform_domain: false,
        plan: "small".to_owned(),
        version: "4.5.11".to_owned(),
        image_mastodon: "mastodon:v4.5.11".to_owned(),
        image_streaming: "mastodon-streaming:v4.5.11".to_owned(),
        desired: DesiredColumns::from(desired),
        standing: StandingColumns::from(&Standing::Incomplete),
        revision: 7,
        cluster_id: Uuid::nil(),
        database_server_id: Uuid::nil(),
        object_store_id: Uuid::nil(),
        created_at: AT,
        updated_at: AT,
        launched_at: None,
        first_answered_at: None,
        farewell_began_at: None,
        teardown_began_at: None,
        final_bundle_declined_at: None,
        handed_over_at: None,
        tombstoned_at: None,
    }
}

fn resource(instance: &Instance, is_routed: bool, found_here_until: Option<DateTime<Utc>>) -> MastodonInstance {
    moving(instance, is_routed, found_here_until, None)
}

fn moving(instance: &Instance, is_routed: bool, found_here_until: Option<DateTime<Utc>>, move_out: Option<&MoveOut>) -> MastodonInstance {
    let plans = Plans::built_in().unwrap();
    custom_resource(&Parts {
        instance,
        desired: instance.desired().unwrap(),
        resources: &plans.get("small").unwrap().resources,
        placement: "real",
        database_server: "main",
        object_store: "main",
        is_routed,
        found_here_until,
        new_link: None,
        import: None,
        move_out,
        platform_domain: Some("fedi.example.net"),
    })
}

#[test]
fn a_running_server() {
    insta::assert_yaml_snapshot!(resource(&instance(Desired::Running), false, Some(AT)));
}

#[test]
fn who_moves_out_is_stopped_to_the_end() {
    let row = instance(Desired::Deleted { deletion: Deletion::MoveOut, after: AT });
    let moving = resource(&row, true, Some(AT)).spec;
    assert_eq!((moving.power_state, moving.teardown), (crd::PowerState::Suspended, None));
    let torn_down = resource(&Instance { teardown_began_at: Some(AT), ..row }, true, None).spec;
    assert_eq!(
        (torn_down.power_state, torn_down.teardown.map(|it| it.kind)),
        (crd::PowerState::Suspended, Some(crd::TeardownKind::MoveOut))
    );
}

/// Nobody starts again what another host may run already.
#[test]
fn who_is_removed_while_it_moves_out_stays_stopped() {
    let row = instance(Desired::Deleted { deletion: Deletion::Remove, after: AT });
    let move_out = MoveOut {
        instance_id: row.id,
        media_redirect: None,
        bundle_verified_at: None,
        moved_out_at: None,
        moved_out_until: None,
        bundle_looked_at: None,
    };
    assert_eq!(resource(&row, true, None).spec.power_state, crd::PowerState::Running);
    let stopped = moving(&row, true, None, Some(&move_out)).spec;
    assert_eq!((stopped.power_state, stopped.teardown), (crd::PowerState::Suspended, None));
    let gone = moving(&Instance { teardown_began_at: Some(AT), ..row }, true, None, Some(&move_out)).spec;
    assert_eq!((gone.power_state, gone.teardown.map(|it| it.kind)), (crd::PowerState::Suspended, Some(crd::TeardownKind::Remove)));
}

#[test]
fn who_has_moved_out_leads_to_where_it_is() {
    let row = instance(Desired::Deleted { deletion: Deletion::MoveOut, after: AT });
    let there = "https://files.example.net";
    let spec = |moved_out_at| {
        let move_out = MoveOut {
            instance_id: row.id,
            media_redirect: Some(there.to_owned()),
            bundle_verified_at: moved_out_at,
            moved_out_at,
            moved_out_until: Some(AT),
            bundle_looked_at: None,
        };
        moving(&row, true, None, Some(&move_out)).spec
    };
    let kept = spec(None);
    assert_eq!((kept.power_state, kept.media_redirect, kept.teardown), (crd::PowerState::Suspended, None, None));
    let moved = spec(Some(AT));
    assert_eq!((moved.power_state, moved.media_redirect.as_deref()), (crd::PowerState::MovedOut, Some(there)));
    assert_eq!(moved.teardown.map(|it| it.kind), Some(crd::TeardownKind::MoveOut));
}

#[test]
fn what_policy_holds_back_is_held_back_in_the_cluster() {
    use howdah_domain::Hold;
    for (desired, power) in [
        (Desired::ReadOnly { by: Hold::Billing }, crd::PowerState::ReadOnly),
        (Desired::Suspended { by: Hold::Billing }, crd::PowerState::Suspended),
    ] {
        let spec = resource(&instance(desired), true, None).spec;
        assert_eq!((spec.power_state, spec.teardown), (power, None));
    }
}

#[test]
fn on_its_way_out() {
    let close = Desired::Deleted { deletion: Deletion::Close, after: AT };
    let way_out = |farewell: bool, teardown: bool, is_found: bool| {
        let row = Instance { farewell_began_at: farewell.then_some(AT), teardown_began_at: teardown.then_some(AT), ..instance(close) };
        let spec = resource(&row, true, is_found.then_some(AT + TimeDelta::milliseconds(2500))).spec;
        let allowed_until = spec.farewell_allowed_until.map(|it| it.0.as_millisecond());
        (spec.power_state, allowed_until, spec.teardown.map(|it| it.kind))
    };
    use crd::PowerState::{Running, SelfDestruct};
    let table = [
        ((false, false, true), (Running, None, None)),
        ((true, false, false), (SelfDestruct, None, None)),
        ((true, false, true), (SelfDestruct, Some(2000), None)),
        ((true, true, true), (SelfDestruct, None, Some(crd::TeardownKind::Close))),
        ((false, true, false), (Running, None, Some(crd::TeardownKind::Close))),
    ];
    for ((farewell, teardown, is_found), expected) in table {
        assert_eq!(way_out(farewell, teardown, is_found), expected);
    }
    // A row that undid its deletion carries no teardown, whatever began.
    assert_eq!(resource(&instance(Desired::Running), true, None).spec.teardown, None);
}

#[test]
fn secrets_are_labelled_and_the_identity_cannot_be_changed() {
    let variables = || Variables::from([("A".to_owned(), "1".to_owned())]);
    let id = instance(Desired::Running).id;
    let owner = Owner { username: "ada".to_owned(), token: "t".to_owned(), way: Way::Bootstrap { email: "ada@example.org".to_owned() } };
    let all = secrets(id, variables(), variables(), Some(owner), None);
    let told: Vec<_> = all.iter().map(|it| (it.name.rsplit_once('-').unwrap().1, it.immutable, it.instance == id.to_string())).collect();
    assert_eq!(told, [("identity", true, true), ("smtp", false, true), ("owner", false, true)]);
    assert_eq!(secrets(id, variables(), variables(), None, None).len(), 2);
}

#[test]
fn a_cluster_ahead_of_the_record_is_noticed_by_either_revision() {
    let row = instance(Desired::Running);
    let mut found = resource(&row, true, None);
    assert!(!is_ahead(&found, 7));
    assert!(is_ahead(&found, 6));
    found.status = Some(crd::MastodonInstanceStatus { observed_revision: Some(8), ..crd::MastodonInstanceStatus::default() });
    assert!(is_ahead(&found, 7));
}
