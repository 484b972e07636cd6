use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::billing::facts::{Collection, InvoiceStatus, Period};

const AT: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn euro() -> Currency {
    "EUR".parse().unwrap()
}

fn euros(minor: i64) -> Money {
    Money::new(minor, euro())
}

fn invoice(id: &str, lines: &[i64], tax: i64, total: i64) -> Invoice {
    let line = |(position, amount): (usize, &i64)| InvoiceLine {
        id: format!("il_{position}"),
        description: if position == 0 { "Small" } else { "Own media" }.to_owned(),
        amount: euros(*amount),
        quantity: None,
        period: Period { start: AT, end: AT + TimeDelta::days(30) },
        is_proration: false,
    };
    Invoice {
        id: id.to_owned(),
        number: None,
        customer: "cus_1".to_owned(),
        subscription: None,
        status: InvoiceStatus::Open,
        collection: Collection::Automatic,
        created: AT,
        due: None,
        total: euros(total),
        tax: euros(tax),
        remaining: euros(total),
        attempts: 0,
        next_attempt: None,
        lines: lines.iter().enumerate().map(line).collect(),
        page: None,
        pdf: None,
    }
}

fn account(line: &InvoiceLine) -> Account {
    if line.description == "Small" { Account::RevenuePlan } else { Account::RevenueUsage }
}

fn entry_of_finalised(invoice: &Invoice) -> Entry {
    finalised(invoice, AT, account).unwrap()
}

fn ledger(entries: impl IntoIterator<Item = Entry>) -> Ledger {
    let mut ledger = Ledger::default();
    entries.into_iter().for_each(|it| assert!(ledger.append(it).unwrap()));
    ledger
}

/// What is not zero.
fn balances(ledger: &Ledger) -> Vec<(&'static str, i64)> {
    let all = Account::ALL.iter().map(|it| (it.as_str(), ledger.balance(*it, euro()).unwrap().minor));
    all.filter(|(_, minor)| *minor != 0).collect()
}

#[test]
fn an_entry_that_does_not_balance_is_none() {
    let key = Key::new("in_1", Event::Corrected);
    let new = |postings: &[(Account, Money)]| Entry::new(key.clone(), AT, euro(), postings);
    assert_eq!(
        new(&[(Account::Cash, euros(5)), (Account::Credit, euros(-4))]),
        Err(LedgerError::Unbalanced { key: key.clone(), off: euros(1) })
    );
    let francs = Money::new(-5, "CHF".parse().unwrap());
    assert!(matches!(new(&[(Account::Cash, euros(5)), (Account::Credit, francs)]), Err(LedgerError::Money(_))));
    assert_eq!(new(&[(Account::Cash, euros(0))]).unwrap().postings(), []);
}

#[test]
fn an_invoice_is_owed_and_paid() {
    let one = invoice("in_1", &[900, 37], 178, 1115);
    let owed = ledger([entry_of_finalised(&one)]);
    assert_eq!(balances(&owed), [("receivable", 1115), ("revenue_plan", -900), ("revenue_usage", -37), ("tax", -178)]);
    let settled = ledger([entry_of_finalised(&one), paid(&one, AT, euros(1000)).unwrap()]);
    assert_eq!(balances(&settled), [("revenue_plan", -900), ("revenue_usage", -37), ("tax", -178), ("cash", 1000), ("credit", 115)]);
    let discounted = ledger([entry_of_finalised(&invoice("in_2", &[900], 0, 450))]);
    assert_eq!(balances(&discounted), [("receivable", 450), ("revenue_plan", -900), ("adjustments", 450)]);
}

#[test]
fn an_invoice_below_nothing_becomes_credit() {
    let back = invoice("in_1", &[-300], 0, -300);
    let books = ledger([entry_of_finalised(&back), paid(&back, AT, euros(0)).unwrap()]);
    assert_eq!(balances(&books), [("revenue_plan", 300), ("credit", -300)]);
}

#[test]
fn what_is_taken_back_leaves_nothing_and_stays_written() {
    let one = invoice("in_1", &[900], 171, 1071);
    let owed = entry_of_finalised(&one);
    let voided = owed.reversed(Event::Voided, AT).unwrap();
    let books = ledger([owed.clone(), voided]);
    assert_eq!((balances(&books), books.entries().count()), (Vec::new(), 2));
    let given_up = ledger([owed, written_off(&one, AT).unwrap()]);
    assert_eq!(balances(&given_up), [("revenue_plan", -900), ("written_off", 1071), ("tax", -171)]);
}

#[test]
fn money_that_goes_back_takes_its_tax_along() {
    let one = invoice("in_1", &[900], 171, 1071);
    let settled = || [entry_of_finalised(&one), paid(&one, AT, one.total).unwrap()];
    let whole = ledger(settled().into_iter().chain([refunded("re_1", &one, euros(1071), AT).unwrap()]));
    assert_eq!(balances(&whole), [("revenue_plan", -900), ("refunds", 900)]);
    let disputed = disputed("dp_1", euros(1071), AT).unwrap();
    let open = ledger(settled().into_iter().chain([disputed.clone()]));
    assert_eq!(balances(&open), [("revenue_plan", -900), ("tax", -171), ("disputed", 1071)]);
    let won = ledger(settled().into_iter().chain([disputed.clone(), dispute_won("dp_1", euros(1071), AT).unwrap()]));
    assert_eq!(balances(&won), [("revenue_plan", -900), ("tax", -171), ("cash", 1071)]);
    let lost = ledger(settled().into_iter().chain([disputed, dispute_lost("dp_1", &one, euros(1071), AT).unwrap()]));
    assert_eq!(balances(&lost), [("revenue_plan", -900), ("refunds", 900)]);
}

#[test]
fn the_same_is_written_once_and_never_otherwise() {
    let one = invoice("in_1", &[900], 0, 900);
    let mut books = ledger([entry_of_finalised(&one)]);
    let later = finalised(&one, AT + TimeDelta::hours(1), account).unwrap();
    assert_eq!(books.append(later), Ok(false));
    let other = entry_of_finalised(&invoice("in_1", &[800], 0, 800));
    assert_eq!(books.append(other), Err(LedgerError::Differs(Key::new("in_1", Event::Finalised))));
    assert_eq!(balances(&books), [("receivable", 900), ("revenue_plan", -900)]);
}

/// What may happen to some invoices: each is finalised, and then paid, voided, written off, refunded or disputed.
fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec((-50_i64..2_000, 0_i64..500, 0_i64..300, 0_u8..6, 0_i64..400), 1..12).prop_map(|all| {
        let of_one = |(position, (plan, usage, tax, what, part)): (usize, (i64, i64, i64, u8, i64))| {
            let id = format!("in_{position}");
            let one = invoice(&id, &[plan, usage], tax, plan + usage + tax);
            let owed = entry_of_finalised(&one);
            let settled = paid(&one, AT, euros(one.total.minor.max(0))).unwrap();
            let rest = match what {
                0 => vec![],
                1 => vec![settled],
                2 => vec![owed.reversed(Event::Voided, AT).unwrap()],
                3 => vec![written_off(&one, AT).unwrap()],
                4 => vec![settled, refunded(&format!("re_{position}"), &one, euros(part), AT).unwrap()],
                _ => vec![settled, dispute_lost(&format!("dp_{position}"), &one, euros(part), AT).unwrap()],
            };
            [vec![owed], rest].concat()
        };
        all.into_iter().enumerate().flat_map(of_one).collect()
    })
}

proptest! {
    #[test]
    fn delivered_twice_and_in_any_order_the_books_are_the_same(
        (straight, anyhow) in any_entries().prop_flat_map(|it| (Just(it.clone()), Just([it.clone(), it].concat()).prop_shuffle()))
    ) {
        let once = ledger(straight);
        let mut twice = Ledger::default();
        for entry in anyhow {
            twice.append(entry).unwrap();
        }
        prop_assert_eq!(once.entries().count(), twice.entries().count());
        prop_assert_eq!(balances(&once), balances(&twice));
        prop_assert_eq!(balances(&once).iter().map(|(_, minor)| minor).sum::<i64>(), 0);
    }
}
