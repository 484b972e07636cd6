//! `/servers/{server}/billing`: paid, looked at, changed and cancelled as a browser does it, with Stripe as the simulator has it.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use howdah_app::billing::Trial;
use howdah_domain::{Clock as _, InstanceId};
use howdah_testkit::app::TestApp;
use serde_json::Value;

use super::by_api::{actions, named};
use super::servers::{NAME, ada, finish_launch, launch, run};
use crate::support::Server;
use crate::support::billing::{Paid, away};
use crate::support::browser::{Browser, hidden};

const BILL: &str = "/servers/frogs/billing";
const ORDER: &str = "Order with obligation to pay: 9.00 EUR now, then 9.00 EUR a month";

/// Launched, paid for and up.
async fn running<'a>(paid: &'a Paid) -> (Browser<'a>, InstanceId) {
    let ada = ada(&paid.test, &paid.server).await;
    let id = launch(&ada).await;
    let page = ada.post(&format!("{BILL}/pay"), &[]).await.header("location").unwrap().to_owned();
    let session = paid.pay_at(&page);
    ada.get(&format!("{BILL}/done?session={session}")).await.is(303);
    finish_launch(&paid.test, id).await;
    run(&paid.test, id).await;
    (ada, id)
}

async fn becomes(test: &TestApp, id: InstanceId, columns: &str) {
    test.database.execute(&format!("UPDATE instances SET {columns} WHERE id = '{id}'")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_paid_for_there_is_no_such_page() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    launch(&ada).await;
    let overview = ada.get(&format!("/servers/{NAME}")).await.is(200).text.clone();
    assert!(!overview.contains("Billing") && !overview.contains("Pay and start"), "{overview}");
    ada.get(BILL).await.is(404);
    ada.get(&format!("{BILL}/plan")).await.is(404);
    ada.get(&format!("{BILL}/cancel")).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_is_paid_for_once_and_has_its_bill() {
    let paid = Paid::new().await;
    let ada = ada(&paid.test, &paid.server).await;
    launch(&ada).await;
    let overview = ada.get(&format!("/servers/{NAME}")).await.is(200).text.clone();
    assert!(overview.contains(&format!("href=\"{BILL}\">Pay and start")) && !overview.contains("What you can do"), "{overview}");
    let answer = ada.get(BILL).await;
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("form-action 'self' {};", paid.stripe.base_url)), "{policy}");
    let page = &answer.is(200).text;
    assert!(page.contains(ORDER) && page.contains("No invoices yet") && !page.contains("Means of payment"), "{page}");
    let other = ada.get(&format!("/servers/{NAME}")).await;
    assert!(other.header("content-security-policy").unwrap().contains("form-action 'self';"), "on this page alone");

    let first = ada.post(&format!("{BILL}/pay"), &[]).await;
    let to = first.header("location").unwrap().to_owned();
    assert!(first.status == 303 && to.starts_with(&paid.stripe.base_url), "{first:?}");
    assert_eq!(ada.post(&format!("{BILL}/pay"), &[]).await.header("location"), Some(&*to), "in two tabs it is one page");
    let open = ada.get(BILL).await.text;
    assert!(open.contains("A page to pay at is open already") && open.contains(ORDER), "{open}");

    let early = ada.get(&format!("{BILL}/done?session={}", to.rsplit('/').next().unwrap())).await;
    assert_eq!((early.status, early.header("location")), (303, Some(BILL)));
    assert!(ada.get(BILL).await.text.contains("Stripe has not said yet that it is paid."));

    let session = paid.pay_at(&to);
    let done = ada.get(&format!("{BILL}/done?session={session}")).await;
    assert_eq!((done.status, done.header("location")), (303, Some("/servers/frogs")), "{done:?}");
    assert!(ada.get("/servers/frogs").await.text.contains("It is paid for, or on trial"));
    assert_eq!(ada.get(&format!("{BILL}/done?session={session}")).await.status, 303, "opened again, nothing happens twice");
    let bill = ada.get(BILL).await.is(200).text.clone();
    for words in ["The next bill", "9.00 EUR", "Paid", "Means of payment, addresses, tax id", "Change the plan …", "Cancel …", "#used"]
    {
        assert!(bill.contains(words), "{words}: {bill}");
    }
    assert!(!bill.contains(ORDER) && bill.matches(" of invoice ").count() == 2, "{bill}");
    let twice = ada.post(&format!("{BILL}/pay"), &[]).await;
    assert!(twice.status == 422 && twice.text.contains("This server has a subscription."), "{twice:?}");
    let portal = ada.post(&format!("{BILL}/portal"), &[]).await;
    assert!(portal.status == 303 && portal.header("location").unwrap().starts_with(&paid.stripe.base_url), "{portal:?}");
    ada.get(&format!("{BILL}/done?session=cs_of_nobody")).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_is_told_as_one() {
    let paid = Paid::with(|it| it.trial = Some(Trial { days: 14, card: true })).await;
    let ada = ada(&paid.test, &paid.server).await;
    launch(&ada).await;
    let page = ada.get(BILL).await.is(200).text.clone();
    let ends = (paid.test.clock.now() + TimeDelta::days(14)).format("%-d %B %Y").to_string();
    assert!(page.contains("Order with obligation to pay: nothing for 14 days, then 9.00 EUR a month"), "{page}");
    assert!(page.contains(&format!("Unless you cancel before, 9.00 EUR is charged on {ends}")), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_plan_is_looked_at_before_it_is_agreed_to() {
    let paid = Paid::new().await;
    let (ada, _) = running(&paid).await;
    paid.test.clock.advance(TimeDelta::days(10));
    paid.stripe.advance(TimeDelta::days(10).num_seconds()).await;
    let plan = format!("{BILL}/plan");
    let choice = ada.get(&plan).await.is(200).text.clone();
    assert!(choice.contains("value=\"medium\"") && !choice.contains("value=\"small\"") && choice.contains("29.00 EUR"), "{choice}");
    let shown = ada.get(&format!("{plan}?plan=medium")).await.is(200).text.clone();
    assert!(
        shown.contains("Charged now") && shown.contains("29.00 EUR</b> a month") && shown.contains(" EUR now, then 29.00 EUR a month"),
        "{shown}"
    );
    assert!(ada.get(BILL).await.text.contains("Small, 9.00 EUR a month"), "nothing is changed by looking");
    let unknown = ada.get(&format!("{plan}?plan=vast")).await;
    assert!(unknown.status == 422 && unknown.text.contains("See what it costs"), "{unknown:?}");

    let agreed = [("plan", "medium".to_owned()), ("as_of", hidden(&shown, "as_of"))];
    let agreed = agreed.each_ref().map(|(name, value)| (*name, value.as_str()));
    let garbled = ada.post(&plan, &[("plan", "medium"), ("as_of", "soon")]).await;
    assert!(
        garbled.status == 422 && garbled.text.contains("worked out too long ago") && garbled.text.contains("Charged now"),
        "{garbled:?}"
    );
    let done = ada.post(&plan, &agreed).await;
    assert_eq!((done.status, done.header("location")), (303, Some(BILL)), "{done:?}");
    assert_eq!(ada.post(&plan, &agreed).await.status, 303, "sent twice, it is done once");
    let bill = ada.get(BILL).await.text;
    assert!(bill.contains("Medium, 29.00 EUR a month") && bill.contains("The plan is changed."), "{bill}");
    assert_eq!(bill.matches(" of invoice ").count(), 4, "one for the start and one for the change: {bill}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_cancelled_on_one_page_and_taken_back_by_one_button() {
    let paid = Paid::new().await;
    let (ada, _) = running(&paid).await;
    let cancel = format!("{BILL}/cancel");
    let asked = ada.get(&cancel).await.is(200).text.clone();
    for words in ["What happens when", "Read-only", "Suspended", "Our copy is deleted", "/servers/frogs/take-along", "Nothing changes"] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    assert!(!ada.get(BILL).await.text.contains("It was cancelled"), "nothing is done by looking");
    for _ in 0..2 {
        let done = ada.post(&cancel, &[]).await;
        assert_eq!((done.status, done.header("location")), (303, Some(BILL)), "{done:?}");
    }
    let cancelled = ada.get(BILL).await.text;
    assert!(
        cancelled.contains("It was cancelled, and ends") && cancelled.contains("Go on after all") && !cancelled.contains("The next bill"),
        "{cancelled}"
    );
    assert_eq!(ada.get(&cancel).await.header("location"), Some(BILL), "there is nothing left to cancel");
    ada.post(&format!("{cancel}/undo"), &[]).await.is(303);
    let back = ada.get(BILL).await.text;
    assert!(back.contains("It goes on as before.") && back.contains("The next bill") && !back.contains("It was cancelled"), "{back}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_set_as_people_write_it_and_lifted() {
    let paid = Paid::new().await;
    let (ada, _) = running(&paid).await;
    let wrong = ada.post(&format!("{BILL}/limit"), &[("cap", "much")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("Write an amount") && wrong.text.contains("value=\"much\""), "{wrong:?}");
    ada.post(&format!("{BILL}/limit"), &[("cap", "12,5")]).await.is(303);
    let set = ada.get(BILL).await.text;
    assert!(set.contains("costs 12.50 EUR in a period at most") && set.contains("value=\"12.50\""), "{set}");
    ada.post(&format!("{BILL}/limit/lift"), &[("cap", "")]).await.is(303);
    assert!(ada.get(BILL).await.text.contains("There is none: what is used"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bill_is_there_while_stripe_is_away() {
    let paid = Paid::new().await;
    running(&paid).await;
    let server = paid.without_stripe();
    let ada = Browser::new(&server);
    ada.sign_in(super::servers::ADA).await;
    let bill = ada.get(BILL).await.is(200).text.clone();
    assert!(bill.contains("The next bill") && bill.contains("As Stripe had it"), "{bill}");
    for (path, form) in [("portal", vec![]), ("cancel", vec![]), ("plan", vec![("plan", "medium"), ("as_of", "2026-01-01T00:00:00Z")])] {
        let refused = ada.post(&format!("{BILL}/{path}"), &form).await;
        let says =
            refused.text.contains("does not answer at the moment. Nothing was changed") || refused.text.contains("worked out too long ago");
        assert!(refused.status == 422 && says, "{path}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_behind_is_told_on_every_page_with_days_and_the_way_out() {
    let mut test = TestApp::new().await;
    test.app.billing = Some(Arc::new(away()));
    let server = Server::of(test.app.clone(), &crate::support::settings());
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    run(&test, id).await;
    let since = (test.clock.now() - TimeDelta::days(3)).to_rfc3339();
    becomes(
        &test,
        id,
        &format!(
            "standing_kind = 'past_due', standing_since = '{since}', standing_until = NULL, desired_kind = 'running', desired_hold = NULL"
        ),
    )
    .await;
    for path in ["", "/address", "/take-along", "/activity", "/billing"] {
        let page = ada.get(&format!("/servers/{NAME}{path}")).await.is(200).text.clone();
        assert!(page.contains("11 days left.") && page.contains("Pay what is open, or give another means of payment"), "{path}: {page}");
        assert_eq!(page.contains("To its bill"), path != "/billing", "{path}");
    }
    let bill = ada.get(BILL).await.text;
    for words in ["Read-only", "Suspended", "Our copy is deleted", "How to stop it", "take everything along"] {
        assert!(bill.contains(words), "{words}: {bill}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_card_pays_by_invoice() {
    let paid = Paid::new().await;
    let ada = ada(&paid.test, &paid.server).await;
    launch(&ada).await;
    let invoice = format!("{BILL}/invoice");
    assert!(ada.get(BILL).await.text.contains(&format!("href=\"{invoice}\"")));
    let page = ada.get(&invoice).await.is(200).text.clone();
    assert!(page.contains("Order with obligation to pay: 9.00 EUR within 30 days, then 9.00 EUR a month"), "{page}");
    let lacking = ada.post(&invoice, &[("line1", "Main street 1"), ("country", "Germany")]).await;
    assert!(
        lacking.status == 422 && lacking.text.contains("An invoice needs a city.") && lacking.text.contains("value=\"Main street 1\""),
        "{lacking:?}"
    );
    let order = [("line1", "Main street 1"), ("city", "Kiel"), ("country", "de"), ("order_number", "PO-7")];
    for _ in 0..2 {
        let ordered = ada.post(&invoice, &order).await;
        assert_eq!((ordered.status, ordered.header("location")), (303, Some(BILL)), "{ordered:?}");
    }
    let bill = ada.get(BILL).await.text;
    assert!(bill.contains("To be paid") && bill.contains("The next bill") && !bill.contains(ORDER), "{bill}");
    assert_eq!(ada.get(&invoice).await.header("location"), Some(BILL), "it is ordered");
}

/// Where forms go, and the call that does the same.
const CALLS: &[(&str, &str)] = &[
    ("pay", "POST checkout"),
    ("invoice", "POST order-by-invoice"),
    ("portal", "POST portal"),
    ("limit", "PUT cap"),
    ("limit/lift", "DELETE cap"),
    ("plan", "PUT plan"),
    ("cancel", "POST cancel"),
    ("cancel/undo", "POST cancel/undo"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_button_of_a_bill_has_its_call_and_the_page_says_which() {
    let paid = Paid::new().await;
    let ada = ada(&paid.test, &paid.server).await;
    launch(&ada).await;
    let mut pages = vec![ada.get(BILL).await.text, ada.get(&format!("{BILL}/invoice")).await.text];
    let to = ada.post(&format!("{BILL}/pay"), &[]).await.header("location").unwrap().to_owned();
    ada.get(&format!("{BILL}/done?session={}", paid.pay_at(&to))).await.is(303);
    ada.post(&format!("{BILL}/limit"), &[("cap", "1")]).await.is(303);
    for path in ["", "/plan?plan=medium", "/cancel"] {
        pages.push(ada.get(&format!("{BILL}{path}")).await.is(200).text.clone());
    }
    ada.post(&format!("{BILL}/cancel"), &[]).await.is(303);
    pages.push(ada.get(BILL).await.text);
    let description: Value = serde_json::from_str(howdah_web::openapi::json()).unwrap();
    let mut seen = BTreeSet::new();
    for html in pages {
        let named = named(&html);
        for action in actions(&html).iter().filter_map(|it| it.strip_prefix(&format!("{BILL}/"))) {
            let (_, call) = CALLS.iter().find(|(it, _)| *it == action).unwrap_or_else(|| panic!("a form for {action}"));
            let (method, part) = call.split_once(' ').unwrap();
            assert!(named.contains(&format!("{method} /api/v1/instances/{{id}}/billing/{part}")), "{action} is not named: {named:?}");
            seen.insert(action.to_owned());
        }
        for call in named {
            let (method, of) = call.split_once(' ').unwrap();
            assert!(description["paths"][of][method.to_lowercase()].is_object(), "{call} is not described");
        }
    }
    assert_eq!(seen.len(), CALLS.len(), "{seen:?}");
}
