//! My account: profile, security, tokens, people.

use howdah_acceptance::World;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::Watch;

use crate::album::Album;
use crate::browser::Browser;
use crate::people::{PASSWORD, Person};

#[tokio::test]
async fn my_account() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("my account");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("account").unwrap();
    person.sign_in(&browser).await.unwrap();

    browser.go("/account").await.unwrap();
    browser.fill("Name", "Ana the Example").await.unwrap();
    browser.press("Save").await.unwrap();
    browser.sees("Your name is changed").await.unwrap();
    assert_eq!(browser.value("Name").await.unwrap(), "Ana the Example");
    album.keep(&browser, "account-profile").await.unwrap();
    let moved = Person::unknown();
    browser.fill("New e-mail address", &moved.email).await.unwrap();
    browser.fill("Your password", PASSWORD).await.unwrap();
    browser.press("Change the e-mail address").await.unwrap();
    browser.sees("We sent a link to the new e-mail address").await.unwrap();
    let link = moved.link(&world, "Confirm your new e-mail address", "/account/email?token=").await.unwrap();
    browser.go(&link).await.unwrap();
    album.keep(&browser, "account-new-address").await.unwrap();
    browser.press("Yes, use this e-mail address").await.unwrap();
    browser.sees("Your e-mail address is changed").await.unwrap();

    browser.go("/account/security").await.unwrap();
    browser.sees("This one").await.unwrap();
    album.keep(&browser, "account-security").await.unwrap();

    browser.go("/account/tokens").await.unwrap();
    album.keep(&browser, "account-tokens-empty").await.unwrap();
    browser.fill("What is it for?", "backups").await.unwrap();
    browser.choose("Read").await.unwrap();
    browser.press("Make the token").await.unwrap();
    browser.sees("it is shown this once").await.unwrap();
    album.keep(&browser, "account-tokens-new").await.unwrap();
    browser.follow("Revoke backups …").await.unwrap();
    browser.sees("Revoke the API token “backups”?").await.unwrap();
    album.keep(&browser, "account-token-revoke").await.unwrap();
    browser.follow("Keep it").await.unwrap();
    browser.is_at("/account/tokens").await.unwrap();

    browser.go("/account/people").await.unwrap();
    let friend = Person::unknown();
    browser.fill("E-mail", &friend.email).await.unwrap();
    browser.press("Send the invitation").await.unwrap();
    browser.sees("The invitation is on its way").await.unwrap();
    album.keep(&browser, "account-people").await.unwrap();
    joins(&world, &mut album, &friend).await;
    browser.go("/account/people").await.unwrap();
    browser.sees("Bea Friend").await.unwrap();
    album.keep(&browser, "account-people-two").await.unwrap();
    browser.follow("Remove Bea Friend …").await.unwrap();
    browser.sees("no longer sees").await.unwrap();
    album.keep(&browser, "account-person-remove").await.unwrap();
    browser.go("/account/activity").await.unwrap();
    browser.sees("joined the account").await.unwrap();
    album.keep(&browser, "account-activity").await.unwrap();
    album.close().unwrap();
}

async fn joins(world: &World, album: &mut Album, friend: &Person) {
    let browser = Browser::open(world).await.unwrap();
    let link = friend.link(world, "", "/invitation?token=").await.unwrap();
    browser.go(&link).await.unwrap();
    browser.sees("asks you to join").await.unwrap();
    album.keep(&browser, "invitation").await.unwrap();
    browser.fill("Your name", "Bea Friend").await.unwrap();
    browser.fill("Password", PASSWORD).await.unwrap();
    browser.press("Join the account").await.unwrap();
    friend.sign_in(&browser).await.unwrap();
}
