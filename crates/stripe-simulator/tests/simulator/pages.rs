use howdah_stripe_simulator::{Fields, Instrument};

use crate::support::{Account, DAY, HOUR};

async fn page(account: &Account, path: &str) -> String {
    account.http.get(account.url(path)).send().await.expect("an answer").text().await.expect("a page")
}

/// The status, where it goes on to, and the page.
async fn submit(account: &Account, path: &str, form: &str) -> (u16, String, String) {
    let response = account.http.post(account.url(path)).body(form.to_owned()).send().await.expect("an answer");
    let location = response.headers().get("Location").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    (response.status().as_u16(), location, response.text().await.expect("a page"))
}

#[tokio::test]
async fn checkout_says_what_is_paid_when_and_leads_back() {
    let account = Account::open().await;
    let price = account.price("Small+%3Cb%3E", 900).await;
    let more = "?session={CHECKOUT_SESSION_ID}&cancel_url=https://howdah.example/back";
    let id = account.session(&price, more).await;
    let path = format!("/pay/{id}");
    let shown = page(&account, &path).await;
    for part in ["Due today: EUR 9.00", "EUR 9.00 every month", "Small &lt;b&gt;", "https://howdah.example/back", "<html lang=\"en\">"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let (status, _, refused) = submit(&account, &path, "email=a@example.org&method=4000000000000002").await;
    assert_eq!(status, 402);
    assert!(refused.contains("Your card was declined."));
    let (_, _, asked) = submit(&account, &path, "email=a@example.org&method=4000002500003155").await;
    assert!(asked.contains("Confirm the payment"));
    let (status, location, _) = submit(&account, &path, "email=a@example.org&method=4000002500003155&authenticated=true").await;
    assert_eq!((status, location), (303, format!("https://howdah.example/done?session={id}")));
    let (status, ..) = submit(&account, &path, "email=a@example.org&method=4242424242424242").await;
    assert_eq!(status, 410, "it is paid");
}

#[tokio::test]
async fn an_open_invoice_is_paid_on_its_page() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    account.running.plan_outcomes([Instrument::Declined]);
    account.running.advance(31 * DAY + HOUR).await;
    let invoice = account.subscription(subscription.id()).await["latest_invoice"].clone();
    let path = format!("/invoice/{}", invoice.id());
    assert_eq!(invoice.text("hosted_invoice_url"), account.url(&path));
    assert!(page(&account, &path).await.contains("Pay EUR 9.00"));
    let (status, ..) = submit(&account, &path, "method=4000000000009995").await;
    assert_eq!(status, 402);
    let (status, ..) = submit(&account, &path, "method=4242424242424242").await;
    assert_eq!(status, 303);
    assert!(page(&account, &path).await.contains("This invoice is paid."));
    assert!(page(&account, &format!("{path}/pdf")).await.contains("Total: EUR 9.00"));
    assert_eq!(account.subscription(subscription.id()).await.status(), "active");
}

#[tokio::test]
async fn the_portal_changes_the_card_that_pays() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_chargeCustomerFail").await, account.price("Small", 900).await);
    account.subscribe(&customer, &price, "&trial_period_days=7").await;
    account.post("/v1/billing_portal/configurations", "features[payment_method_update][enabled]=true").await;
    let form = format!("customer={customer}&return_url=https://howdah.example/billing");
    let session = account.post("/v1/billing_portal/sessions", &form).await;
    let path = format!("/portal/{}", session.id());
    assert!(page(&account, &path).await.contains("https://howdah.example/billing"));
    assert_eq!(submit(&account, &path, "do=add&method=4242424242424242").await.0, 303);
    assert_eq!(submit(&account, &path, "do=tax_id&value=DE123456789").await.0, 303);
    assert_eq!(submit(&account, &path, "do=details&name=Ana&country=DE").await.0, 303);
    let customer = account.get(&format!("/v1/customers/{customer}?expand[]=tax_ids")).await;
    assert_eq!((customer.text("address.country"), customer["tax_ids"]["data"][0].text("value")), ("DE", "DE123456789"));
    account.running.advance(8 * DAY).await;
    assert_eq!(account.get("/v1/invoices").await["data"][0].status(), "paid");
}

#[tokio::test]
async fn the_dashboard_moves_the_clock_and_does_what_stripes_does() {
    let account = Account::open().await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    let charge = account.get("/v1/charges").await["data"][0].id().to_owned();
    let before = account.get("/_simulator/state").await.int("now");
    assert_eq!(submit(&account, "/", "do=advance&seconds=86400").await.0, 303);
    assert_eq!(account.get("/_simulator/state").await.int("now"), before + DAY);
    for form in [format!("do=dispute&id={charge}"), format!("do=refund&id={charge}"), format!("do=cancel&id={}", subscription.id())] {
        assert_eq!(submit(&account, "/", &form).await.0, 303, "{form}");
    }
    let shown = page(&account, "/").await;
    assert!(shown.contains(subscription.id()) && shown.contains("canceled") && shown.contains("disputed"));
    assert_eq!(submit(&account, "/", "do=outcome&outcome=nonsense").await.0, 400);
    assert_eq!(submit(&account, "/", "do=delivery&doubled=30&lost=5&shuffled=true").await.0, 303);
    let delivery = account.get("/_simulator/state").await["delivery"].clone();
    assert_eq!((delivery["doubled"].as_f64(), delivery["lost"].as_f64(), delivery.flag("shuffled")), (Some(0.3), Some(0.05), true));
}
