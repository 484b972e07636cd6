//! A code besides the password, by page.

use chrono::TimeDelta;
use howdah_app::sessions::RECENT;
use howdah_domain::Clock;
use howdah_testkit::app::TestApp;
use totp_rs::{Builder, Secret};

use crate::support::browser::{Browser, PASSWORD, hidden, somebody};
use crate::support::{Answer, Server};

const EMAIL: &str = "ada@birds.example";
const SESSION: &str = "__Host-howdah";
const HERE: &str = "/account/second-factor";

fn leads(answer: &Answer, to: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, Some(to)), "{answer:?}");
}

/// What an app shows.
fn code(test: &TestApp, secret: &Secret) -> String {
    let time = test.clock.now().timestamp().unsigned_abs();
    Builder::new().with_secret(secret.clone()).build().unwrap().generate(time).to_string()
}

fn next(test: &TestApp, secret: &Secret) -> String {
    test.clock.advance(TimeDelta::seconds(30));
    code(test, secret)
}

/// Somebody who has turned it on: the secret and the recovery codes.
async fn turned_on(test: &TestApp, browser: &Browser<'_>) -> (Secret, Vec<String>) {
    somebody(test, EMAIL, false).await;
    browser.sign_in(EMAIL).await;
    leads(&browser.post("/account/second-factor/begin", &[]).await, HERE);
    let page = browser.get(HERE).await.is(200).text.clone();
    let url = page.split("otpauth://").nth(1).unwrap().split('"').next().unwrap();
    let secret = url.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let typed = secret.as_bytes().chunks(4).map(|it| std::str::from_utf8(it).unwrap()).collect::<Vec<_>>().join(" ");
    assert!(page.contains(&format!("<code>{typed}</code>")) && page.contains(r#"<svg class="qr""#), "{page}");
    assert!(url.starts_with("totp/howdah.localhost:ada%40birds.example?"), "{url}");
    assert!(page.contains("Your API tokens go on: they take no code."), "{page}");
    let secret = Secret::try_from_base32(secret).unwrap();
    let wrong = browser.post("/account/second-factor/confirm", &[("code", "12345")]).await;
    assert!(wrong.status == 422 && wrong.text.contains(r#"id="code-error""#) && wrong.text.contains(&typed), "{wrong:?}");
    let right = code(test, &secret);
    let shown = browser.post("/account/second-factor/confirm", &[("code", &right)]).await;
    let list = shown.is(200).text.split(r#"<ul class="plain codes">"#).nth(1).unwrap().split("</ul>").next().unwrap();
    let recovery: Vec<String> = list.split("<code>").skip(1).map(|it| it.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 10);
    leads(&browser.post("/account/second-factor/confirm", &[("code", &right)]).await, HERE);
    let again = browser.get(HERE).await;
    assert!(again.text.contains("sent twice") && !again.text.contains(&recovery[0]) && !again.text.contains("otpauth:"), "{again:?}");
    let after =
        "With the app off, nothing else is left: your password alone is enough to sign in, and your recovery codes are good no more";
    assert!(again.text.contains(after), "{again:?}");
    (secret, recovery)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_takes_two_pages_and_comes_back_to_where_it_began() {
    let (test, server) = Server::new().await;
    let (secret, recovery) = turned_on(&test, &Browser::new(&server)).await;
    let browser = Browser::new(&server);
    leads(&browser.get("/sign-in/code").await, "/sign-in");
    let password = [("email", EMAIL), ("password", PASSWORD), ("next", "/account/tokens")];
    let asked = browser.post("/sign-in", &password).await;
    leads(&asked, "/sign-in/code?next=%2Faccount%2Ftokens");
    let cookie = asked.header("set-cookie").unwrap();
    for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Max-Age=600"] {
        assert!(cookie.contains(flag), "{flag}: {cookie}");
    }
    assert_eq!(browser.cookie(SESSION), None);
    leads(&browser.get("/account").await, "/sign-in?next=%2Faccount");
    let page = browser.get("/sign-in/code?next=%2Faccount%2Ftokens").await;
    assert!(page.is(200).text.contains(r#"autocomplete="one-time-code""#) && page.text.matches("<h1").count() == 1, "{page:?}");
    let came_from = hidden(&page.text, "next");
    let wrong = browser.post("/sign-in/code", &[("code", "12345"), ("next", &came_from)]).await;
    assert!(wrong.status == 422 && wrong.text.contains("This code is not right") && wrong.text.contains("<title>Error"), "{wrong:?}");
    let entered = browser.post("/sign-in/code", &[("code", &next(&test, &secret)), ("next", &came_from)]).await;
    leads(&entered, "/account/tokens");
    browser.get("/account/tokens").await.is(200);
    leads(&browser.post("/sign-in/code", &[("code", &recovery[0])]).await, "/sign-in");

    let elsewhere = Browser::new(&server);
    leads(&elsewhere.post("/sign-in", &password[..2]).await, "/sign-in/code");
    leads(&elsewhere.post("/sign-in/code", &[("code", &recovery[0])]).await, "/servers");
    assert!(elsewhere.get("/account/security").await.text.contains("Recovery codes left: 9"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_says_the_same_with_and_without_it() {
    let (test, server) = Server::new().await;
    turned_on(&test, &Browser::new(&server)).await;
    somebody(&test, "bob@birds.example", false).await;
    let browser = Browser::new(&server);
    let refused = async |email: &str| {
        let answer = browser.post("/sign-in", &[("email", email), ("password", "wrong wrong wrong")]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (422, None));
        answer.text.split("<main").nth(1).unwrap().replace(email, "…")
    };
    assert_eq!(refused(EMAIL).await, refused("bob@birds.example").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_comes_too_late_begins_again() {
    let (test, server) = Server::new().await;
    let (secret, _) = turned_on(&test, &Browser::new(&server)).await;
    let browser = Browser::new(&server);
    leads(&browser.post("/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await, "/sign-in/code");
    test.clock.advance(TimeDelta::minutes(10));
    leads(&browser.post("/sign-in/code", &[("code", &code(&test, &secret))]).await, "/sign-in");
    let page = browser.get("/sign-in").await;
    assert!(page.text.contains("within ten minutes") && browser.cookie("__Host-howdah-sign-in").is_none(), "{page:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_asked_for_before_what_cannot_be_taken_back() {
    let (test, server) = Server::new().await;
    let browser = Browser::new(&server);
    somebody(&test, EMAIL, false).await;
    browser.sign_in(EMAIL).await;
    assert!(!browser.get("/confirm-password").await.text.contains(r#"name="code""#), "nobody is asked for what is off");
    let (secret, _) = {
        test.clock.advance(RECENT);
        let sent = browser.get(HERE).await;
        leads(&sent, "/confirm-password?next=%2Faccount%2Fsecond-factor");
        leads(&browser.post("/account/second-factor/begin", &[]).await, HERE);
        leads(&browser.post("/account/second-factor/confirm", &[("code", "123456")]).await, HERE);
        let other = Browser::new(&server);
        let on = turned_on(&test, &other).await;
        leads(&browser.get("/account").await, "/sign-in?next=%2Faccount");
        leads(&browser.post("/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await, "/sign-in/code");
        leads(&browser.post("/sign-in/code", &[("code", &next(&test, &on.0))]).await, "/servers");
        on
    };
    test.clock.advance(RECENT);
    leads(&browser.get("/account/people").await, "/confirm-password?next=%2Faccount%2Fpeople");
    let form = browser.get("/confirm-password?next=%2Faccount%2Fpeople").await;
    assert!(form.text.contains(r#"name="code""#), "{form:?}");
    let without = browser.post("/confirm-password", &[("password", PASSWORD), ("next", "/account/people")]).await;
    assert!(without.status == 422 && without.text.contains(r#"id="code-error""#), "{without:?}");
    let both = [("password", PASSWORD), ("code", &next(&test, &secret)), ("next", "/account/people")];
    leads(&browser.post("/confirm-password", &both).await, "/account/people");
    browser.get("/account/people").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_form_shows_the_secret_without_the_password() {
    let (test, server) = Server::new().await;
    let browser = Browser::new(&server);
    somebody(&test, EMAIL, false).await;
    browser.sign_in(EMAIL).await;
    leads(&browser.post("/account/second-factor/begin", &[]).await, HERE);
    assert!(browser.get(HERE).await.text.contains("otpauth:"));
    test.clock.advance(RECENT);
    for form in ["/account/second-factor/off", "/account/second-factor/codes"] {
        let answer = browser.post(form, &[("password", "wrong wrong wrong")]).await;
        leads(&answer, HERE);
        assert!(!answer.text.contains("otpauth:"), "{answer:?}");
    }
    leads(&browser.get(HERE).await, "/confirm-password?next=%2Faccount%2Fsecond-factor");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_take_no_code_are_told() {
    let (test, server) = Server::new().await;
    let browser = Browser::new(&server);
    somebody(&test, EMAIL, false).await;
    for days in [1, 2] {
        test.token(EMAIL, &[howdah_app::Scope::Read], TimeDelta::days(days)).await;
    }
    browser.sign_in(EMAIL).await;
    let first = browser.post("/account/second-factor/begin", &[]).await;
    leads(&first, HERE);
    let page = browser.get(HERE).await.text;
    let secret = page.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let right = code(&test, &Secret::try_from_base32(&secret).unwrap());
    let on = browser.post("/account/second-factor/confirm", &[("code", &right)]).await;
    let told = r#"2 API tokens of yours work on without a code. <a href="/account/tokens">"#;
    assert!(on.is(200).text.contains(told), "{on:?}");
    let mails = howdah_db::models::mail::Mail::waiting(&mut *test.database.conn().await, 100).await.unwrap();
    let mail = mails.iter().find(|it| it.purpose == "second_factor_on").unwrap();
    assert!(mail.text_body.contains("2 API tokens of yours work on without a code."), "{}", mail.text_body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_and_address_are_changed_with_a_code() {
    let (test, server) = Server::new().await;
    let browser = Browser::new(&server);
    let plain = Browser::new(&server);
    somebody(&test, "bob@birds.example", false).await;
    plain.sign_in("bob@birds.example").await;
    let (secret, _) = turned_on(&test, &browser).await;
    let password = [("old_password", PASSWORD), ("new_password", "eight stairs over a lamp")];
    let email = [("email", "ada@fish.example"), ("password", PASSWORD)];
    for (page, form, fields) in [("/account/security", "/account/security", password), ("/account", "/account/new-email", email)] {
        assert!(!plain.get(page).await.text.contains(r#"name="code""#), "nobody is asked for what is off");
        assert!(browser.get(page).await.is(200).text.contains(r#"name="code""#));
        let without = browser.post(form, &fields).await;
        assert!(without.status == 422 && without.text.contains(r#"id="code-error""#), "{without:?}");
    }
    let code = next(&test, &secret);
    leads(&browser.post("/account/new-email", &[email[0], email[1], ("code", &code)]).await, "/account");
    let code = next(&test, &secret);
    leads(&browser.post("/account/security", &[password[0], password[1], ("code", &code)]).await, "/account/security");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_are_made_anew_and_it_is_turned_off() {
    let (test, server) = Server::new().await;
    let browser = Browser::new(&server);
    let (secret, recovery) = turned_on(&test, &browser).await;
    test.clock.advance(RECENT);
    let page = browser.get(HERE).await;
    assert!(page.is(200).text.contains("Make new recovery codes"), "its own forms ask for password and code: {page:?}");
    let wrong = browser.post("/account/second-factor/off", &[("password", "wrong wrong wrong"), ("code", &next(&test, &secret))]).await;
    assert!(wrong.status == 422 && wrong.text.contains(r#"id="password-error""#), "{wrong:?}");
    let made = browser.post("/account/second-factor/codes", &[("password", PASSWORD), ("code", &next(&test, &secret))]).await;
    assert!(made.is(200).text.contains("Your new recovery codes") && !made.text.contains(&recovery[0]), "{made:?}");
    let off = [("password", PASSWORD), ("code", recovery[0].as_str())];
    assert_eq!(browser.post("/account/second-factor/off", &off).await.status, 422, "those before are good no more");
    let off = [("password", PASSWORD), ("code", &next(&test, &secret))];
    leads(&browser.post("/account/second-factor/off", &off).await, "/account/security");
    assert!(browser.get("/account/security").await.text.contains("The second factor is off"));
    Browser::new(&server).sign_in(EMAIL).await;
}
