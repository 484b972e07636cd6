use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::billing::facts::{InvoiceLine, Period};
use crate::money::Money;

fn day(days: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(days)
}

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

/// Of a period from day 30 to day 60.
fn subscription(id: &str, status: SubscriptionStatus) -> Subscription {
    Subscription {
        id: id.to_owned(),
        customer: "cus_1".to_owned(),
        instance: None,
        status,
        collection: Collection::Automatic,
        currency: "EUR".parse().unwrap(),
        created: day(0),
        period: Period { start: day(30), end: day(60) },
        trial_end: None,
        cancel_at: None,
        ended_at: None,
        items: Vec::new(),
    }
}

/// Made on a day, for the 30 days from then on.
fn invoice(id: &str, subscription: &str, status: InvoiceStatus, made: i64) -> Invoice {
    let is_paid = status == InvoiceStatus::Paid;
    Invoice {
        id: id.to_owned(),
        number: None,
        customer: "cus_1".to_owned(),
        subscription: Some(subscription.to_owned()),
        status,
        collection: Collection::Automatic,
        created: day(made),
        due: None,
        total: euros(900),
        tax: euros(0),
        remaining: euros(if is_paid { 0 } else { 900 }),
        attempts: 1,
        next_attempt: None,
        lines: vec![InvoiceLine {
            id: format!("il_{id}"),
            description: "Small".to_owned(),
            amount: euros(900),
            quantity: Some(1),
            period: Period { start: day(made), end: day(made + 30) },
            is_proration: false,
        }],
        page: None,
        pdf: None,
    }
}

fn read<'a>(subscriptions: &'a [Subscription], invoices: &'a [Invoice], now: i64) -> Read<'a> {
    Read { subscriptions, invoices, refunded: &[], known: &[], now: day(now) }
}

fn fold(subscriptions: &[Subscription], invoices: &[Invoice], now: i64) -> Folded {
    standing(&read(subscriptions, invoices, now), None).unwrap()
}

#[test]
fn every_status_has_a_standing() {
    let open = [invoice("in_1", "sub", InvoiceStatus::Open, 30)];
    let table = [
        (SubscriptionStatus::Incomplete, Standing::Incomplete, false),
        (SubscriptionStatus::IncompleteExpired, Standing::Incomplete, true),
        (SubscriptionStatus::Trialing, Standing::Trialing { until: day(60) }, false),
        (SubscriptionStatus::Active, Standing::Current { until: day(60) }, false),
        (SubscriptionStatus::PastDue, Standing::PastDue { since: day(30) }, false),
        (SubscriptionStatus::Unpaid, Standing::Lapsed { since: day(30) }, false),
        (SubscriptionStatus::Paused, Standing::Lapsed { since: day(30) }, false),
        (SubscriptionStatus::Canceled, Standing::Incomplete, false),
    ];
    for (status, expected, frees_name) in table {
        let folded = fold(&[subscription("sub", status)], &open, 31);
        assert_eq!((folded.standing, folded.frees_name), (expected, frees_name), "{status:?}");
        assert_eq!((folded.subscription.as_deref(), folded.duplicates.len()), (Some("sub"), 0));
    }
}

#[test]
fn who_never_ordered_has_paid_for_nothing_and_keeps_the_name() {
    let folded = fold(&[], &[], 1);
    assert_eq!((folded.standing, folded.subscription, folded.frees_name), (Standing::Incomplete, None, false));
}

#[test]
fn past_due_counts_from_the_oldest_invoice_that_failed() {
    let due = subscription("sub", SubscriptionStatus::PastDue);
    let mut invoices = vec![
        invoice("in_3", "sub", InvoiceStatus::Open, 60),
        invoice("in_2", "sub", InvoiceStatus::Open, 32),
        invoice("in_1", "sub", InvoiceStatus::Paid, 0),
        invoice("in_0", "another", InvoiceStatus::Open, 1),
    ];
    let since = |invoices: &[Invoice]| fold(std::slice::from_ref(&due), invoices, 61).standing;
    assert_eq!(since(&invoices), Standing::PastDue { since: day(32) });
    invoices[1].attempts = 0;
    assert_eq!(since(&invoices), Standing::PastDue { since: day(60) }, "what was not tried yet did not fail");
    invoices[0].attempts = 0;
    assert_eq!(since(&invoices), Standing::PastDue { since: day(32) }, "but it is what there is");
    assert_eq!(since(&[]), Standing::PastDue { since: day(30) }, "the renewal, where no invoice says more");
}

#[test]
fn an_overdue_sent_invoice_makes_an_active_subscription_past_due() {
    let sent = Collection::ByInvoice { days_until_due: 14 };
    let active = Subscription { collection: sent, ..subscription("sub", SubscriptionStatus::Active) };
    let invoices = [Invoice { due: Some(day(44)), attempts: 0, ..invoice("in_1", "sub", InvoiceStatus::Open, 30) }];
    let at = |now| fold(std::slice::from_ref(&active), &invoices, now);
    assert_eq!(at(43).standing, Standing::Current { until: day(60) });
    assert_eq!(at(44).standing, Standing::PastDue { since: day(44) });
    assert_eq!(at(44).collection, Some(sent));
    let paid = [Invoice { status: InvoiceStatus::Paid, remaining: euros(0), ..invoices[0].clone() }];
    assert_eq!(fold(&[active], &paid, 50).standing, Standing::Current { until: day(60) });
}

#[test]
fn what_was_paid_for_runs_to_its_end() {
    let cancelled = Subscription { ended_at: Some(day(40)), ..subscription("sub", SubscriptionStatus::Canceled) };
    let paid = [invoice("in_1", "sub", InvoiceStatus::Paid, 30)];
    let subscriptions = std::slice::from_ref(&cancelled);
    assert_eq!(fold(subscriptions, &paid, 41).standing, Standing::Cancelled { at: day(60) });
    let refunded = ["in_1".to_owned()];
    let given_back = standing(&Read { refunded: &refunded, ..read(subscriptions, &paid, 41) }, None).unwrap();
    assert_eq!(given_back.standing, Standing::Cancelled { at: day(40) }, "what was given back pays for nothing");
    let before = [invoice("in_0", "sub", InvoiceStatus::Paid, 0), invoice("in_1", "sub", InvoiceStatus::Open, 30)];
    assert_eq!(fold(subscriptions, &before, 41).standing, Standing::Cancelled { at: day(40) });
    let trial = Subscription { trial_end: Some(day(60)), ..cancelled.clone() };
    assert_eq!(fold(&[trial], &[], 41).standing, Standing::Cancelled { at: day(40) }, "a trial that was called off");
    let by_wish = Subscription { cancel_at: Some(day(60)), ..subscription("sub", SubscriptionStatus::Active) };
    let folded = fold(&[by_wish], &paid, 41);
    assert_eq!((folded.standing, folded.cancels_at), (Standing::Current { until: day(60) }, Some(day(60))));
}

#[test]
fn an_unpaid_order_that_was_called_off_has_nothing_to_wind_down() {
    let never = Subscription { ended_at: Some(day(30)), ..subscription("sub", SubscriptionStatus::Canceled) };
    let open = [invoice("in_1", "sub", InvoiceStatus::Void, 30)];
    assert_eq!(fold(&[never], &open, 31).standing, Standing::Incomplete);
}

#[test]
fn of_two_tabs_one_counts_and_the_other_is_to_be_cancelled() {
    use SubscriptionStatus::{Active, Canceled, Incomplete, IncompleteExpired, PastDue, Trialing, Unpaid};
    type Row<'a> = (&'a [(&'a str, SubscriptionStatus)], &'a str, &'a [&'a str]);
    let table: [Row<'_>; 7] = [
        (&[("b", Active), ("a", Active)], "a", &["b"]),
        (&[("a", Trialing), ("b", Active), ("c", PastDue)], "b", &["a", "c"]),
        (&[("a", Incomplete), ("b", Active)], "b", &["a"]),
        (&[("a", Canceled), ("b", IncompleteExpired), ("c", Trialing)], "c", &[]),
        (&[("a", Unpaid), ("b", Incomplete)], "a", &[]),
        (&[("a", IncompleteExpired), ("b", Incomplete)], "b", &[]),
        (&[("a", Unpaid), ("b", PastDue)], "b", &["a"]),
    ];
    for (all, chosen, duplicates) in table {
        let all: Vec<Subscription> = all.iter().map(|(id, status)| subscription(id, *status)).collect();
        let folded = fold(&all, &[], 31);
        assert_eq!((folded.subscription.as_deref(), folded.frees_name), (Some(chosen), false), "{all:?}");
        assert_eq!(folded.duplicates, duplicates, "{all:?}");
    }
    let later = Subscription { created: day(1), ..subscription("a", Active) };
    assert_eq!(fold(&[later, subscription("b", Active)], &[], 31).subscription.as_deref(), Some("b"), "the older of equals");
}

#[test]
fn a_read_that_lacks_what_is_known_is_none() {
    let known = ["sub_lost".to_owned()];
    let there = [subscription("sub", SubscriptionStatus::Active)];
    let partial = Read { known: &known, ..read(&there, &[], 31) };
    assert_eq!(standing(&partial, None), Err(MissingSubscription("sub_lost".to_owned())));
}

#[test]
fn a_grant_overrides_and_keeps_the_name() {
    let grant = Grant { by: "anna".to_owned(), reason: "a school".to_owned(), until: None };
    let expired = [subscription("sub", SubscriptionStatus::IncompleteExpired)];
    let folded = standing(&read(&expired, &[], 31), Some(&grant)).unwrap();
    assert_eq!((folded.standing, folded.frees_name), (Standing::Granted { by: "anna".to_owned(), until: None }, false));
}

const ALL: [SubscriptionStatus; 8] = [
    SubscriptionStatus::Incomplete,
    SubscriptionStatus::IncompleteExpired,
    SubscriptionStatus::Trialing,
    SubscriptionStatus::Active,
    SubscriptionStatus::PastDue,
    SubscriptionStatus::Unpaid,
    SubscriptionStatus::Canceled,
    SubscriptionStatus::Paused,
];

fn any_subscriptions() -> impl Strategy<Value = Vec<Subscription>> {
    let one = (0_usize..ALL.len(), 0_i64..5, 20_i64..70);
    prop::collection::vec(one, 0..5).prop_map(|all| {
        let made = all.into_iter().enumerate().map(|(position, (status, created, ended))| Subscription {
            created: day(created),
            ended_at: (ALL[status] == SubscriptionStatus::Canceled).then(|| day(ended)),
            ..subscription(&format!("sub_{position}"), ALL[status])
        });
        made.collect()
    })
}

fn any_invoices() -> impl Strategy<Value = Vec<Invoice>> {
    let one = (0_usize..5, prop::sample::select(vec![InvoiceStatus::Paid, InvoiceStatus::Open, InvoiceStatus::Void]), 0_i64..60, 0_u32..2);
    prop::collection::vec(one, 0..8).prop_map(|all| {
        let made = all.into_iter().enumerate().map(|(position, (of, status, made, attempts))| Invoice {
            attempts,
            ..invoice(&format!("in_{position}"), &format!("sub_{of}"), status, made)
        });
        made.collect()
    })
}

/// A list in any order, some of it twice: pages of a list that changes while it is read.
fn disturbed<T: Clone + std::fmt::Debug + 'static>(all: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    let again = prop::sample::subsequence(all.clone(), 0..=all.len());
    again.prop_flat_map(move |again| Just([all.clone(), again].concat()).prop_shuffle())
}

fn as_listed_anyhow() -> impl Strategy<Value = [(Vec<Subscription>, Vec<Invoice>); 2]> {
    (any_subscriptions(), any_invoices()).prop_flat_map(|(subscriptions, invoices)| {
        let straight = (subscriptions.clone(), invoices.clone());
        (disturbed(subscriptions), disturbed(invoices)).prop_map(move |it| [straight.clone(), it])
    })
}

proptest! {
    #[test]
    fn neither_order_nor_repetition_matters([straight, anyhow] in as_listed_anyhow(), now in 20_i64..90) {
        prop_assert_eq!(fold(&straight.0, &straight.1, now), fold(&anyhow.0, &anyhow.1, now));
    }

    #[test]
    fn who_has_one_that_is_paid_runs_and_pays_once(subscriptions in any_subscriptions(), invoices in any_invoices(), now in 20_i64..90) {
        let folded = fold(&subscriptions, &invoices, now);
        let has = |status| subscriptions.iter().any(|it| it.status == status);
        if has(SubscriptionStatus::Active) {
            prop_assert_eq!(folded.standing.as_str(), "current");
        } else if has(SubscriptionStatus::Trialing) {
            prop_assert_eq!(folded.standing.as_str(), "trialing");
        }
        let takes_money = |it: &&Subscription| matches!(it.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing);
        let left = subscriptions.iter().filter(takes_money).filter(|it| !folded.duplicates.contains(&it.id)).count();
        prop_assert!(left <= 1, "{} would be charged", left);
    }

    #[test]
    fn nothing_began_in_the_future(subscriptions in any_subscriptions(), invoices in any_invoices(), now in 60_i64..90) {
        match fold(&subscriptions, &invoices, now).standing {
            Standing::PastDue { since } | Standing::Lapsed { since } => prop_assert!(since <= day(now)),
            _ => {}
        }
    }
}
