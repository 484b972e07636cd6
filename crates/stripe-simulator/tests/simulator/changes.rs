use howdah_stripe_simulator::{Fields, Instrument};
use serde_json::Value;

use crate::support::{Account, DAY, HOUR};

struct Change {
    account: Account,
    path: String,
    item: String,
    small: String,
    large: String,
}

/// A subscription to `Small` for 1000 a month, ten days into its 31.
async fn ten_days_in() -> Change {
    let account = Account::open().await;
    let (small, large) = (account.price("Small", 1000).await, account.price("Large", 3000).await);
    let customer = account.customer("pm_card_visa").await;
    let subscription = account.subscribe(&customer, &small, "").await;
    account.running.advance(10 * DAY).await;
    let (path, item) = (format!("/v1/subscriptions/{}", subscription.id()), subscription["items"]["data"][0].id().to_owned());
    Change { account, path, item, small, large }
}

fn amounts(invoice: &Value) -> Vec<i64> {
    invoice.list("lines").iter().map(|it| it.int("amount")).collect()
}

#[tokio::test]
async fn the_preview_of_an_upgrade_is_what_is_charged() {
    let it = ten_days_in().await;
    let subscription = it.path.rsplit('/').next().expect("an id");
    let details = format!(
        "subscription={subscription}&subscription_details[items][0][id]={}&subscription_details[items][0][price]={}\
         &subscription_details[proration_behavior]=always_invoice",
        it.item, it.large
    );
    let preview = it.account.post("/v1/invoices/create_preview", &details).await;
    assert_eq!(amounts(&preview), [-677, 2032], "1000 and 3000 for 21 of 31 days");
    assert_eq!(it.account.get("/v1/invoices").await.list("data").len(), 1, "a preview makes nothing");
    let form = format!("items[0][id]={}&items[0][price]={}&proration_behavior=always_invoice", it.item, it.large);
    it.account.post(&it.path, &form).await;
    let charged = it.account.subscription(subscription).await["latest_invoice"].clone();
    assert_eq!(amounts(&charged), amounts(&preview));
    assert_eq!((charged.status(), charged.int("amount_paid")), ("paid", preview.int("amount_due")));
}

#[tokio::test]
async fn a_downgrade_is_credited_on_the_next_renewal() {
    let it = ten_days_in().await;
    it.account.post(&it.path, &format!("items[0][id]={}&items[0][price]={}&proration_behavior=none", it.item, it.large)).await;
    it.account.post(&it.path, &format!("items[0][id]={}&items[0][price]={}", it.item, it.small)).await;
    let subscription = it.path.rsplit('/').next().expect("an id");
    let preview = it.account.post("/v1/invoices/create_preview", &format!("subscription={subscription}")).await;
    it.account.running.advance(21 * DAY + HOUR).await;
    let renewal = it.account.subscription(subscription).await["latest_invoice"].clone();
    assert_eq!(amounts(&renewal), [-2032, 677, 1000]);
    assert_eq!(amounts(&preview), amounts(&renewal));
    assert_eq!((renewal.int("total"), renewal.int("amount_due"), renewal.status()), (-355, 0, "paid"));
    let customer = it.account.get(&format!("/v1/customers/{}", renewal.text("customer"))).await;
    assert_eq!(customer.int("balance"), -355, "what is left over is the customer's");
    it.account.running.advance(32 * DAY).await;
    assert_eq!(it.account.subscription(subscription).await.int("latest_invoice.amount_paid"), 645);
}

#[tokio::test]
async fn an_added_item_is_charged_for_the_rest_and_a_deleted_one_credited() {
    let it = ten_days_in().await;
    it.account.post(&it.path, &format!("items[0][price]={}&items[0][quantity]=2", it.large)).await;
    let subscription = it.account.get(&it.path).await;
    let added = subscription.list("items").last().expect("an item").id().to_owned();
    it.account.running.advance(DAY).await;
    it.account.post(&it.path, &format!("items[0][id]={added}&items[0][deleted]=true")).await;
    let pending = it.account.get("/v1/invoiceitems?pending=true").await;
    let amounts: Vec<i64> = pending.list("data").iter().map(|it| it.int("amount")).collect();
    assert_eq!(amounts, [-3871, 4065], "6000 for 20 and for 21 of 31 days");
    let (status, refused) = it.account.try_post(&it.path, &format!("items[0][id]={}&items[0][deleted]=true", it.item)).await;
    assert_eq!(status, 400, "{refused}");
}

#[tokio::test]
async fn without_its_money_a_change_is_not_made() {
    let it = ten_days_in().await;
    it.account.running.plan_outcomes([Instrument::Declined]);
    let form = format!(
        "items[0][id]={}&items[0][price]={}&proration_behavior=always_invoice&payment_behavior=error_if_incomplete",
        it.item, it.large
    );
    let (status, refused) = it.account.try_post(&it.path, &form).await;
    assert_eq!((status, refused.text("error.code")), (402, "card_declined"));
    let now = it.account.get(&it.path).await;
    assert_eq!(now["items"]["data"][0].text("price.id"), it.small);
    assert!(it.account.get("/v1/invoiceitems").await.list("data").is_empty());
}

#[tokio::test]
async fn another_interval_begins_a_new_period_and_credits_the_old() {
    let it = ten_days_in().await;
    let product = it.account.post("/v1/products", "name=Yearly").await;
    let form = format!("product={}&currency=eur&unit_amount=10000&recurring[interval]=year", product.id());
    let yearly = it.account.post("/v1/prices", &form).await;
    it.account.post(&it.path, &format!("items[0][id]={}&items[0][price]={}", it.item, yearly.id())).await;
    let now = it.account.get(&format!("{}?expand[]=latest_invoice", it.path)).await;
    assert_eq!(amounts(&now["latest_invoice"]), [-677, 10000]);
    let item = &now["items"]["data"][0];
    assert_eq!(item.int("current_period_end") - item.int("current_period_start"), 365 * DAY);
}
