//! A server is paid for, and starts: once.

use chrono::TimeDelta;
use howdah_app::{Error, billing};
use howdah_billing::checkout::Trial;
use howdah_domain::{Desired, Hold, OperationState, Standing};

use super::{DOMAIN, GOOD, Paid};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_when_it_is_paid_for_and_both_ways_of_hearing_it_are_one() {
    let paid = Paid::new().await;
    let id = paid.launch(DOMAIN).await;
    assert_eq!(paid.desired(id).await, Desired::Suspended { by: Hold::Billing });
    paid.ground.settle(id).await;
    assert!(paid.ground.cluster.resources().is_empty(), "nothing is anywhere before it is paid for");

    let (one, other) = tokio::join!(billing::pay(paid.app(), &paid.customer, id, None), billing::pay(paid.app(), &paid.customer, id, None));
    assert_eq!(one.unwrap(), other.unwrap(), "two tabs are one page");
    let session = paid.pay_with(id, GOOD).await;
    assert_eq!(paid.desired(id).await, Desired::Suspended { by: Hold::Billing }, "nobody has heard of it yet");
    let (back, ()) = tokio::join!(billing::finish(paid.app(), &paid.customer, &session), paid.told());
    assert_eq!(back.unwrap(), id);
    assert_eq!(paid.desired(id).await, Desired::Running);
    assert!(matches!(paid.standing(id).await, Standing::Current { .. }));
    paid.ground.settle(id).await;
    assert_eq!(paid.ground.operation(id).await.state, OperationState::Succeeded);

    let revision = paid.row(id).await.revision;
    billing::finish(paid.app(), &paid.customer, &session).await.unwrap();
    paid.told().await;
    assert_eq!((paid.row(id).await.revision, paid.subscriptions(id).await.len()), (revision, 1), "heard twice, it is the same");
    let again = billing::pay(paid.app(), &paid.customer, id, None).await.unwrap_err();
    assert!(matches!(again, Error::Conflict { reason: "subscribed", .. }), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_page_expires_and_frees_the_name() {
    let paid = Paid::new().await;
    let id = paid.launch(DOMAIN).await;
    billing::pay(paid.app(), &paid.customer, id, None).await.unwrap();
    paid.days(1).await;
    assert!(paid.row(id).await.tombstoned_at.is_none(), "who comes back within a day finds the name kept");
    let page = billing::pay(paid.app(), &paid.customer, id, None).await.unwrap();
    assert!(page.url.starts_with(&paid.stripe.base_url), "a new page for the one that has expired");
    paid.days(3).await;
    paid.ground.settle(id).await;
    assert!(paid.row(id).await.tombstoned_at.is_some());
    let other = paid.ground.stranger("bob@cats.example").await;
    let paid = Paid { customer: other, ..paid };
    paid.launch(DOMAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_runs_without_a_card_and_pauses_when_it_ends_without_one() {
    let paid = Paid::with(|it| it.trial = Some(Trial { days: 14, card: false })).await;
    let id = paid.launch(DOMAIN).await;
    let url = billing::pay(paid.app(), &paid.customer, id, None).await.unwrap().url;
    let session = url.rsplit('/').next().unwrap();
    paid.stripe.pay(session, &howdah_stripe_simulator::Payment::default()).unwrap();
    paid.told().await;
    assert!(matches!(paid.standing(id).await, Standing::Trialing { .. }));
    assert_eq!(paid.desired(id).await, Desired::Running);
    paid.ground.settle(id).await;
    paid.days(13).await;
    assert_eq!(paid.desired(id).await, Desired::Running);
    paid.days(2).await;
    assert!(matches!(paid.standing(id).await, Standing::Lapsed { .. }), "{:?}", paid.standing(id).await);
    assert_eq!(paid.desired(id).await, Desired::ReadOnly { by: Hold::Billing });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bill_is_there_when_stripe_is_not() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    paid.stripe.down(true);
    let bill = billing::bill(paid.app(), &paid.customer, id).await.unwrap();
    let next = bill.next.unwrap();
    assert_eq!((next.due.minor, next.lines.len()), (900, 1), "{next:?}");
    assert_eq!(bill.invoices.len(), 1);
    let first = &bill.invoices[0];
    assert_eq!((first.status.as_str(), first.total.minor, first.remaining.minor), ("paid", 900, 0));
    assert!(first.number.is_some() && first.page.is_some());
    assert!(bill.can_change && bill.offer.is_none() && bill.banner.is_none());
    let away = billing::portal(paid.app(), &paid.customer, "/servers").await.unwrap_err();
    assert!(matches!(away, Error::Unavailable { .. }), "{away}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_is_missing_is_said_and_costs_nothing() {
    let paid = Paid::new().await;
    let id = paid.launch(DOMAIN).await;
    let missing = billing::pay(paid.app(), &paid.customer, id, Some("CHF".parse().unwrap())).await.unwrap_err();
    assert!(matches!(missing, Error::Conflict { reason: "price_missing", .. }), "{missing}");
    paid.pass(TimeDelta::minutes(1)).await;
    billing::pay(paid.app(), &paid.customer, id, Some("USD".parse().unwrap())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_beyond_the_plan_comes_on_the_renewal_once() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    let gib = 1_i64 << 30;
    let start = paid.subscriptions(id).await[0].period_start;
    // 10 GiB are included; 20 more for the whole month, and none of the cache is billed.
    let sql = format!(
        "INSERT INTO usage_hours SELECT '{id}', h, {}, {}, 0, 1, 'small' FROM generate_series(date_trunc('hour', '{start}'::timestamptz), '{start}'::timestamptz + interval '40 days', interval '1 hour') h ON CONFLICT DO NOTHING",
        30 * gib,
        500 * gib
    );
    paid.ground.database.execute(&sql).await;
    let bill = billing::bill(paid.app(), &paid.customer, id).await.unwrap();
    assert_eq!(bill.next.unwrap().due.minor, 900 + 180, "20 GiB at 0.09");
    paid.days(33).await;
    paid.told().await;
    let bill = billing::bill(paid.app(), &paid.customer, id).await.unwrap();
    let renewal = &bill.invoices[0];
    let lines: Vec<_> = renewal.lines.iter().map(|it| it.amount.minor).collect();
    assert_eq!((renewal.status.as_str(), renewal.total.minor, lines.len()), ("paid", 900 + 180, 2), "{renewal:?}");
    let entries = howdah_db::models::billing::LedgerEntry::of_object(&mut *paid.ground.conn().await, &renewal.id).await.unwrap();
    assert_eq!(entries.iter().map(|it| it.amount).sum::<i64>(), 0, "it balances");
    assert_eq!(entries.iter().find(|it| it.account == "revenue_usage").map(|it| it.amount), Some(-180));
    let items = paid.all("/v1/invoiceitems").iter().filter(|it| it["amount"] == 180).count();
    assert_eq!(items, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_is_sent_has_a_grace_of_its_own() {
    let paid = Paid::new().await;
    let id = paid.launch(DOMAIN).await;
    let refused = billing::order_by_invoice(paid.app(), &paid.customer, id, &billing::InvoiceOrder::default()).await.unwrap_err();
    let Error::Invalid { fields } = &refused else { panic!("{refused}") };
    assert_eq!(fields.iter().map(|it| it.field).collect::<Vec<_>>(), ["line1", "city", "country"]);
    let order = billing::InvoiceOrder {
        order_number: "PO-7".to_owned(),
        line1: "Example University, Library".to_owned(),
        city: "Bonn".to_owned(),
        country: "de".to_owned(),
        ..billing::InvoiceOrder::default()
    };
    billing::order_by_invoice(paid.app(), &paid.customer, id, &order).await.unwrap();
    assert_eq!(paid.desired(id).await, Desired::Running, "it starts at once");
    paid.ground.settle(id).await;
    paid.days(29).await;
    assert!(matches!(paid.standing(id).await, Standing::Current { .. }), "{:?}", paid.standing(id).await);
    paid.days(5).await;
    assert!(matches!(paid.standing(id).await, Standing::PastDue { .. }), "{:?}", paid.standing(id).await);
    paid.days(20).await;
    assert_eq!(paid.desired(id).await, Desired::Running, "a card would have had 14 days");
    paid.days(12).await;
    assert_eq!(paid.desired(id).await, Desired::ReadOnly { by: Hold::Billing });
    let again = billing::order_by_invoice(paid.app(), &paid.customer, id, &order).await.unwrap_err();
    assert_eq!(again.reason(), "subscribed");
}
