use howdah_stripe_simulator::Fields;

use crate::support::Account;

#[tokio::test]
async fn a_lookup_key_moves_to_another_price_only_when_it_is_said() {
    let account = Account::open().await;
    let product = account.post("/v1/products", "id=plan_small&name=Small&metadata[plan]=small").await;
    assert_eq!((product.id(), product.text("metadata.plan")), ("plan_small", "small"));
    let form = "product=plan_small&currency=eur&unit_amount=900&recurring[interval]=month&lookup_key=small_eur";
    let old = account.post("/v1/prices", form).await;
    let (status, refused) = account.try_post("/v1/prices", form).await;
    assert_eq!((status, refused.text("error.param")), (400, "lookup_key"));
    let new = account.post("/v1/prices", &format!("{form}&transfer_lookup_key=true")).await;
    let found = account.get("/v1/prices?lookup_keys[]=small_eur&expand[]=data.product").await;
    assert_eq!(found.list("data").len(), 1);
    assert_eq!((found["data"][0].id(), found["data"][0].text("product.name")), (new.id(), "Small"));
    assert!(!account.get(&format!("/v1/prices/{}", old.id())).await.is_set("lookup_key"));
}

#[tokio::test]
async fn lists_are_turned_a_page_at_a_time() {
    let account = Account::open().await;
    for number in 0..5 {
        account.post("/v1/customers", &format!("email=c{number}@example.org")).await;
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = account.get(&format!("/v1/customers?limit=2{after}")).await;
        seen.extend(page.list("data").iter().map(|it| it.text("email").to_owned()));
        if !page.flag("has_more") {
            break;
        }
        after = format!("&starting_after={}", page.list("data").last().expect("a member").id());
    }
    assert_eq!(seen, ["c4@example.org", "c3@example.org", "c2@example.org", "c1@example.org", "c0@example.org"]);
    assert_eq!(account.get("/v1/customers?email=c3@example.org").await.list("data").len(), 1);
}

#[tokio::test]
async fn what_is_not_stripes_is_refused_in_stripes_words() {
    let account = Account::open().await;
    let (status, refused) = account.try_post("/v1/customers", "email=a@example.org&emial=b").await;
    assert_eq!((status, refused.text("error.code"), refused.text("error.param")), (400, "parameter_unknown", "emial"));
    let (status, refused) = account.try_get("/v1/subscriptions/sub_none").await;
    assert_eq!((status, refused.text("error.code")), (404, "resource_missing"));
    let (status, _) = account.try_get("/v1/nothing").await;
    assert_eq!(status, 404);
    let wrong = account.http.get(account.url("/v1/products")).bearer_auth("sk_test_other").send().await.expect("an answer");
    assert_eq!(wrong.status(), 401);
    assert!(wrong.headers().contains_key("Request-Id"));
}

#[tokio::test]
async fn a_deleted_customer_is_answered_for_and_has_no_subscription() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    account.delete(&format!("/v1/customers/{customer}")).await;
    assert!(account.get(&format!("/v1/customers/{customer}")).await.flag("deleted"));
    assert_eq!(account.subscription(subscription.id()).await.status(), "canceled");
}

#[tokio::test]
async fn a_customer_has_one_currency() {
    let account = Account::open().await;
    let (customer, euros) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    account.subscribe(&customer, &euros, "").await;
    let product = account.post("/v1/products", "name=Small").await;
    let form = format!("product={}&currency=usd&unit_amount=900&recurring[interval]=month", product.id());
    let dollars = account.post("/v1/prices", &form).await;
    let (status, refused) = account.try_post("/v1/subscriptions", &format!("customer={customer}&items[0][price]={}", dollars.id())).await;
    assert_eq!((status, refused.text("error.param")), (400, "currency"));
}
