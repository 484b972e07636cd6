use howdah_stripe_simulator::{AfterRetries, Fields, Instrument, Rules};

use crate::support::{Account, DAY, HOUR, START};

#[tokio::test]
async fn a_renewal_is_a_draft_for_an_hour_and_takes_items() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    let end = subscription["items"]["data"][0].int("current_period_end");
    assert_eq!(end, START + 31 * DAY);
    account.running.advance_to(end).await;
    let draft = account.subscription(subscription.id()).await["latest_invoice"].clone();
    assert_eq!((draft.status(), draft.text("billing_reason")), ("draft", "subscription_cycle"));
    assert_eq!(draft.text("parent.subscription_details.subscription"), subscription.id());
    let form = format!("customer={customer}&invoice={}&amount=123&currency=eur&description=Own media", draft.id());
    account.post("/v1/invoiceitems", &form).await;
    account.running.advance(HOUR).await;
    let paid = account.get(&format!("/v1/invoices/{}", draft.id())).await;
    assert_eq!((paid.status(), paid.int("total"), paid.int("amount_paid")), ("paid", 1023, 1023));
    let refused = account.try_post("/v1/invoiceitems", &form).await;
    assert_eq!((refused.0, refused.1.text("error.code")), (400, "invoice_not_editable"));
}

#[tokio::test]
async fn an_unanswered_invoice_created_delays_the_money_up_to_72_hours() {
    let account = Account::open().await;
    let endpoint = account.hear("enabled_events[]=invoice.created&enabled_events[]=invoice.paid").await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    account.running.deliver_pending().await;
    endpoint.answer(500);
    let end = subscription["items"]["data"][0].int("current_period_end");
    account.running.advance_to(end + 71 * HOUR).await;
    assert_eq!(account.subscription(subscription.id()).await.text("latest_invoice.status"), "draft");
    account.running.advance(HOUR).await;
    assert_eq!(account.subscription(subscription.id()).await.text("latest_invoice.status"), "paid");
}

#[tokio::test]
async fn a_failing_card_is_retried_and_then_what_is_set_is_done() {
    let last = [(AfterRetries::Unpaid, "unpaid"), (AfterRetries::Cancel, "canceled"), (AfterRetries::LeavePastDue, "past_due")];
    for (after_retries, status) in last {
        let account = Account::with(Rules { after_retries, ..Rules::default() }).await;
        let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
        let subscription = account.subscribe(&customer, &price, "").await;
        account.running.plan_outcomes([Instrument::Declined; 4]);
        account.running.advance(31 * DAY + HOUR).await;
        let now = account.subscription(subscription.id()).await;
        assert_eq!((now.status(), now.int("latest_invoice.attempt_count")), ("past_due", 1));
        assert_eq!(now.int("latest_invoice.next_payment_attempt"), START + 31 * DAY + HOUR + 3 * DAY);
        account.running.advance(8 * DAY).await;
        assert_eq!(account.subscription(subscription.id()).await.int("latest_invoice.attempt_count"), 3);
        account.running.advance(7 * DAY).await;
        let now = account.subscription(subscription.id()).await;
        assert_eq!((now.status(), now.int("latest_invoice.attempt_count")), (status, 4));
        assert!(!now.is_set("latest_invoice.next_payment_attempt"));
        assert_eq!(account.events("&type=invoice.payment_failed").await.len(), 4);
        account.post(&format!("/v1/invoices/{}/pay", now.text("latest_invoice.id")), "").await;
        let expected = if status == "canceled" { "canceled" } else { "active" };
        assert_eq!(account.subscription(subscription.id()).await.status(), expected);
    }
}

#[tokio::test]
async fn a_first_payment_that_fails_expires_the_subscription_after_23_hours() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_chargeCustomerFail").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    assert_eq!(subscription.status(), "incomplete");
    account.running.advance(23 * HOUR).await;
    let now = account.subscription(subscription.id()).await;
    assert_eq!((now.status(), now.text("latest_invoice.status")), ("incomplete_expired", "void"));
    let form = format!("customer={customer}&items[0][price]={price}&payment_behavior=error_if_incomplete");
    let (status, refused) = account.try_post("/v1/subscriptions", &form).await;
    assert_eq!((status, refused.text("error.type")), (402, "card_error"));
    assert_eq!(account.get("/v1/subscriptions?status=all").await.list("data").len(), 1);
}

#[tokio::test]
async fn an_invoice_by_mail_is_open_until_it_is_paid_and_overdue_after_its_date() {
    let account = Account::open().await;
    let price = account.price("Small", 900).await;
    let customer = account.post("/v1/customers", "email=office@example.org").await;
    let more = "&collection_method=send_invoice&days_until_due=14\
        &invoice_settings[custom_fields][0][name]=Order number&invoice_settings[custom_fields][0][value]=4711";
    let subscription = account.subscribe(customer.id(), &price, more).await;
    assert_eq!(subscription.status(), "active");
    account.running.advance(HOUR).await;
    let invoice = account.subscription(subscription.id()).await["latest_invoice"].clone();
    assert_eq!((invoice.status(), invoice.int("due_date")), ("open", START + HOUR + 14 * DAY));
    assert_eq!(invoice["custom_fields"][0].text("value"), "4711");
    account.running.advance(14 * DAY).await;
    assert_eq!(account.subscription(subscription.id()).await.status(), "past_due");
    assert_eq!(account.events("&type=invoice.overdue").await.len(), 1);
    account.post(&format!("/v1/invoices/{}/pay", invoice.id()), "paid_out_of_band=true").await;
    let now = account.subscription(subscription.id()).await;
    assert_eq!((now.status(), now.text("latest_invoice.status")), ("active", "paid"));
}

#[tokio::test]
async fn an_invoice_by_mail_that_stays_unpaid_is_given_up() {
    let account = Account::open().await;
    let price = account.price("Small", 900).await;
    let customer = account.post("/v1/customers", "email=office@example.org").await;
    let subscription = account.subscribe(customer.id(), &price, "&collection_method=send_invoice&days_until_due=7").await;
    account.running.advance(HOUR + 36 * DAY).await;
    assert_eq!(account.subscription(subscription.id()).await.status(), "past_due");
    account.running.advance(DAY).await;
    assert_eq!(account.subscription(subscription.id()).await.status(), "unpaid");
}

#[tokio::test]
async fn cancelling_at_the_periods_end_can_be_taken_back_until_then() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let path = format!("/v1/subscriptions/{}", account.subscribe(&customer, &price, "").await.id());
    account.post(&path, "cancel_at_period_end=true").await;
    account.post(&path, "cancel_at_period_end=false").await;
    account.running.advance(32 * DAY).await;
    assert_eq!(account.get(&path).await.status(), "active");
    let ending = account.post(&path, "cancel_at_period_end=true").await;
    assert_eq!(ending["cancel_at"], ending["items"]["data"][0]["current_period_end"]);
    account.running.advance(31 * DAY).await;
    assert_eq!(account.get(&path).await.status(), "canceled");
    assert_eq!(account.events("&type=customer.subscription.deleted").await.len(), 1);
    assert_eq!(account.get("/v1/invoices").await.list("data").len(), 2);
}

#[tokio::test]
async fn a_renewal_that_must_be_confirmed_says_so_and_is_confirmed_on_its_page() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    account.running.plan_outcomes([Instrument::AuthenticateAlways; 2]);
    account.running.advance(31 * DAY + HOUR).await;
    assert_eq!(account.events("&type=invoice.payment_action_required").await.len(), 1);
    let invoice = account.subscription(subscription.id()).await["latest_invoice"].clone();
    let (status, refused) = account.try_post(&format!("/v1/invoices/{}/pay", invoice.id()), "").await;
    assert_eq!((status, refused.text("error.code")), (402, "invoice_payment_intent_requires_action"));
    let path = account.url(&format!("/invoice/{}", invoice.id()));
    account.http.post(path).body("method=4000002760003184").send().await.expect("an answer");
    assert_eq!(account.subscription(subscription.id()).await.status(), "active");
}

#[tokio::test]
async fn a_disputed_charge_and_a_refund_are_told() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_createDispute").await, account.price("Small", 900).await);
    account.subscribe(&customer, &price, "").await;
    let dispute = account.get("/v1/disputes").await["data"][0].clone();
    assert_eq!((dispute.int("amount"), dispute.text("reason")), (900, "fraudulent"));
    let refund = account.post("/v1/refunds", &format!("charge={}&amount=400", dispute.text("charge"))).await;
    assert_eq!(refund.status(), "succeeded");
    let (status, _) = account.try_post("/v1/refunds", &format!("charge={}&amount=501", dispute.text("charge"))).await;
    assert_eq!(status, 400);
    assert_eq!(
        account.events("&types[]=charge.refunded&types[]=charge.dispute.created").await,
        ["charge.dispute.created", "charge.refunded"]
    );
}
