use howdah_stripe_simulator::{Fields, Payment};

use crate::support::{Account, DAY, HOUR, START, card};

#[tokio::test]
async fn a_paid_session_has_an_active_subscription_and_a_paid_invoice() {
    let account = Account::open().await;
    let price = account.price("Small", 900).await;
    let id = account.session(&price, "&metadata[op]=1&subscription_data[metadata][instance]=birds").await;
    account.running.pay(&id, &card("4242 4242 4242 4242")).expect("it is paid");
    let session = account.get(&format!("/v1/checkout/sessions/{id}?expand[]=subscription&expand[]=invoice.payments")).await;
    assert_eq!((session.status(), session.text("payment_status"), session.text("metadata.op")), ("complete", "paid", "1"));
    assert_eq!(session.text("subscription.status"), "active");
    assert_eq!(session.text("subscription.metadata.instance"), "birds");
    assert_eq!((session.text("invoice.status"), session.int("invoice.amount_paid")), ("paid", 900));
    assert_eq!(session["invoice"]["payments"]["data"][0].status(), "paid");
    let events = account.events("").await;
    for wanted in ["customer.subscription.created", "invoice.paid", "checkout.session.completed"] {
        assert!(events.iter().any(|it| it == wanted), "{wanted} is not among {events:?}");
    }
    let refused = account.running.pay(&id, &card("4242424242424242")).expect_err("it is paid already");
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_declined_card_leaves_the_session_open_and_nothing_made() {
    let account = Account::open().await;
    let price = account.price("Small", 900).await;
    let id = account.session(&price, "").await;
    for (number, code) in [("4000000000000002", "card_declined"), ("4000000000000069", "expired_card"), ("1234", "incorrect_number")] {
        let refused = account.running.pay(&id, &card(number)).expect_err("it is declined");
        assert_eq!((refused.status, refused.code), (402, Some(code)), "{number}");
    }
    assert_eq!(account.get(&format!("/v1/checkout/sessions/{id}")).await.status(), "open");
    assert!(account.get("/v1/subscriptions?status=all").await.list("data").is_empty());
    account.running.pay(&id, &card("4242424242424242")).expect("another card does");
}

#[tokio::test]
async fn a_card_that_asks_is_confirmed_once_and_pays_renewals() {
    let account = Account::open().await;
    let price = account.price("Small", 900).await;
    let id = account.session(&price, "").await;
    let refused = account.running.pay(&id, &card("4000 0025 0000 3155")).expect_err("it asks");
    assert_eq!(refused.code, Some("authentication_required"));
    let payment = Payment { authenticated: true, ..card("4000 0025 0000 3155") };
    account.running.pay(&id, &payment).expect("it is confirmed");
    account.running.advance(32 * DAY).await;
    let subscription = &account.get("/v1/subscriptions?expand[]=data.latest_invoice").await["data"][0];
    assert_eq!((subscription.status(), subscription.text("latest_invoice.status")), ("active", "paid"));
}

#[tokio::test]
async fn an_abandoned_session_expires_after_a_day() {
    let account = Account::open().await;
    let price = account.price("Small", 900).await;
    let id = account.session(&price, "").await;
    account.running.advance(DAY - 1).await;
    assert_eq!(account.get(&format!("/v1/checkout/sessions/{id}")).await.status(), "open");
    account.running.advance(1).await;
    assert_eq!(account.get(&format!("/v1/checkout/sessions/{id}")).await.status(), "expired");
    assert_eq!(account.events("&type=checkout.session.expired").await.len(), 1);
    assert!(account.running.pay(&id, &card("4242424242424242")).is_err());
}

#[tokio::test]
async fn a_bank_debit_is_on_its_way_for_days_and_may_fail() {
    for (iban, paid) in [("DE89370400440532013000", true), ("DE62370400440532013001", false)] {
        let account = Account::open().await;
        let price = account.price("Small", 900).await;
        let id = account.session(&price, "").await;
        account.running.pay(&id, &card(iban)).expect("it is on its way");
        let session = account.get(&format!("/v1/checkout/sessions/{id}?expand[]=subscription.latest_invoice")).await;
        assert_eq!((session.status(), session.text("payment_status")), ("complete", "unpaid"));
        assert_eq!((session.text("subscription.status"), session.text("subscription.latest_invoice.status")), ("active", "open"));
        account.running.advance(3 * DAY).await;
        let (event, status) =
            if paid { ("checkout.session.async_payment_succeeded", "active") } else { ("checkout.session.async_payment_failed", "active") };
        assert_eq!(account.events(&format!("&type={event}")).await.len(), 1);
        let subscription = account.subscription(session.text("subscription.id")).await;
        // A failed first debit leaves a subscription that began on trust past due.
        let expected = if paid { status } else { "past_due" };
        assert_eq!(subscription.status(), expected);
    }
}

#[tokio::test]
async fn a_trial_without_a_card_ends_as_it_is_set() {
    for (missing, status) in [("pause", "paused"), ("cancel", "canceled"), ("create_invoice", "past_due")] {
        let account = Account::open().await;
        let price = account.price("Small", 900).await;
        let more = format!(
            "&payment_method_collection=if_required&subscription_data[trial_period_days]=14\
             &subscription_data[trial_settings][end_behavior][missing_payment_method]={missing}"
        );
        let id = account.session(&price, &more).await;
        let nobody = Payment { email: Some("ana@example.org".to_owned()), ..Payment::default() };
        account.running.pay(&id, &nobody).expect("nothing is asked");
        let session = account.get(&format!("/v1/checkout/sessions/{id}?expand[]=subscription")).await;
        assert_eq!((session.text("payment_status"), session.text("subscription.status")), ("no_payment_required", "trialing"));
        assert_eq!(session.int("subscription.trial_end"), START + 14 * DAY);
        account.running.advance(11 * DAY).await;
        assert_eq!(account.events("&type=customer.subscription.trial_will_end").await.len(), 1);
        account.running.advance(3 * DAY + 2 * HOUR).await;
        assert_eq!(account.subscription(session.text("subscription.id")).await.status(), status, "{missing}");
    }
}

#[tokio::test]
async fn what_the_customer_types_is_kept_where_the_session_says_so() {
    let account = Account::open().await;
    let price = account.price("Small", 900).await;
    let customer = account.post("/v1/customers", "email=ana@example.org&name=Before").await;
    let more =
        format!("&customer={}&customer_update[name]=auto&customer_update[address]=auto&tax_id_collection[enabled]=true", customer.id());
    let id = account.session(&price, &more).await;
    let text = |it: &str| Some(it.to_owned());
    let payment = Payment { name: text("Ana"), country: text("DE"), tax_id: text("DE123456789"), ..card("4242424242424242") };
    account.running.pay(&id, &payment).expect("it is paid");
    let customer = account.get(&format!("/v1/customers/{}?expand[]=tax_ids", customer.id())).await;
    assert_eq!((customer.text("name"), customer.text("address.country")), ("Ana", "DE"));
    assert_eq!(customer["tax_ids"]["data"][0].text("value"), "DE123456789");
}

#[tokio::test]
async fn a_promotion_code_takes_its_part_off() {
    let account = Account::open().await;
    let price = account.price("Small", 1000).await;
    account.post("/v1/coupons", "id=quarter&percent_off=25&duration=once").await;
    account.post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=quarter&code=BIRDS&max_redemptions=1").await;
    let id = account.session(&price, "&allow_promotion_codes=true").await;
    let payment = Payment { code: Some("birds".to_owned()), ..card("4242424242424242") };
    account.running.pay(&id, &payment).expect("it is paid");
    account.running.advance(32 * DAY).await;
    let invoices = account.get("/v1/invoices").await;
    assert!(account.running.pay(&account.session(&price, "").await, &payment).is_err(), "the code was for one");
    let totals: Vec<i64> = invoices.list("data").iter().map(|it| it.int("total")).collect();
    assert_eq!(totals, [1000, 750]);
}
