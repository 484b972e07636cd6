use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::billing::facts::{Collection, Item, Period, Sold};
use crate::lifecycle::Hold;

fn server(number: u128) -> InstanceId {
    InstanceId::from_uuid(Uuid::from_u128(number))
}

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn subscription(id: &str, instance: Option<u128>, status: SubscriptionStatus) -> Subscription {
    let item =
        Item { id: "si_1".to_owned(), price: "price_1".to_owned(), sold: Sold::Plan("small".to_owned()), unit: euros(450), quantity: 2 };
    Subscription {
        id: id.to_owned(),
        customer: "cus_1".to_owned(),
        instance: instance.map(server),
        status,
        collection: Collection::Automatic,
        currency: "EUR".parse().unwrap(),
        created: DateTime::UNIX_EPOCH,
        period: Period { start: DateTime::UNIX_EPOCH, end: DateTime::UNIX_EPOCH + TimeDelta::days(30) },
        trial_end: None,
        cancel_at: None,
        ended_at: None,
        items: vec![item],
    }
}

fn recorded(number: u128, paid: Option<(&str, SubscriptionStatus)>, access: Access) -> Recorded {
    let paid = paid.map(|(id, status)| Paid { id: id.to_owned(), status, monthly: euros(900) });
    Recorded { instance: server(number), subscription: paid, access, is_changing: false }
}

fn running(number: u128, power: Power) -> Running {
    Running { instance: server(number), power }
}

const SUSPENDED: Access = Access::Suspend(Hold::Billing);

fn kinds(provider: &[Subscription], record: &[Recorded], runs: &[Running]) -> Vec<Kind> {
    differences(provider, record, runs).unwrap().iter().map(|it| it.kind).collect()
}

use SubscriptionStatus::{Active, Canceled, Incomplete, IncompleteExpired, PastDue, Unpaid};

#[test]
fn each_disagreement_has_its_name() {
    let active = || subscription("sub_1", Some(1), Active);
    let paid = || recorded(1, Some(("sub_1", Active)), Access::Run);
    let up = running(1, Power::Running);
    let cheaper = Recorded { subscription: Some(Paid { monthly: euros(899), ..paid().subscription.unwrap() }), ..paid() };
    let unpaid = recorded(1, Some(("sub_1", Unpaid)), SUSPENDED);
    type Row = (Vec<Subscription>, Vec<Recorded>, Vec<Running>, Vec<Kind>);
    let table: Vec<Row> = vec![
        (vec![], vec![], vec![], vec![]),
        (vec![active()], vec![paid()], vec![up], vec![]),
        (vec![active()], vec![paid()], vec![], vec![Kind::PaidNotRunning]),
        (vec![active()], vec![paid()], vec![running(1, Power::ReadOnly)], vec![Kind::PaidNotRunning]),
        (vec![active()], vec![Recorded { is_changing: true, ..paid() }], vec![], vec![]),
        (vec![subscription("sub_1", Some(1), Unpaid)], vec![unpaid.clone()], vec![up], vec![Kind::RunningUnpaid]),
        (vec![subscription("sub_1", Some(1), Unpaid)], vec![unpaid.clone()], vec![], vec![]),
        (vec![active(), subscription("sub_2", Some(2), Active)], vec![paid()], vec![up], vec![Kind::UnknownSubscription]),
        (vec![active(), subscription("sub_2", None, PastDue)], vec![paid()], vec![up], vec![Kind::UnknownSubscription]),
        (vec![active(), subscription("sub_2", Some(2), Canceled)], vec![paid()], vec![up], vec![]),
        (vec![], vec![paid()], vec![up], vec![Kind::MissingSubscription]),
        (vec![active(), subscription("sub_2", Some(1), Active)], vec![paid()], vec![up], vec![Kind::DuplicateSubscription]),
        (vec![active(), subscription("sub_2", Some(1), Incomplete)], vec![paid()], vec![up], vec![Kind::DuplicateSubscription]),
        (vec![active(), subscription("sub_2", Some(1), IncompleteExpired)], vec![paid()], vec![up], vec![]),
        (vec![subscription("sub_1", Some(1), PastDue)], vec![paid()], vec![up], vec![Kind::StatusDiffers]),
        (vec![active()], vec![recorded(1, None, SUSPENDED)], vec![], vec![Kind::StatusDiffers]),
        (vec![active()], vec![cheaper], vec![up], vec![Kind::AmountsDiffer]),
        (vec![active()], vec![paid()], vec![up, running(2, Power::Suspended)], vec![Kind::UnknownServer]),
    ];
    for (position, (provider, record, runs, expected)) in table.iter().enumerate() {
        assert_eq!(&kinds(provider, record, runs), expected, "row {position}");
    }
    let beside_an_unpaid_one = |status| [subscription("sub_1", Some(1), Unpaid), subscription("sub_2", Some(1), status)];
    assert_eq!(kinds(&beside_an_unpaid_one(Incomplete), std::slice::from_ref(&unpaid), &[]), [], "a way back is no duplicate");
    assert_eq!(kinds(&beside_an_unpaid_one(Active), &[unpaid], &[]), [Kind::StatusDiffers]);
}

#[test]
fn whatever_vanished_is_looked_at_by_somebody() {
    for kind in [Kind::MissingSubscription, Kind::UnknownSubscription, Kind::UnknownServer] {
        assert_eq!(kind.remedy(), Remedy::Look, "{kind}");
    }
    let found = differences(&[], &[recorded(1, Some(("sub_1", Active)), Access::Run)], &[running(1, Power::Running)]).unwrap();
    assert_eq!((found[0].instance, found[0].subscription.as_deref()), (Some(server(1)), Some("sub_1")));
    assert_eq!(found[0].sentence, "the record has sub_1 as Active, and the provider does not list it");
}

/// A world in which all agree, of some servers.
fn agreed() -> impl Strategy<Value = (Vec<Subscription>, Vec<Recorded>, Vec<Running>)> {
    prop::collection::vec((0_u8..4, any::<bool>()), 1..12).prop_map(|all| {
        let (mut provider, mut record, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (kind, has_old)) in (0_u128..).zip(all) {
            let id = format!("sub_{number}");
            let (status, access, power) = match kind {
                0 => (Active, Access::Run, Power::Running),
                1 => (PastDue, Access::ReadOnly, Power::ReadOnly),
                2 => (Unpaid, SUSPENDED, Power::Suspended),
                _ => (Canceled, SUSPENDED, Power::Suspended),
            };
            provider.push(subscription(&id, Some(number), status));
            record.push(recorded(number, Some((&id, status)), access));
            runs.push(running(number, power));
            if has_old {
                provider.push(subscription(&format!("old_{number}"), Some(number), Canceled));
            }
        }
        (provider, record, runs)
    })
}

proptest! {
    #[test]
    fn where_all_agree_there_is_nothing_and_what_is_lost_is_found((provider, record, runs) in agreed(), which in any::<prop::sample::Index>()) {
        prop_assert_eq!(kinds(&provider, &record, &runs), []);
        let at = which.index(record.len());
        let mut fewer = record.clone();
        let lost = fewer.remove(at);
        let found = differences(&provider, &fewer, &runs).unwrap();
        prop_assert!(!found.is_empty() && found.iter().all(|it| it.instance == Some(lost.instance)));
        let mut doubled = provider.clone();
        let twin = provider.iter().find(|it| it.instance == Some(lost.instance)).unwrap();
        doubled.push(Subscription { id: "sub_twin".to_owned(), status: Active, ..twin.clone() });
        let found = differences(&doubled, &record, &runs).unwrap();
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0].subscription.as_deref(), Some("sub_twin"));
    }

    #[test]
    fn the_order_of_the_lists_does_not_matter((provider, record, runs) in agreed(), keep in 0_usize..6) {
        let some = |from: &[Running]| from.iter().rev().take(keep).copied().collect::<Vec<_>>();
        let (mut back_provider, mut back_record) = (provider.clone(), record.clone());
        back_provider.reverse();
        back_record.reverse();
        let (few, mut back_few) = (some(&runs), some(&runs));
        back_few.reverse();
        prop_assert_eq!(differences(&provider, &record, &few).unwrap(), differences(&back_provider, &back_record, &back_few).unwrap());
    }
}
