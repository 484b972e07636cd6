//! Stripe away, a process killed in between, somebody else's webhook, and what operators do in Stripe's own dashboard.

use chrono::TimeDelta;
use howdah_app::billing::{self, IntakeError};
use howdah_app::{Error, Scope};
use howdah_db::models::billing::{BillingEvent, EventPage};
use howdah_domain::{Clock as _, Desired, Hold, Standing};
use howdah_stripe_simulator::{Failure, Fault, Verb, sign};

use super::{DOMAIN, GOOD, Paid};

#[tokio::test(flavor = "multi_thread")]
async fn stripe_is_away_for_four_days_and_nobody_loses_anything() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    let customer = paid.subscriptions(id).await[0].customer_id.clone();
    paid.stripe.down(true);
    for _ in 0..4 {
        paid.days(1).await;
        assert_eq!(paid.desired(id).await, Desired::Running);
    }
    paid.stripe.down(false);
    paid.days(1).await;
    assert_eq!(paid.desired(id).await, Desired::Running);
    assert!(matches!(paid.standing(id).await, Standing::Current { .. }));
    // What was told while it couldn't be asked waits, and is handled then.
    paid.change_card(&customer, super::DECLINED);
    paid.stripe.deliver_pending().await;
    paid.stripe.down(true);
    paid.handled().await;
    let waiting = async || {
        let page = EventPage { before: None, unhandled: true, limit: 100 };
        BillingEvent::page(&mut *paid.ground.conn().await, page).await.unwrap()
    };
    let held_up = waiting().await;
    assert!(!held_up.is_empty() && held_up.iter().all(|it| it.outcome.is_some()), "{held_up:#?}");
    paid.stripe.down(false);
    paid.pass(TimeDelta::hours(1)).await;
    assert!(waiting().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_came_is_asked_for_again_and_made_once() {
    let paid = Paid::new().await;
    let id = paid.launch(DOMAIN).await;
    for path in ["/v1/customers", "/v1/checkout/sessions"] {
        for failure in [Failure::DropBefore, Failure::DropAfter] {
            paid.stripe.fail_next(Fault { method: Some("POST".to_owned()), path: path.to_owned(), failure, times: 1, after: 0 });
            let lost = billing::pay(paid.app(), &paid.customer, id, None).await.unwrap_err();
            assert!(matches!(lost, Error::Unavailable { .. }), "{path}, {failure:?}: {lost:?}");
        }
    }
    paid.pay_with(id, GOOD).await;
    paid.told().await;
    assert_eq!(paid.desired(id).await, Desired::Running);
    let made = |path: &str| paid.all(path).len();
    assert_eq!((made("/v1/customers"), made("/v1/checkout/sessions"), made("/v1/subscriptions")), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stripes_is_refused_and_not_kept() {
    let paid = Paid::new().await;
    let intake = paid.intake();
    let secret = paid.secret.clone();
    let now = howdah_domain::SystemClock.now().timestamp();
    let event = |id: &str, live: bool| {
        format!(
            r#"{{"id":"{id}","object":"event","type":"customer.updated","created":{now},"livemode":{live},"data":{{"object":{{"object":"customer","id":"cus_nobody"}}}}}}"#
        )
    };
    let good = event("evt_good", false);
    for (body, header, why) in [
        (good.clone(), sign(&good, "whsec_wrong", now), "forged"),
        (good.clone(), sign(&good, &secret, now - 400), "stale"),
        (good.clone(), sign(&good, &secret, now + 400), "of the future"),
        (good.replace("cus_nobody", "cus_other"), sign(&good, &secret, now), "changed"),
        (good.clone(), String::new(), "unsigned"),
        ("x".repeat(2 << 20), sign("x", &secret, now), "oversized"),
        ("{}".to_owned(), sign("{}", &secret, now), "no event"),
    ] {
        let refused = intake.take(body.as_bytes(), &header).await.unwrap_err();
        assert!(matches!(refused, IntakeError::Rejected(_)), "{why}: {refused}");
    }
    let live = event("evt_live", true);
    assert!(matches!(intake.take(live.as_bytes(), &sign(&live, &secret, now)).await.unwrap_err(), IntakeError::Foreign));
    let page = EventPage { before: None, unhandled: false, limit: 100 };
    assert!(BillingEvent::page(&mut *paid.ground.conn().await, page).await.unwrap().is_empty());

    for _ in 0..3 {
        intake.take(good.as_bytes(), &sign(&good, &secret, now)).await.unwrap();
    }
    paid.handled().await;
    let kept = BillingEvent::page(&mut *paid.ground.conn().await, page).await.unwrap();
    assert_eq!(kept.len(), 1, "told three times, it is kept once");
    assert_eq!(kept[0].outcome.as_deref(), Some("It is of no customer of this platform."));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_kept() {
    let paid = Paid::new().await;
    let intake = paid.intake();
    let secret = paid.secret.clone();
    let now = howdah_domain::SystemClock.now().timestamp();
    let take = |number: usize| {
        let (intake, secret) = (intake.clone(), secret.clone());
        async move {
            let event = format!(
                r#"{{"id":"evt_{number}","object":"event","type":"customer.updated","created":{now},"livemode":false,"data":{{"object":{{"object":"customer","id":"cus_{number}"}}}}}}"#
            );
            intake.take(event.as_bytes(), &sign(&event, &secret, now)).await
        }
    };
    let taken = futures::future::join_all((0..300).map(take)).await;
    assert!(taken.iter().all(Result::is_ok));
    assert_eq!(BillingEvent::unhandled(&mut *paid.ground.conn().await, 1000).await.unwrap().len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_lost_is_found_by_the_hour() {
    let paid = Paid::new().await;
    let id = paid.launch(DOMAIN).await;
    paid.stripe.set_delivery(howdah_stripe_simulator::Delivery { lost: 1.0, ..howdah_stripe_simulator::Delivery::default() });
    paid.pay_with(id, GOOD).await;
    paid.told().await;
    assert_eq!(paid.desired(id).await, Desired::Suspended { by: Hold::Billing }, "nobody told");
    paid.pass(TimeDelta::hours(2)).await;
    paid.handled().await;
    assert_eq!(paid.desired(id).await, Desired::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_deleted_in_stripes_own_dashboard_winds_down_and_is_no_difference() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    let subscription = paid.subscriptions(id).await[0].id.clone();
    paid.stripe.world().cancel(&subscription, false, false).unwrap();
    paid.told().await;
    assert!(matches!(paid.standing(id).await, Standing::Cancelled { .. }), "{:?}", paid.standing(id).await);
    assert_eq!(paid.desired(id).await, Desired::Running, "what was paid for is had");
    paid.days(2).await;
    let operator = paid.ground.operator.clone();
    assert!(operator.scopes.contains(&Scope::Operate));
    let newest = billing::reconciliations(paid.app(), &operator).await.unwrap().remove(0);
    assert_eq!(newest.differences, []);
    assert!(newest.compared > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_subscription_of_one_server_is_cancelled() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    let first = paid.subscriptions(id).await[0].clone();
    paid.change_card(&first.customer_id, super::VISA);
    paid.pass(TimeDelta::hours(1)).await;
    let price = first.items[0]["price"].as_str().unwrap().to_owned();
    let form = format!("customer={}&items[0][price]={price}&metadata[howdah_instance]={id}", first.customer_id);
    paid.ask(Verb::Post, "/v1/subscriptions", &form);
    paid.told().await;
    paid.told().await;
    let mut states: Vec<(String, bool)> = paid.subscriptions(id).await.into_iter().map(|it| (it.status, it.id == first.id)).collect();
    states.sort();
    assert_eq!(states, [("active".to_owned(), true), ("canceled".to_owned(), false)]);
    assert_eq!(paid.desired(id).await, Desired::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_overrides_and_ends_without_counting_what_was_before() {
    let paid = Paid::new().await;
    let id = paid.launch(DOMAIN).await;
    let operator = paid.ground.operator.clone();
    let request = |reason: &str, days: Option<i64>| billing::GrantRequest {
        reason: reason.to_owned(),
        until: days.map(|it| howdah_domain::Clock::now(&*paid.ground.clock) + TimeDelta::days(it)),
    };
    assert!(billing::grant(paid.app(), &operator, id, &request(" ", None)).await.is_err());
    assert!(matches!(billing::grant(paid.app(), &paid.customer, id, &request("Please.", None)).await, Err(Error::Forbidden { .. })));
    billing::grant(paid.app(), &operator, id, &request("A school.", Some(30))).await.unwrap();
    assert_eq!(paid.desired(id).await, Desired::Running);
    paid.ground.settle(id).await;
    paid.days(29).await;
    assert_eq!(paid.desired(id).await, Desired::Running);
    paid.days(2).await;
    assert_eq!(paid.desired(id).await, Desired::ReadOnly { by: Hold::Billing });
    billing::grant(paid.app(), &operator, id, &request("A school, still.", None)).await.unwrap();
    assert_eq!(paid.desired(id).await, Desired::Running);
    billing::end_grant(paid.app(), &operator, id).await.unwrap();
    paid.days(1).await;
    assert_eq!(paid.desired(id).await, Desired::ReadOnly { by: Hold::Billing });
}
