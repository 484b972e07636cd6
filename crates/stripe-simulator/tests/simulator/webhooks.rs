use howdah_stripe_simulator::{Delivery, Fields, sign};

use crate::support::{Account, DAY, HOUR};

#[tokio::test]
async fn a_delivery_is_signed_over_its_raw_payload() {
    let account = Account::open().await;
    let endpoint = account.hear("enabled_events[]=customer.created").await;
    account.post("/v1/customers", "email=ana@example.org").await;
    account.post("/v1/products", "name=Small").await;
    account.running.deliver_pending().await;
    let heard = endpoint.heard();
    assert_eq!(endpoint.types(), ["customer.created"], "only what it asked for");
    let at = heard[0].signature.strip_prefix("t=").and_then(|it| it.split(',').next()).expect("a time").parse().expect("a number");
    assert_eq!(heard[0].signature, sign(&heard[0].payload, &endpoint.secret, at));
    let event = heard[0].event();
    assert_eq!(event.text("api_version"), howdah_stripe_simulator::API_VERSION);
    assert!(event.is_set("request.id"));
}

#[tokio::test]
async fn a_refused_delivery_is_tried_again_for_three_days() {
    let account = Account::open().await;
    let endpoint = account.hear("enabled_events[]=*").await;
    endpoint.answer(503);
    account.post("/v1/customers", "email=ana@example.org").await;
    account.running.deliver_pending().await;
    assert_eq!(endpoint.heard().len(), 1);
    account.running.advance(HOUR).await;
    assert_eq!(endpoint.heard().len(), 2, "an hour later");
    assert_eq!(account.get("/v1/events?delivery_success=false").await.list("data").len(), 1);
    assert_eq!(account.get("/v1/events").await["data"][0].int("pending_webhooks"), 1);
    account.running.advance(5 * DAY).await;
    let tried = endpoint.heard().len();
    assert_eq!(tried, 7, "after 1, 3, 7, 15, 31 and 63 hours");
    account.running.advance(5 * DAY).await;
    assert_eq!(endpoint.heard().len(), tried);
    assert_eq!(account.events("&delivery_success=false").await, ["customer.created"], "still to be found");
    account.running.advance(30 * DAY).await;
    assert!(account.events("").await.is_empty(), "events are kept for 30 days");
}

#[tokio::test]
async fn an_endpoint_that_recovers_is_told() {
    let account = Account::open().await;
    let endpoint = account.hear("enabled_events[]=*").await;
    endpoint.answer(500);
    account.post("/v1/customers", "email=ana@example.org").await;
    account.running.deliver_pending().await;
    endpoint.answer(204);
    account.running.advance(2 * HOUR).await;
    assert_eq!(endpoint.heard().len(), 2);
    assert!(account.events("&delivery_success=false").await.is_empty());
}

#[tokio::test]
async fn deliveries_go_badly_as_they_are_set_and_the_same_way_again() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let account = Account::open().await;
        let endpoint = account.hear("enabled_events[]=*").await;
        account.running.set_delivery(Delivery { doubled: 0.3, lost: 0.2, shuffled: true, seed: 7, ..Delivery::default() });
        for number in 0..40 {
            account.post("/v1/customers", &format!("name=c{number}")).await;
        }
        account.running.deliver_pending().await;
        let names: Vec<String> = endpoint.heard().iter().map(|it| it.event().text("data.object.name").to_owned()).collect();
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert!(once.len() < 40, "some are lost");
        assert!(names.len() > once.len(), "some come twice");
        let sent: Vec<String> = (0..40).map(|it| format!("c{it}")).filter(|it| once.contains(it)).collect();
        let mut first = names.clone();
        first.dedup();
        assert_ne!(first, sent, "they are shuffled");
        assert_eq!(account.get("/v1/events?delivery_success=false&limit=100").await.list("data").len(), 40 - once.len());
        runs.push(names);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn a_delayed_delivery_comes_within_a_day() {
    let account = Account::open().await;
    let endpoint = account.hear("enabled_events[]=*").await;
    account.running.set_delivery(Delivery { delayed: 1.0, ..Delivery::default() });
    account.post("/v1/customers", "name=late").await;
    account.running.deliver_pending().await;
    assert!(endpoint.heard().is_empty());
    account.running.advance(DAY).await;
    assert_eq!(endpoint.heard().len(), 1);
}

#[tokio::test]
async fn an_update_says_what_was_before() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let path = format!("/v1/subscriptions/{}", account.subscribe(&customer, &price, "").await.id());
    account.post(&path, "metadata[plan]=small").await;
    account.post(&path, "metadata[plan]=small").await;
    let events = account.get("/v1/events?type=customer.subscription.updated").await;
    let previous = &events["data"][0]["data"]["previous_attributes"];
    assert_eq!(*previous, serde_json::json!({"metadata": {}}));
}
