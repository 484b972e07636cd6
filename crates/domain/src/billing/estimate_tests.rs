use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::billing::usage::Charge;

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn day(days: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(days)
}

fn period() -> Period {
    Period { start: day(0), end: day(30) }
}

fn item(sold: Sold, minor: i64, quantity: u32) -> Item {
    let price = format!("price_{sold:?}");
    Item { id: format!("si_{price}"), price, sold, unit: euros(minor), quantity }
}

fn plan(id: &str, minor: i64) -> Item {
    item(Sold::Plan(id.to_owned()), minor, 1)
}

fn add_on(id: &str, minor: i64, quantity: u32) -> Item {
    item(Sold::AddOn(id.to_owned()), minor, quantity)
}

fn usage(minor: [i64; 3]) -> Bill {
    let charge = |(class, minor): (&Class, i64)| Charge { class: *class, byte_hours: 0, rated: euros(minor), billed: euros(minor) };
    let charges: Vec<Charge> = Class::ALL.iter().zip(minor).map(charge).collect();
    Bill { charges, total: euros(minor.iter().sum()), withheld: euros(0) }
}

fn catalogue() -> Plans {
    Plans::built_in().unwrap()
}

fn amounts(lines: &[Line]) -> Vec<(&str, &str, i64)> {
    lines.iter().map(|it| (it.cause.as_str(), it.description.as_str(), it.amount.minor)).collect()
}

fn prorated(old: &[Item], new: &[Item], at: DateTime<Utc>) -> Vec<Line> {
    prorate(old, new, period(), at, &catalogue()).unwrap()
}

#[test]
fn each_line_of_the_next_bill_has_its_cause() {
    let items = [plan("small", 900), add_on("media-100", 500, 2), item(Sold::Unknown, 100, 1)];
    let (used, forecast) = (usage([10, 0, 0]), usage([30, 0, 5]));
    let coming = Coming { items: &items, usage: &used, forecast: &forecast, prorations: &[], credit: euros(200), at: day(30) };
    let bill = next_bill(&coming, &catalogue()).unwrap();
    assert_eq!(
        amounts(&bill.lines),
        [
            ("plan", "Small", 900),
            ("add_on", "100 GB of media", 1000),
            ("other", "price_Unknown", 100),
            ("usage", "Own media beyond what is included", 30),
            ("usage", "Database beyond what is included", 5),
            ("credit", "Your credit", -200),
        ]
    );
    assert_eq!((bill.due, bill.credit_left, bill.lines[3].so_far), (euros(1835), euros(0), Some(euros(10))));
    let rich = next_bill(&Coming { credit: euros(9_999), ..coming }, &catalogue()).unwrap();
    assert_eq!((rich.due, rich.credit_left), (euros(0), euros(9_999 - 2_035)));
}

#[test]
fn a_change_is_prorated_both_ways_to_the_second() {
    let (small, medium) = (plan("small", 900), plan("medium", 2900));
    let up = prorated(std::slice::from_ref(&small), std::slice::from_ref(&medium), day(10));
    let expected = [("unused_time", "Unused time of Small", -600), ("remaining_time", "Remaining time of Medium", 1933)];
    assert_eq!(amounts(&up), expected, "1933.33 cents are rounded");
    let down = prorated(std::slice::from_ref(&medium), std::slice::from_ref(&small), day(10));
    assert_eq!(down.iter().map(|it| it.amount.minor).collect::<Vec<_>>(), [-1933, 600]);
    let a_second_later = prorated(&[plan("x", 2_592_000)], &[], day(10) + TimeDelta::seconds(1));
    assert_eq!(a_second_later[0].amount, euros(-1_727_999), "a cent a second");
    let more = prorated(&[small.clone(), add_on("media-100", 500, 1)], &[small.clone(), add_on("media-100", 500, 3)], day(15));
    assert_eq!(more.iter().map(|it| it.amount.minor).collect::<Vec<_>>(), [-250, 750], "the plan stays, and has no line");
    assert_eq!(prorated(std::slice::from_ref(&small), std::slice::from_ref(&medium), day(31))[1].amount, euros(0));
    assert_eq!(prorated(&[small], &[medium], day(-5))[1].amount, euros(2900));
}

#[test]
fn a_preview_shows_the_bill_with_and_without() {
    let (small, medium) = ([plan("small", 900)], [plan("medium", 2900)]);
    let (used, forecast, then) = (usage([10, 0, 0]), usage([30, 0, 0]), usage([10, 0, 0]));
    let coming = Coming { items: &small, usage: &used, forecast: &forecast, prorations: &[], credit: euros(0), at: day(30) };
    let of = |paid| preview(&coming, &medium, &then, paid, day(15), &catalogue()).unwrap();
    let preview = of(Some(period()));
    assert_eq!((preview.before.due, preview.after.due), (euros(930), euros(2900 - 450 + 1450 + 10)));
    assert_eq!(preview.prorations, preview.after.lines[1..3]);
    assert_eq!((of(None).prorations, of(None).after.due), (Vec::new(), euros(2910)), "in a trial");
    let dollars = [Item { unit: Money::new(1000, "USD".parse().unwrap()), ..plan("small", 0) }];
    assert!(matches!(next_bill(&Coming { items: &dollars, ..coming }, &catalogue()), Err(MoneyError::Mixed(..))));
}

#[test]
fn what_is_given_back_beyond_the_bill_is_kept_for_the_next() {
    let back = prorated(&[plan("large", 9_900)], &[plan("small", 900)], day(15));
    let (small, none) = ([plan("small", 900)], usage([0; 3]));
    let coming = Coming { items: &small, usage: &none, forecast: &none, prorations: &back, credit: euros(50), at: day(30) };
    let bill = next_bill(&coming, &catalogue()).unwrap();
    assert_eq!((bill.due, bill.credit_left), (euros(0), euros(50 + 4950 - 450 - 900)));
}

proptest! {
    /// There and back at the same moment costs nothing.
    #[test]
    fn a_change_that_is_taken_back_costs_nothing(small in 0_i64..10_000, large in 0_i64..10_000, quantity in 1_u32..5, second in 0_i64..2_592_000) {
        let (old, new) = ([plan("small", small)], [plan("large", large), add_on("media-100", 500, quantity)]);
        let at = day(0) + TimeDelta::seconds(second);
        let lines = [prorated(&old, &new, at), prorated(&new, &old, at)].concat();
        prop_assert_eq!(lines.iter().map(|it| it.amount.minor).sum::<i64>(), 0);
    }

    #[test]
    fn no_bill_asks_for_less_than_nothing_and_no_credit_is_lost(items in 0_i64..5_000, back in -9_000_i64..0, used in 0_i64..500, credit in 0_i64..5_000) {
        let items = [plan("small", items)];
        let prorations = [Line { cause: Cause::UnusedTime("Large".to_owned()), description: String::new(), quantity: 1, amount: euros(back), so_far: None }];
        let usage = usage([used, 0, 0]);
        let coming = Coming { items: &items, usage: &usage, forecast: &usage, prorations: &prorations, credit: euros(credit), at: day(30) };
        let bill = next_bill(&coming, &catalogue()).unwrap();
        prop_assert!(bill.due.minor >= 0 && bill.credit_left.minor >= 0);
        prop_assert_eq!(bill.due.minor - bill.credit_left.minor, items[0].unit.minor + back + used - credit);
    }
}
