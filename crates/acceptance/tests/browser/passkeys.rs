//! A passkey: added with a device that the browser plays, and signed in with, alone and after the password.

use howdah_acceptance::World;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::Watch;

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::people::{PASSWORD, Person};

#[tokio::test]
async fn passkeys() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("passkeys");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("passkeys").unwrap();
    browser.go("/sign-in").await.unwrap();
    album.keep(&browser, "sign-in-passkey").await.unwrap();
    browser.session.add_authenticator().await.unwrap();
    person.sign_in(&browser).await.unwrap();

    browser.go("/account/security").await.unwrap();
    browser.follow("Add a passkey").await.unwrap();
    browser.sees("A new passkey").await.unwrap();
    album.keep(&browser, "passkey-new").await.unwrap();
    browser.fill("Name", "The phone").await.unwrap();
    // As its button: the field's Enter asks the device.
    browser.session.press_keys("\u{e007}").await.unwrap();
    browser.sees("your recovery codes").await.unwrap();
    album.keep(&browser, "passkey-recovery-codes").await.unwrap();
    browser.follow("I have kept them").await.unwrap();
    browser.sees("The phone").await.unwrap();
    album.keep(&browser, "account-security-passkeys").await.unwrap();

    browser.press("Sign out").await.unwrap();
    browser.sees("You are signed out").await.unwrap();
    browser.go("/sign-in?next=/account/security").await.unwrap();
    browser.press("Sign in with a passkey").await.unwrap();
    browser.is_at("/account/security").await.unwrap();

    browser.press("Sign out").await.unwrap();
    browser.sees("You are signed out").await.unwrap();
    browser.go("/sign-in?next=/account/security").await.unwrap();
    browser.fill("E-mail", &person.email).await.unwrap();
    browser.fill("Password", PASSWORD).await.unwrap();
    browser.press("Sign in").await.unwrap();
    browser.sees("signing in takes a passkey or a code, too").await.unwrap();
    album.keep(&browser, "sign-in-code-or-passkey").await.unwrap();
    browser.press("Use a passkey").await.unwrap();
    browser.is_at("/account/security").await.unwrap();

    changes(&browser, &mut album).await;
    album.close().unwrap();
}

/// With the passkey in place of a code; it gets a new name, and is removed.
async fn changes(browser: &Browser, album: &mut Album) {
    browser.fill("Your password now", PASSWORD).await.unwrap();
    browser.fill("New password", "nine green parrots at noon").await.unwrap();
    browser.press("Use a passkey instead").await.unwrap();
    browser.sees("Your passkey has answered").await.unwrap();
    browser.press("Change the password").await.unwrap();
    browser.sees("Your password is changed").await.unwrap();

    browser.follow("Rename The phone").await.unwrap();
    browser.sees("Rename the passkey “The phone”").await.unwrap();
    album.keep(browser, "passkey-rename").await.unwrap();
    browser.fill("Name", "The old phone").await.unwrap();
    browser.press("Rename it").await.unwrap();
    browser.sees("The passkey has its new name").await.unwrap();
    browser.go("/confirm-password?next=/account/security").await.unwrap();
    browser.sees("in place of both").await.unwrap();
    album.keep(browser, "confirm-with-passkey").await.unwrap();
    browser.press("Use a passkey").await.unwrap();
    browser.is_at("/account/security").await.unwrap();
    browser.follow("Remove The old phone …").await.unwrap();
    browser.is_titled(SOON, "Remove the passkey").await.unwrap();
    album.keep(browser, "passkey-remove").await.unwrap();
    browser.press("Remove the passkey").await.unwrap();
    browser.sees("The passkey is removed").await.unwrap();
    browser.sees("your password alone is enough to sign in").await.unwrap();
}

#[tokio::test]
async fn without_javascript() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let browser = Browser::without_javascript(&world).await.unwrap();
    let person = Person::customer(&world).await.unwrap();
    browser.go("/sign-in").await.unwrap();
    browser.sees("Passkeys need JavaScript, which does not run here").await.unwrap();
    browser.does_not_see("Sign in with a passkey").await.unwrap();
    person.sign_in(&browser).await.unwrap();
    browser.go("/account/passkeys/new").await.unwrap();
    browser.sees("Passkeys need JavaScript, which does not run here").await.unwrap();
}
