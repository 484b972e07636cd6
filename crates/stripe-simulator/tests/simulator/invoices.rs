use howdah_stripe_simulator::Fields;

use crate::support::{Account, DAY, START};

#[tokio::test]
async fn an_invoice_by_hand_takes_what_waits_and_is_sent() {
    let account = Account::open().await;
    let customer = account.post("/v1/customers", "email=office@example.org").await;
    let id = customer.id();
    account.post("/v1/invoiceitems", &format!("customer={id}&currency=eur&unit_amount_decimal=0.5&quantity=3&description=Media")).await;
    let more = "&collection_method=send_invoice&days_until_due=30&pending_invoice_items_behavior=include";
    let invoice = account.post("/v1/invoices", &format!("customer={id}{more}")).await;
    assert_eq!((invoice.status(), invoice.int("total")), ("draft", 2), "1.5 cents are 2");
    let path = format!("/v1/invoices/{}", invoice.id());
    let item = account.post("/v1/invoiceitems", &format!("customer={id}&currency=eur&amount=98&invoice={}", invoice.id())).await;
    assert_eq!(account.get(&path).await.int("total"), 100);
    account.delete(&format!("/v1/invoiceitems/{}", item.id())).await;
    assert_eq!(account.get(&path).await.int("total"), 2);
    let sent = account.post(&format!("{path}/send"), "").await;
    assert_eq!((sent.status(), sent.int("due_date")), ("open", START + 30 * DAY));
    assert_eq!(account.get(&format!("{path}/lines")).await.list("data").len(), 1);
    let voided = account.post(&format!("{path}/void"), "").await;
    assert_eq!(voided.status(), "void");
    assert_eq!(account.try_post(&format!("{path}/pay"), "").await.0, 400);
}

#[tokio::test]
async fn what_is_written_off_can_still_be_paid_elsewhere() {
    let account = Account::open().await;
    let customer = account.post("/v1/customers", "email=office@example.org").await;
    account.post("/v1/invoiceitems", &format!("customer={}&currency=eur&amount=500", customer.id())).await;
    let form = format!("customer={}&pending_invoice_items_behavior=include", customer.id());
    let path = format!("/v1/invoices/{}", account.post("/v1/invoices", &form).await.id());
    assert_eq!(account.try_post(&format!("{path}/mark_uncollectible"), "").await.0, 400, "it is a draft");
    account.post(&format!("{path}/finalize"), "").await;
    assert_eq!(account.post(&format!("{path}/mark_uncollectible"), "").await.status(), "uncollectible");
    let paid = account.post(&format!("{path}/pay"), "paid_out_of_band=true").await;
    assert_eq!((paid.status(), paid.int("amount_paid")), ("paid", 0));
    assert!(account.get("/v1/charges").await.list("data").is_empty());
}

#[tokio::test]
async fn numbers_that_would_overflow_are_refused() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let product = account.get("/v1/products").await["data"][0].id().to_owned();
    let price_of = |more: &str| format!("product={product}&currency=eur&recurring[interval]=month&{more}");
    let refused = [
        ("/v1/prices", price_of("unit_amount=9223372036854775807")),
        ("/v1/prices", price_of("unit_amount=1&recurring[interval_count]=9000000000")),
        ("/v1/prices", price_of("unit_amount=-1")),
        ("/v1/subscriptions", format!("customer={customer}&items[0][price]={price}&items[0][quantity]=99999999999")),
        ("/v1/subscriptions", format!("customer={customer}&items[0][price]={price}&trial_period_days=99999999999")),
        ("/v1/invoiceitems", format!("customer={customer}&currency=eur&amount=1e9")),
        ("/v1/invoiceitems", format!("customer={customer}&currency=eur&amount=-99999999999")),
    ];
    for (path, form) in refused {
        let (status, body) = account.try_post(path, &form).await;
        assert_eq!((status, body.text("error.type")), (400, "invalid_request_error"), "{path} {form}");
    }
    let advance = account.http.post(account.url("/_simulator/advance")).json(&serde_json::json!({"seconds": i64::MAX}));
    assert_eq!(account.send(advance).await.0, 400);
}
