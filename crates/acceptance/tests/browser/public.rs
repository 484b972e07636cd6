//! What everybody sees, and the way in: sign-up, sign-in, a new password.

use howdah_acceptance::World;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::Watch;

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::people::{PASSWORD, Person};

#[tokio::test]
async fn pages_for_everybody() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("public pages");
    let browser = Browser::open(&world).await.unwrap();
    let mut album = Album::open("public").unwrap();
    for (path, name, words) in [
        ("/", "front", "What leaving looks like"),
        ("/plans", "plans", "By the month"),
        ("/status", "status", "Status"),
        ("/sign-up", "sign-up", "Create an account"),
        ("/sign-in", "sign-in", "No account yet?"),
        ("/forgotten", "forgotten", "we send a link"),
        ("/nowhere", "not-found", "Reference"),
        ("/confirm?token=wrong", "link-unknown", "This link opens nothing"),
    ] {
        browser.go(path).await.unwrap();
        browser.sees(words).await.unwrap();
        browser.sees("Not affiliated with Mastodon gGmbH").await.unwrap();
        album.keep(&browser, name).await.unwrap();
    }
    album.close().unwrap();
}

/// It is somebody else's page: held to our policy, and to nothing else.
#[tokio::test]
async fn the_viewer_of_the_api() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let browser = Browser::open(&world).await.unwrap();
    browser.go("/docs/api").await.unwrap();
    browser.sees("/api/v1/instances").await.unwrap();
    let refused: Vec<_> = browser.session.log("browser").await.unwrap();
    assert!(!refused.iter().any(|it| it["message"].as_str().unwrap().contains("Content Security Policy")), "{refused:?}");
}

#[tokio::test]
async fn sign_up_sign_in_and_a_new_password() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("sign-up and reset");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::unknown());
    let mut album = Album::open("accounts").unwrap();

    browser.go("/sign-up").await.unwrap();
    browser.fill("Your name", "Ana Example").await.unwrap();
    browser.fill("E-mail", &person.email).await.unwrap();
    browser.fill("Organisation", "https://club.example").await.unwrap();
    browser.press("Send the link").await.unwrap();
    browser.is_titled(SOON, "Error").await.unwrap();
    assert_eq!(browser.value("E-mail").await.unwrap(), person.email, "what was typed is kept");
    album.keep(&browser, "sign-up-mistake").await.unwrap();
    browser.fill("Organisation", "").await.unwrap();
    browser.press("Send the link").await.unwrap();
    browser.sees(&format!("We sent a mail to {}", person.email)).await.unwrap();
    album.keep(&browser, "sign-up-check-mail").await.unwrap();

    let link = person.link(&world, "Confirm your e-mail address", "/confirm?token=").await.unwrap();
    // Programs open links too: looking does nothing, however often.
    browser.go(&link).await.unwrap();
    browser.go(&link).await.unwrap();
    browser.sees("Ana Example").await.unwrap();
    album.keep(&browser, "confirm").await.unwrap();
    browser.fill("Password", "too short").await.unwrap();
    browser.press("Yes, this is my e-mail address").await.unwrap();
    browser.is_titled(SOON, "Error").await.unwrap();
    assert_eq!(browser.value("Password").await.unwrap(), "", "a password is never sent back");
    album.keep(&browser, "confirm-mistake").await.unwrap();
    browser.fill("Password", PASSWORD).await.unwrap();
    browser.press("Yes, this is my e-mail address").await.unwrap();
    browser.sees("Your e-mail address is confirmed, and you are signed in").await.unwrap();
    album.keep(&browser, "confirmed").await.unwrap();
    browser.go(&link).await.unwrap();
    browser.sees("This link was used already").await.unwrap();
    browser.press("Sign out").await.unwrap();

    browser.go("/sign-in").await.unwrap();
    browser.fill("E-mail", &person.email).await.unwrap();
    browser.fill("Password", "not my password at all").await.unwrap();
    browser.press("Sign in").await.unwrap();
    browser.sees("The e-mail address or the password is wrong").await.unwrap();
    album.keep(&browser, "sign-in-mistake").await.unwrap();
    person.sign_in(&browser).await.unwrap();
    browser.press("Sign out").await.unwrap();
    browser.sees("You are signed out").await.unwrap();
    browser.go("/account").await.unwrap();
    browser.is_at("/sign-in?next=").await.unwrap();

    browser.go("/sign-in").await.unwrap();
    browser.follow("Forgot your password?").await.unwrap();
    browser.fill("E-mail", &person.email).await.unwrap();
    browser.press("Send the link").await.unwrap();
    browser.sees("Check your mail").await.unwrap();
    let link = person.link(&world, "Set a new password", "/reset?token=").await.unwrap();
    browser.go(&link).await.unwrap();
    browser.sees(&person.email).await.unwrap();
    album.keep(&browser, "reset").await.unwrap();
    browser.fill("New password", "four other words here").await.unwrap();
    browser.press("Set it").await.unwrap();
    browser.sees("Your new password is set").await.unwrap();
    browser.go(&link).await.unwrap();
    browser.sees("This link was used already").await.unwrap();
    album.keep(&browser, "link-used").await.unwrap();
    browser.sign_in(&person.email, "four other words here").await.unwrap();
    album.close().unwrap();
}

/// Whoever asks for an account or a password learns nothing of who has one.
#[tokio::test]
async fn the_same_answer_for_known_and_unknown() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let (browser, known) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let unknown = Person::unknown();
    let mut said = Vec::new();
    for person in [&known, &unknown] {
        browser.go("/forgotten").await.unwrap();
        browser.fill("E-mail", &person.email).await.unwrap();
        browser.press("Send the link").await.unwrap();
        browser.sees("Check your mail").await.unwrap();
        said.push(browser.text().await.unwrap().replace(&person.email, "…"));
    }
    assert_eq!(said[0], said[1]);
}
