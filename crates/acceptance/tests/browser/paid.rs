//! A server that is paid for, in the browser: from the order to what comes when nobody pays any more, and back.
//!
//! It moves the clock of the whole stack by months, so it runs alone, and only where servers are paid for:
//! `cargo xtask up --billing`, then this test by its name.

use howdah_acceptance::World;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use serde_json::{Value, json};

use crate::album::Album;
use crate::browser::Browser;
use crate::people::Person;
use crate::server_pages::{LAUNCHED_WITHIN, RUNNING, Wish, fill_in};

/// What Stripe tells is handled, and a tick has come.
const HANDLED: std::time::Duration = seconds(120);
const DAY: i64 = 86_400;

struct Stripe<'a> {
    world: &'a World,
    url: &'a str,
}

impl Stripe<'_> {
    async fn post(&self, path: &str, body: &Value) {
        let answer = self.world.http.post(format!("{}/_simulator/{path}", self.url)).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    /// The clock of everybody.
    async fn days_pass(&self, days: i64) {
        self.post("advance", &json!({"seconds": days * DAY})).await;
    }
}

#[tokio::test]
#[ignore = "moves the clock by months, on a stack with billing: cargo xtask up --billing"]
async fn ordered_unpaid_and_paid_again() {
    let world = World::open().await.unwrap();
    let url = world.stack.stripe_url.clone().expect("a stack with billing: cargo xtask up --billing");
    let stripe = Stripe { world: &world, url: &url };
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("a customer who pays, and doesn't, and does");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::unknown());
    let mut album = Album::open("paid").unwrap();
    person.sign_up(&world, &browser).await.unwrap();

    let name = fresh_name("paid");
    fill_in(&browser, &Wish { domain: "", name: Some(&name), owner: "ada" }).await.unwrap();
    browser.press("Launch the server").await.unwrap();
    browser.sees("paid").await.unwrap();
    album.keep(&browser, "server-to-be-paid").await.unwrap();
    let bill = format!("/servers/{name}/billing");
    browser.go(&bill).await.unwrap();
    browser.sees("Pay and start").await.unwrap();
    album.keep(&browser, "bill-to-be-paid").await.unwrap();
    browser.press("Order with obligation to pay").await.unwrap();
    browser.fill("Card number or IBAN", "4242 4242 4242 4242").await.unwrap();
    browser.press("Pay EUR 9.00 and subscribe").await.unwrap();
    browser.sees_within(HANDLED, "It is paid for").await.unwrap();
    browser.go(&format!("/servers/{name}")).await.unwrap();
    browser.sees_within(LAUNCHED_WITHIN, RUNNING).await.unwrap();
    watch.lap("ordered, paid, running");
    browser.go(&bill).await.unwrap();
    browser.sees("The next bill").await.unwrap();
    album.keep(&browser, "bill-paid").await.unwrap();
    browser.go(&format!("{bill}/plan?plan=medium")).await.unwrap();
    album.keep(&browser, "bill-another-plan").await.unwrap();
    browser.go(&format!("{bill}/cancel")).await.unwrap();
    album.keep(&browser, "bill-cancel").await.unwrap();

    stripe.post("outcomes", &json!(vec!["declined"; 20])).await;
    stripe.days_pass(33).await;
    person.sign_in(&browser).await.unwrap();
    looks(&browser, &bill, "days left").await;
    album.keep(&browser, "bill-past-due").await.unwrap();
    watch.lap("past due, with a banner");
    stripe.days_pass(15).await;
    person.sign_in(&browser).await.unwrap();
    looks(&browser, &format!("/servers/{name}"), "The server can be read, and nothing can be posted").await;
    browser.go(&bill).await.unwrap();
    album.keep(&browser, "bill-read-only").await.unwrap();
    watch.lap("read-only");
    stripe.days_pass(31).await;
    person.sign_in(&browser).await.unwrap();
    looks(&browser, &format!("/servers/{name}"), "The server is suspended: it is not paid for.").await;
    browser.go(&bill).await.unwrap();
    album.keep(&browser, "bill-suspended").await.unwrap();
    browser.go(&format!("/servers/{name}/take-along")).await.unwrap();
    browser.sees("Take").await.unwrap();
    album.keep(&browser, "take-along-suspended").await.unwrap();
    watch.lap("suspended, and can be taken along");

    stripe.post("outcomes", &json!([])).await;
    browser.go(&bill).await.unwrap();
    pays_all(&browser, &bill).await;
    browser.go(&format!("/servers/{name}")).await.unwrap();
    browser.sees_within(LAUNCHED_WITHIN, RUNNING).await.unwrap();
    watch.lap("paid, running again");
    album.close().unwrap();
}

/// The page is asked again until it says so.
async fn looks(browser: &Browser, page: &str, words: &str) {
    let until = std::time::Instant::now() + HANDLED;
    loop {
        browser.go(page).await.unwrap();
        if browser.sees(words).await.is_ok() {
            return;
        }
        assert!(std::time::Instant::now() < until, "{page} does not say “{words}”:\n{}", browser.text().await.unwrap());
    }
}

/// Each invoice that is open, at Stripe's page of it, until the bill asks for none.
async fn pays_all(browser: &Browser, bill: &str) {
    let until = std::time::Instant::now() + HANDLED;
    loop {
        browser.go(bill).await.unwrap();
        let text = browser.text().await.unwrap();
        let Some(pay) = text.lines().map(str::trim).find(|it| it.starts_with("Pay ") && it.ends_with(" EUR")) else { return };
        assert!(std::time::Instant::now() < until, "{bill} still asks for “{pay}”");
        browser.follow(pay).await.unwrap();
        // One that was paid a moment ago says so, until the bill does.
        if browser.sees("This invoice is paid").await.is_err() {
            browser.fill("Card number or IBAN", "4242 4242 4242 4242").await.unwrap();
            browser.press("Pay EUR 9.00").await.unwrap();
        }
    }
}
