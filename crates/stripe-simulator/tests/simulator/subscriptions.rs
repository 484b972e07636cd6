use howdah_stripe_simulator::Fields;

use crate::support::{Account, DAY, HOUR, START};

#[tokio::test]
async fn a_paused_trial_goes_on_when_it_is_resumed_and_paid() {
    let account = Account::open().await;
    let price = account.price("Small", 900).await;
    let customer = account.post("/v1/customers", "email=ana@example.org").await;
    let more = "&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]=pause";
    let path = format!("/v1/subscriptions/{}", account.subscribe(customer.id(), &price, more).await.id());
    account.running.advance(30 * DAY).await;
    assert_eq!(account.get(&path).await.status(), "paused");
    assert_eq!(account.get("/v1/invoices").await.list("data").len(), 1, "nothing is asked for while it is paused");
    let method = account.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={}", customer.id())).await;
    account.post(&path, &format!("default_payment_method={}", method.id())).await;
    assert_eq!(account.get(&path).await.status(), "paused", "a card alone doesn't resume it");
    account.post(&format!("{path}/resume"), "billing_cycle_anchor=now").await;
    let now = account.get(&format!("{path}?expand[]=latest_invoice")).await;
    assert_eq!((now.status(), now.int("latest_invoice.amount_paid")), ("active", 900));
    assert_eq!(now["items"]["data"][0].int("current_period_start"), START + 30 * DAY);
    assert_eq!(account.events("&type=customer.subscription.resumed").await.len(), 1);
}

#[tokio::test]
async fn a_trial_that_is_ended_now_is_paid_now() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "&trial_period_days=7").await;
    assert_eq!(subscription.status(), "trialing");
    account.running.advance(DAY).await;
    account.post(&format!("/v1/subscriptions/{}", subscription.id()), "trial_end=now").await;
    let now = account.subscription(subscription.id()).await;
    assert_eq!((now.status(), now.int("latest_invoice.amount_paid")), ("active", 900));
    account.running.advance(7 * DAY).await;
    assert_eq!(account.get("/v1/invoices").await.list("data").len(), 2, "the trial's old end does nothing");
}

#[tokio::test]
async fn items_are_added_changed_and_deleted_one_at_a_time() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    let search = account.price("Search", 400).await;
    let form = format!("subscription={}&price={search}&proration_behavior=none", subscription.id());
    let item = account.post("/v1/subscription_items", &form).await;
    let path = format!("/v1/subscription_items/{}", item.id());
    assert_eq!(account.post(&path, "quantity=3&proration_behavior=none").await.int("quantity"), 3);
    let listed = account.get(&format!("/v1/subscription_items?subscription={}", subscription.id())).await;
    assert_eq!(listed.list("data").len(), 2);
    account.delete(&path).await;
    assert_eq!(account.try_get(&path).await.0, 404);
    let credit = account.get("/v1/invoiceitems").await;
    assert_eq!(credit["data"][0].int("amount"), -1200, "all of the period is left");
}

#[tokio::test]
async fn a_subscription_ends_at_the_time_that_is_set() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let path = format!("/v1/subscriptions/{}", account.subscribe(&customer, &price, "").await.id());
    account.post(&path, &format!("cancel_at={}", START + 10 * DAY)).await;
    account.running.advance(10 * DAY - 1).await;
    assert_eq!(account.get(&path).await.status(), "active");
    account.running.advance(1).await;
    let ended = account.get(&path).await;
    assert_eq!((ended.status(), ended.int("ended_at")), ("canceled", START + 10 * DAY));
    let (status, _) = account.try_post(&path, "cancel_at_period_end=true").await;
    assert_eq!(status, 400, "what has ended is not changed");
    assert!(account.get("/v1/subscriptions").await.list("data").is_empty());
    assert_eq!(account.get("/v1/subscriptions?status=all").await.list("data").len(), 1);
}

#[tokio::test]
async fn a_subscription_that_is_begun_incomplete_waits_for_its_payment() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let more = "&payment_behavior=default_incomplete&expand[]=latest_invoice.confirmation_secret";
    let subscription = account.subscribe(&customer, &price, more).await;
    assert_eq!(subscription.status(), "incomplete");
    assert!(subscription.text("latest_invoice.confirmation_secret.client_secret").starts_with("pi_"));
    account.post(&format!("/v1/invoices/{}/pay", subscription.text("latest_invoice.id")), "").await;
    assert_eq!(account.subscription(subscription.id()).await.status(), "active");
    account.running.advance(DAY).await;
    assert_eq!(account.subscription(subscription.id()).await.status(), "active", "its expiry does nothing");
}

#[tokio::test]
async fn a_renewal_is_announced_a_week_before() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    account.subscribe(&customer, &price, "").await;
    account.running.advance(24 * DAY - HOUR).await;
    assert!(account.events("&type=invoice.upcoming").await.is_empty());
    account.running.advance(HOUR).await;
    let event = account.get("/v1/events?type=invoice.upcoming").await["data"][0].clone();
    assert_eq!(event.int("data.object.amount_due"), 900);
    assert_eq!(account.get("/v1/invoices").await.list("data").len(), 1, "it is not made yet");
}
