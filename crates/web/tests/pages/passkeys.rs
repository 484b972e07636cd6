//! Passkeys, by page: the script's part is played by a software authenticator.

use chrono::TimeDelta;
use howdah_app::sessions::RECENT;
use howdah_domain::Clock;
use howdah_testkit::app::TestApp;
use howdah_testkit::authenticator::Authenticator;
use totp_rs::{Builder, Secret};

use crate::support::browser::{Browser, PASSWORD, hidden, link_to, somebody};
use crate::support::{Answer, Server};

const EMAIL: &str = "ada@birds.example";
const SESSION: &str = "__Host-howdah";
const SECURITY: &str = "/account/security";

pub fn device() -> Authenticator {
    Authenticator::at("https://howdah.localhost")
}

fn leads(answer: &Answer, to: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, Some(to)), "{answer:?}");
}

fn says(answer: &Answer, status: u16, words: &str) {
    assert!(answer.status == status && answer.text.contains(words), "{words}: {answer:?}");
}

/// As the script does it, in the session that has just begun.
pub async fn add(browser: &Browser<'_>, device: &mut Authenticator, name: &str) -> Answer {
    let made = device.create(&browser.post("/account/passkeys/begin", &[]).await.is(200).json());
    browser.post("/account/passkeys/new", &[("name", name), ("passkey", &made.to_string())]).await
}

/// What the script puts into a form.
async fn answer(browser: &Browser<'_>, device: &mut Authenticator, begin: &str) -> String {
    device.get(&browser.post(begin, &[]).await.is(200).json()).to_string()
}

/// By it alone.
pub async fn sign_in(browser: &Browser<'_>, device: &mut Authenticator) {
    let right = answer(browser, device, "/sign-in/passkey/begin").await;
    leads(&browser.post("/sign-in/passkey", &[("passkey", &right)]).await, "/servers");
}

/// Somebody who has added this device, and the recovery codes.
async fn with(test: &TestApp, browser: &Browser<'_>, device: &mut Authenticator) -> Vec<String> {
    somebody(test, EMAIL, false).await;
    browser.sign_in(EMAIL).await;
    let page = browser.get("/account/passkeys/new").await;
    says(&page, 200, "With it your second factor is on: your password alone is not enough any more");
    let shown = add(browser, device, "The phone").await;
    let list = shown.is(200).text.split(r#"<ul class="plain codes">"#).nth(1).unwrap().split("</ul>").next().unwrap();
    let codes: Vec<String> = list.split("<code>").skip(1).map(|it| it.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    codes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_added_and_signs_in_alone() {
    let (test, server) = Server::new().await;
    let (browser, mut phone) = (Browser::new(&server), device());
    with(&test, &browser, &mut phone).await;
    let page = browser.get(SECURITY).await;
    says(&page, 200, "<b>The phone</b>");
    assert!(page.text.contains("by passkey: your password alone is not enough to sign in") && page.text.contains(">never<"), "{page:?}");
    leads(&add(&browser, &mut device(), "The key").await, SECURITY);
    says(&browser.get(SECURITY).await, 200, "The passkey is added");

    let elsewhere = Browser::new(&server);
    let page = elsewhere.get("/sign-in?next=%2Faccount%2Ftokens").await;
    for part in [r#"data-passkey="get""#, r#"data-address="/sign-in/passkey/begin""#, "<noscript>", "/assets/passkeys."] {
        assert!(page.text.contains(part), "{part}: {page:?}");
    }
    let begun = elsewhere.post("/sign-in/passkey/begin", &[]).await;
    let cookie = begun.header("set-cookie").unwrap();
    for flag in ["__Host-howdah-passkey=", "HttpOnly", "Secure", "SameSite=Strict", "Max-Age=600"] {
        assert!(cookie.contains(flag), "{flag}: {cookie}");
    }
    assert_eq!((begun.header("content-type"), begun.header("cache-control")), (Some("application/json"), Some("no-store")));
    let options = begun.is(200).json();
    assert_eq!((options["rpId"].as_str(), options["userVerification"].as_str()), (Some("howdah.localhost"), Some("required")));
    assert_eq!(options["allowCredentials"].as_array().map(Vec::len), Some(0), "nobody is told whose there are");
    assert_eq!(elsewhere.cookie(SESSION), None);
    let sent = [("passkey", phone.get(&options).to_string()), ("next", hidden(&page.text, "next"))];
    let sent = sent.each_ref().map(|(name, value)| (*name, value.as_str()));
    leads(&elsewhere.post("/sign-in/passkey", &sent).await, "/account/tokens");
    elsewhere.get("/account/tokens").await.is(200);
    let before = elsewhere.cookie(SESSION);
    let again = Browser::new(&server);
    says(&again.post("/sign-in/passkey", &sent).await, 422, "This passkey was not accepted");
    sign_in(&elsewhere, &mut phone).await;
    assert_ne!(elsewhere.cookie(SESSION), before, "each sign-in is a session of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_password_it_takes_a_codes_place() {
    let (test, server) = Server::new().await;
    let mut phone = device();
    let codes = with(&test, &Browser::new(&server), &mut phone).await;
    let browser = Browser::new(&server);
    says(&browser.post("/sign-in/code/passkey", &[]).await, 409, "Sign in again");
    let password = [("email", EMAIL), ("password", PASSWORD)];
    leads(&browser.post("/sign-in", &password).await, "/sign-in/code");
    let page = browser.get("/sign-in/code").await;
    for part in ["signing in takes a passkey or a code, too", "One of your recovery codes.", r#"data-address="/sign-in/code/passkey""#] {
        assert!(page.text.contains(part), "{part}: {page:?}");
    }
    let wrong = browser.post("/sign-in/code", &[("passkey", "{}")]).await;
    assert!(
        wrong.status == 422 && wrong.text.contains("This passkey was not accepted") && wrong.text.contains("<title>Error"),
        "{wrong:?}"
    );
    assert_eq!(browser.cookie(SESSION), None);
    let right = answer(&browser, &mut phone, "/sign-in/code/passkey").await;
    leads(&browser.post("/sign-in/code", &[("passkey", &right)]).await, "/servers");
    browser.get("/account").await.is(200);

    let lost = Browser::new(&server);
    leads(&lost.post("/sign-in", &password).await, "/sign-in/code");
    leads(&lost.post("/sign-in/code", &[("code", &codes[0])]).await, "/servers");
    says(&lost.get(SECURITY).await, 200, "Recovery codes left: 9");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_site_has_a_passkey_asked_for() {
    let (test, server) = Server::new().await;
    let browser = Browser::new(&server);
    with(&test, &browser, &mut device()).await;
    for path in ["/sign-in/passkey/begin", "/account/passkeys/begin", "/account/passkeys/prove", "/sign-in/code/passkey"] {
        let foreign = browser.send(reqwest::Method::POST, path, &[("Sec-Fetch-Site", "cross-site")], Some(&[])).await;
        assert_eq!((foreign.status, foreign.header("set-cookie")), (403, None), "{path}: {foreign:?}");
    }
    for path in ["/account/passkeys/begin", "/account/passkeys/prove"] {
        leads(&Browser::new(&server).post(path, &[]).await, "/sign-in");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_enough_before_what_cannot_be_taken_back() {
    let (test, server) = Server::new().await;
    let (browser, mut phone) = (Browser::new(&server), device());
    with(&test, &browser, &mut phone).await;
    test.clock.advance(RECENT);
    let to = "/confirm-password?next=%2Faccount%2Fpasskeys%2Fnew";
    leads(&browser.get("/account/passkeys/new").await, to);
    says(&browser.get(to).await, 200, r#"action="/confirm-passkey""#);
    assert_eq!(browser.post("/account/passkeys/begin", &[]).await.status, 303);
    assert_eq!(browser.post("/account/passkeys/new", &[("name", "The key")]).await.status, 303);
    let wrong = browser.post("/confirm-passkey", &[("passkey", "nothing"), ("next", "/account/passkeys/new")]).await;
    says(&wrong, 422, "This passkey was not accepted");
    let right = answer(&browser, &mut phone, "/account/passkeys/prove").await;
    leads(&browser.post("/confirm-passkey", &[("passkey", &right), ("next", "/account/passkeys/new")]).await, "/account/passkeys/new");
    browser.get("/account/passkeys/new").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_that_ask_for_a_code_take_it() {
    let (test, server) = Server::new().await;
    let (browser, mut phone) = (Browser::new(&server), device());
    let codes = with(&test, &browser, &mut phone).await;
    let prove = async |phone: &mut Authenticator| answer(&browser, phone, "/account/passkeys/prove").await;
    for page in [SECURITY, "/account", "/account/second-factor"] {
        let page = browser.get(page).await;
        assert!(
            page.is(200).text.contains(r#"data-address="/account/passkeys/prove""#) && page.text.contains("/assets/passkeys."),
            "{page:?}"
        );
        assert_eq!(page.text.matches(r#"id="passkey""#).count(), 1);
    }
    let right = prove(&mut phone).await;
    let form = [("email", "ada@fish.example"), ("password", PASSWORD), ("passkey", right.as_str())];
    leads(&browser.post("/account/new-email", &form).await, "/account");
    assert_eq!(browser.post("/account/new-email", &form).await.status, 422, "an answer is good once");

    let right = prove(&mut phone).await;
    let made = browser.post("/account/second-factor/codes", &[("password", PASSWORD), ("passkey", &right)]).await;
    assert!(made.is(200).text.contains("Your new recovery codes") && !made.text.contains(&codes[0]), "{made:?}");

    let new = "eight stairs over a lamp";
    let right = prove(&mut phone).await;
    let form = [("old_password", PASSWORD), ("new_password", new), ("passkey", &right)];
    leads(&browser.post(SECURITY, &form).await, SECURITY);
}

/// What an app shows.
fn code(test: &TestApp, secret: &Secret) -> String {
    let time = test.clock.now().timestamp().unsigned_abs();
    Builder::new().with_secret(secret.clone()).build().unwrap().generate(time).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_comes_beside_it_and_goes() {
    let (test, server) = Server::new().await;
    let (browser, mut phone) = (Browser::new(&server), device());
    let codes = with(&test, &browser, &mut phone).await;
    let here = "/account/second-factor";
    says(&browser.get(here).await, 200, "With the last passkey removed, your password alone is enough again.");
    leads(&browser.post("/account/second-factor/begin", &[]).await, here);
    let page = browser.get(here).await;
    says(&page, 200, "your recovery codes stay as they are");
    let secret = page.text.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let secret = Secret::try_from_base32(secret).unwrap();
    leads(&browser.post("/account/second-factor/confirm", &[("code", &code(&test, &secret))]).await, here);
    says(&browser.get(here).await, 200, "Your recovery codes stay as they are.");
    says(&browser.get(SECURITY).await, 200, "signing in takes a code, too, or a passkey");

    let elsewhere = Browser::new(&server);
    let password = [("email", EMAIL), ("password", PASSWORD)];
    leads(&elsewhere.post("/sign-in", &password).await, "/sign-in/code");
    says(&elsewhere.get("/sign-in/code").await, 200, "The six digits that your app shows now");
    leads(&elsewhere.post("/sign-in/code", &[("code", &codes[0])]).await, "/servers");

    let right = answer(&browser, &mut phone, "/account/passkeys/prove").await;
    let off = [("password", PASSWORD), ("passkey", right.as_str())];
    leads(&browser.post("/account/second-factor/off", &off).await, SECURITY);
    says(&browser.get(SECURITY).await, 200, "signing in takes a passkey or a recovery code");
    leads(&elsewhere.post("/sign-out", &[]).await, "/");
    leads(&elsewhere.post("/sign-in", &password).await, "/sign-in/code");
    leads(&elsewhere.post("/sign-in/code", &[("code", &codes[1])]).await, "/servers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_named_by_its_owner() {
    let (test, server) = Server::new().await;
    let (browser, mut phone) = (Browser::new(&server), device());
    somebody(&test, EMAIL, false).await;
    browser.sign_in(EMAIL).await;
    let nameless = add(&browser, &mut phone, " ").await;
    assert!(nameless.status == 422 && nameless.text.contains(r#"id="name-error""#), "{nameless:?}");
    let nothing = browser.post("/account/passkeys/new", &[("name", "The <b>phone</b>"), ("passkey", "")]).await;
    assert!(nothing.status == 422 && nothing.text.contains("No passkey was added") && !nothing.text.contains("<b>phone"), "{nothing:?}");
    add(&browser, &mut phone, "The phone").await.is(200);
    let rename = link_to(&browser.get(SECURITY).await.text, "/rename");
    assert_eq!(hidden_value(&browser.get(&rename).await.text), "The phone");
    says(&browser.post(&rename, &[("name", "")]).await, 422, "The name has 1 to 100 characters");
    leads(&browser.post(&rename, &[("name", "The old phone")]).await, SECURITY);
    says(&browser.get(SECURITY).await, 200, "<b>The old phone</b>");

    let bob = Browser::new(&server);
    somebody(&test, "bob@cats.example", false).await;
    bob.sign_in("bob@cats.example").await;
    bob.get(&rename).await.is(404);
    bob.post(&rename, &[("name", "Mine")]).await.is(404);
    bob.post(&rename.replace("/rename", "/remove"), &[]).await.is(404);
}

/// Of the page's only field with a value.
fn hidden_value(html: &str) -> String {
    html.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_twenty_first_is_not_asked_for() {
    let (test, server) = Server::new().await;
    let browser = Browser::new(&server);
    with(&test, &browser, &mut device()).await;
    for nth in 2..=20 {
        leads(&add(&browser, &mut device(), &format!("Number {nth}")).await, SECURITY);
    }
    says(&browser.get("/account/passkeys/new").await, 422, "You have 20 passkeys. Remove one");
    test.clock.advance(TimeDelta::minutes(1));
    // The script says it where it is: its page, loaded again, would not.
    let refused = browser.post("/account/passkeys/begin", &[]).await;
    assert_eq!((refused.status, refused.header("content-type")), (409, Some("application/problem+json")));
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("You have 20 passkeys"), "{refused:?}");
}
