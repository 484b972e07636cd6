//! Another plan: what it costs is shown before, and is what it costs.

use howdah_app::{Error, billing};
use howdah_domain::Clock as _;
use howdah_domain::money::Money;

use super::{GOOD, Paid};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_what_is_charged() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    paid.days(10).await;
    let preview = billing::preview_plan(paid.app(), &paid.customer, id, "medium").await.unwrap();
    assert!(preview.due_now.minor > 1000 && preview.due_now.minor < 2000, "{preview:?}");
    assert_eq!(preview.renewal.map(|it| it.minor), Some(2900));
    assert_eq!(paid.row(id).await.plan, "small", "nothing is changed by looking");
    billing::change_plan(paid.app(), &paid.customer, id, "medium", preview.as_of).await.unwrap();
    assert_eq!(paid.row(id).await.plan, "medium");
    let bill = billing::bill(paid.app(), &paid.customer, id).await.unwrap();
    assert_eq!(bill.invoices[0].total, preview.due_now);
    assert_eq!(bill.subscription.unwrap().monthly.minor, 2900);
    let same = billing::change_plan(paid.app(), &paid.customer, id, "medium", paid.ground.clock.now()).await.unwrap_err();
    assert_eq!(same.reason(), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_plan_that_does_not_fit_is_refused_with_reasons() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    let as_of = billing::preview_plan(paid.app(), &paid.customer, id, "medium").await.unwrap().as_of;
    billing::change_plan(paid.app(), &paid.customer, id, "medium", as_of).await.unwrap();
    let usage =
        r#"{"databaseBytes": 1, "ownMediaBytes": 42949672960, "cachedMediaBytes": 1, "users": 400, "measuredAt": "2026-11-01T00:00:00Z"}"#;
    let sql = format!("UPDATE instance_observations SET status = jsonb_set(status, '{{usage}}', '{usage}') WHERE instance_id = '{id}'");
    paid.ground.database.execute(&sql).await;
    let refused = billing::preview_plan(paid.app(), &paid.customer, id, "small").await.unwrap_err();
    let Error::Invalid { fields } = &refused else { panic!("{refused}") };
    let reasons: Vec<&str> = fields.iter().map(|it| it.reason).collect();
    assert_eq!(reasons, ["too_much_own_media", "too_many_users"], "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_set_and_lifted() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    let cap = |minor| Some(Money::new(minor, "EUR".parse().unwrap()));
    assert!(billing::set_cap(paid.app(), &paid.customer, id, cap(-1)).await.is_err());
    billing::set_cap(paid.app(), &paid.customer, id, cap(500)).await.unwrap();
    assert_eq!(billing::bill(paid.app(), &paid.customer, id).await.unwrap().cap, cap(500));
    billing::set_cap(paid.app(), &paid.customer, id, None).await.unwrap();
    assert_eq!(billing::bill(paid.app(), &paid.customer, id).await.unwrap().cap, None);
    let stranger = paid.ground.stranger("eve@elsewhere.example").await;
    assert!(matches!(billing::bill(paid.app(), &stranger, id).await.unwrap_err(), Error::NotFound { .. }));
}
