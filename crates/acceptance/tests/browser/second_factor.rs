//! A second factor: set up with an app, asked for at the next sign-in, and passed by a recovery code.

use std::time::{SystemTime, UNIX_EPOCH};

use howdah_acceptance::World;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::Watch;
use serde_json::json;
use totp_rs::{Builder, Secret};

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::people::{PASSWORD, Person};

#[tokio::test]
async fn second_factor() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("a second factor");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("second-factor").unwrap();
    person.sign_in(&browser).await.unwrap();

    browser.go("/account/second-factor").await.unwrap();
    browser.sees("It is off").await.unwrap();
    album.keep(&browser, "second-factor-off").await.unwrap();
    browser.press("Set it up").await.unwrap();
    browser.sees("Show that it works").await.unwrap();
    album.keep(&browser, "second-factor-begun").await.unwrap();
    browser.fill("Code", "12345").await.unwrap();
    browser.press("Turn it on").await.unwrap();
    browser.is_titled(SOON, "Error").await.unwrap();
    album.keep(&browser, "second-factor-wrong-code").await.unwrap();
    browser.fill("Code", &what_an_app_shows(&browser).await).await.unwrap();
    browser.press("Turn it on").await.unwrap();
    browser.sees("your recovery codes").await.unwrap();
    album.keep(&browser, "second-factor-recovery-codes").await.unwrap();
    let recovery = of_the_page(&browser, "document.querySelector('.codes code').textContent").await;
    browser.follow("I have kept them").await.unwrap();
    browser.go("/account/second-factor").await.unwrap();
    browser.sees("On since").await.unwrap();
    album.keep(&browser, "second-factor-on").await.unwrap();

    let elsewhere = Browser::open(&world).await.unwrap();
    elsewhere.go("/sign-in?next=/account").await.unwrap();
    elsewhere.fill("E-mail", &person.email).await.unwrap();
    elsewhere.fill("Password", PASSWORD).await.unwrap();
    elsewhere.press("Sign in").await.unwrap();
    elsewhere.sees("Your password is right").await.unwrap();
    album.keep(&elsewhere, "sign-in-code").await.unwrap();
    elsewhere.fill("Code", &recovery).await.unwrap();
    elsewhere.press("Sign in").await.unwrap();
    elsewhere.is_at("/account").await.unwrap();
    album.close().unwrap();
}

/// The code of the secret that the page tells an app of.
async fn what_an_app_shows(browser: &Browser) -> String {
    let url = of_the_page(browser, "document.querySelector('a[href^=\"otpauth:\"]').href").await;
    let secret = url.split("secret=").nth(1).and_then(|it| it.split('&').next()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap().generate(now).to_string()
}

async fn of_the_page(browser: &Browser, what: &str) -> String {
    browser.session.script(&format!("return {what}"), json!([])).await.unwrap().as_str().unwrap().to_owned()
}
