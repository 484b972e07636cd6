use howdah_crd::{MastodonInstance, Reason};
use kube::runtime::watcher::Event;
use serde_json::json;

use super::super::fixture::{ID, resource};
use super::Registry;

const OTHER: &str = "0192f0c1-2d3e-7a4b-8c5d-000000000000";

fn cr(name: &str, id: &str, domain: &str, second: u8) -> MastodonInstance {
    let mut resource = resource();
    resource["metadata"]["name"] = json!(name);
    resource["metadata"]["creationTimestamp"] = json!(format!("2026-01-01T00:00:{second:02}Z"));
    resource["spec"]["id"] = json!(id);
    resource["spec"]["domain"] = json!(domain);
    serde_json::from_value(resource).unwrap()
}

fn names(touched: &[kube::runtime::reflector::ObjectRef<MastodonInstance>]) -> Vec<&str> {
    touched.iter().map(|it| it.name.as_str()).collect()
}

/// The media gateway has the same table of its own.
#[test]
fn the_older_claim_counts() {
    let registry = Registry::default();
    let first = cr("a", ID, "one.example", 1);
    let rivals = [
        (cr("b", ID, "two.example", 2), Some(Reason::IdConflict)),
        (cr("c", OTHER, "one.example", 2), Some(Reason::DomainConflict)),
        // Another's media host is a host too.
        (cr("d", OTHER, "media.one.example", 2), Some(Reason::DomainConflict)),
        (cr("e", OTHER, "two.example", 2), None),
        // Of two made in one second the name decides.
        (cr("aa", ID, "two.example", 1), Some(Reason::IdConflict)),
        // Of two seconds it does not.
        (cr("0", OTHER, "one.example", 2), Some(Reason::DomainConflict)),
    ];
    registry.take(&Event::Apply(first.clone()));
    for (rival, reason) in rivals {
        registry.take(&Event::Apply(rival.clone()));
        assert_eq!(registry.rivalry(&rival).map(|it| it.reason), reason, "{:?}", rival.metadata.name);
        assert_eq!(registry.rivalry(&first), None);
        registry.take(&Event::Delete(rival));
    }
}

#[test]
fn whoever_stood_against_a_deleted_one_is_looked_at() {
    let registry = Registry::default();
    let (first, second) = (cr("a", ID, "one.example", 1), cr("b", ID, "two.example", 2));
    registry.take(&Event::Apply(first.clone()));
    registry.take(&Event::Apply(second.clone()));
    assert!(registry.is_shared(&second));
    assert_eq!(names(&registry.take(&Event::Delete(first))), ["b"]);
    assert_eq!(registry.rivalry(&second), None);
    assert!(!registry.is_shared(&second));
}

#[test]
fn a_list_withdraws_what_it_does_not_name() {
    let registry = Registry::default();
    let (first, second) = (cr("a", ID, "one.example", 1), cr("b", ID, "two.example", 2));
    registry.take(&Event::Apply(first));
    registry.take(&Event::Init);
    registry.take(&Event::InitApply(second.clone()));
    assert_eq!(names(&registry.take(&Event::InitDone)), ["b"]);
    assert_eq!(registry.rivalry(&second), None);
    assert_eq!(names(&registry.of(ID.parse().unwrap())), ["b"]);
}

/// A rehearsal has one more host, and what another has it does not get.
#[test]
fn a_preview_host_is_claimed_too() {
    let registry = Registry::default();
    let with_preview = |name, id, domain, second, preview: &str| {
        let mut cr = cr(name, id, domain, second);
        cr.spec.routing.preview_host = Some(preview.to_owned());
        cr
    };
    let first = with_preview("a", ID, "one.example", 1, "preview.example");
    registry.take(&Event::Apply(first.clone()));
    for rival in [
        cr("b", OTHER, "preview.example", 2),
        with_preview("b", OTHER, "two.example", 2, "preview.example"),
        with_preview("b", OTHER, "two.example", 2, "media.one.example"),
    ] {
        registry.take(&Event::Apply(rival.clone()));
        assert_eq!(registry.rivalry(&rival).map(|it| it.reason), Some(Reason::DomainConflict));
        assert_eq!(registry.rivalry(&first), None);
    }
}
