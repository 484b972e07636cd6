//! Bad days with pages open: sessions ended elsewhere, forms sent twice or by others, guesses at passwords, and parts of the platform
//! away. A page says what happened, does nothing twice, and comes back by itself.

use howdah_acceptance::World;
use howdah_acceptance::processes::Part;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use serde_json::json;

use crate::album::Album;
use crate::browser::Browser;
use crate::people::Person;

/// What was typed is not done, and the page says so.
#[tokio::test]
async fn who_signs_out_in_another_tab_is_out_in_all() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    person.sign_in(&browser).await.unwrap();
    browser.go("/account").await.unwrap();
    browser.fill("Name", "Written too late").await.unwrap();
    let first = browser.session.tab().await.unwrap();
    browser.session.open_tab().await.unwrap();
    browser.go("/account").await.unwrap();
    browser.press("Sign out").await.unwrap();
    browser.sees("You are signed out").await.unwrap();
    browser.session.switch_to(&first).await.unwrap();
    browser.press("Save").await.unwrap();
    browser.is_at("/sign-in").await.unwrap();
    browser.sees("What you sent was not done").await.unwrap();
}

#[tokio::test]
async fn a_session_is_ended_from_elsewhere() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let (here, there) = (Browser::open(&world).await.unwrap(), Browser::open(&world).await.unwrap());
    let person = Person::customer(&world).await.unwrap();
    person.sign_in(&here).await.unwrap();
    person.sign_in(&there).await.unwrap();
    there.go("/account").await.unwrap();
    there.fill("Name", "Written too late").await.unwrap();
    here.go("/account/security").await.unwrap();
    here.follow("End all others …").await.unwrap();
    here.press("End all others").await.unwrap();
    here.sees("Every other session is ended").await.unwrap();
    there.press("Save").await.unwrap();
    there.is_at("/sign-in").await.unwrap();
    there.sees("What you sent was not done").await.unwrap();
    here.go("/account").await.unwrap();
    assert_ne!(here.value("Name").await.unwrap(), "Written too late");
}

#[tokio::test]
async fn somebody_guesses_a_password() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut refused = false;
    for guess in 0..12 {
        browser.go("/sign-in").await.unwrap();
        browser.fill("E-mail", &person.email).await.unwrap();
        browser.fill("Password", &format!("guess number {guess}")).await.unwrap();
        browser.press("Sign in").await.unwrap();
        let text = browser.text().await.unwrap();
        refused = text.contains("Too many");
        if refused {
            break;
        }
        assert!(text.contains("The e-mail address or the password is wrong"), "{text}");
    }
    assert!(refused, "twelve guesses and no end");
    let mut album = Album::open("too-many").unwrap();
    album.keep(&browser, "too-many-guesses").await.unwrap();
    album.close().unwrap();
}

/// Another site's page sends a form of ours with the visitor's cookies, as far as the browser lets it.
#[tokio::test]
async fn another_site_sends_a_form() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    person.sign_in(&browser).await.unwrap();
    browser.go(&world.stack.mail_url).await.unwrap();
    let forge = "const form = document.createElement('form');
        form.method = 'post'; form.action = arguments[0]; document.body.append(form); form.submit();";
    browser.session.script(forge, json!([format!("{}/sign-out", browser.origin)])).await.unwrap();
    browser.is_at("/sign-out").await.unwrap();
    browser.sees("Reference").await.unwrap();
    let mut album = Album::open("forged").unwrap();
    album.keep(&browser, "forged-post").await.unwrap();
    album.close().unwrap();
    browser.go("/account").await.unwrap();
    browser.sees(&person.email).await.unwrap();
}

#[tokio::test]
async fn postgresql_is_away() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("pages while PostgreSQL is away");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("away").unwrap();
    person.sign_in(&browser).await.unwrap();
    let killed = Part::of(&world.stack, "postgres").unwrap().kill().unwrap();
    let said = async {
        browser.go("/account").await?;
        browser.sees("It looks again in").await?;
        browser.sees("Reference").await?;
        album.keep(&browser, "unavailable").await?;
        browser.go("/status").await?;
        album.keep(&browser, "status-record-away").await
    }
    .await;
    browser.go("/account").await.unwrap();
    killed.start().unwrap();
    said.unwrap();
    watch.lap("said");
    // Without a click.
    browser.sees_within(seconds(60), &person.email).await.unwrap();
    watch.lap("came back");
    album.close().unwrap();
}
