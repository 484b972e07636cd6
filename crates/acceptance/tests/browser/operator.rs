//! An operator's day in the browser: a sign-up is approved, new servers are closed, a launch that fails is found by its reference,
//! tried again, seen to run, and removed. The settings are everybody's: these tests run alone, and leave them as they were.

use anyhow::Result;
use howdah_acceptance::World;
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_domain::InstanceId;

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::people::{PASSWORD, Person};
use crate::server_pages::{GONE, GONE_WITHIN, LAUNCHED_WITHIN, RUNNING, Wish, fill_in, id};

const FULL: &str = "The elephants are resting: new servers from Monday on.";

async fn operator(world: &World) -> Result<Browser> {
    let browser = Browser::open(world).await?;
    Person::operator(world).await?.sign_in(&browser).await?;
    Ok(browser)
}

async fn set(browser: &Browser, what: &str, choice: &str) -> Result<()> {
    browser.go("/operator/settings").await?;
    browser.choose_of(what, choice).await?;
    browser.press("Save the settings").await?;
    browser.sees("The settings are saved").await
}

#[tokio::test]
async fn approves_a_sign_up() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("an operator approves a sign-up");
    let (browser, person) = (operator(&world).await.unwrap(), Person::unknown());
    let mut album = Album::open("operator-sign-ups").unwrap();
    set(&browser, "Sign-ups", "By approval").await.unwrap();
    let done = asks_and_is_approved(&world, &browser, &person, &mut album).await;
    set(&browser, "Sign-ups", "Open").await.unwrap();
    done.unwrap();
    watch.lap("approved");
    album.close().unwrap();
}

async fn asks_and_is_approved(world: &World, browser: &Browser, person: &Person, album: &mut Album) -> Result<()> {
    let theirs = Browser::open(world).await?;
    person.ask_for_an_account(world, &theirs).await?;
    theirs.sees("New accounts are looked at by a person here").await?;
    album.keep(&theirs, "sign-up-waiting").await?;
    theirs.go("/sign-in").await?;
    theirs.fill("E-mail", &person.email).await?;
    theirs.fill("Password", PASSWORD).await?;
    theirs.press("Sign in").await?;
    theirs.sees("approv").await?;
    browser.go("/operator/sign-ups").await?;
    browser.sees(&person.email).await?;
    album.keep(browser, "operator-sign-ups").await?;
    browser.click(&format!("//tr[contains(., '{}')]//button[starts-with(normalize-space(.), 'Approve')]", person.email)).await?;
    browser.no_longer_sees(SOON, &person.email).await?;
    person.link(world, "Your account is ready", "/sign-in").await?;
    person.sign_in(&theirs).await
}

#[tokio::test]
async fn closes_new_servers() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let _watch = Watch::start("an operator closes new servers");
    let browser = operator(&world).await.unwrap();
    let mut album = Album::open("operator-settings").unwrap();
    let theirs = Browser::open(&world).await.unwrap();
    Person::customer(&world).await.unwrap().sign_in(&theirs).await.unwrap();
    // The form is open when the operator closes: what counts is the answer.
    let name = fresh_name("late");
    fill_in(&theirs, &Wish { domain: "", name: Some(&name), owner: "ada" }).await.unwrap();
    browser.go("/operator/settings").await.unwrap();
    browser.fill("What the public reads", FULL).await.unwrap();
    browser.choose_of("New servers", "Closed").await.unwrap();
    album.keep(&browser, "operator-settings").await.unwrap();
    browser.press("Save the settings").await.unwrap();
    let said = async {
        browser.sees("The settings are saved").await?;
        theirs.press("Launch the server").await?;
        theirs.sees(FULL).await?;
        album.keep(&theirs, "launch-refused").await?;
        theirs.go("/servers/new").await?;
        theirs.sees(FULL).await?;
        album.keep(&theirs, "launch-closed").await?;
        theirs.go("/").await?;
        theirs.sees(FULL).await?;
        album.keep(&theirs, "front-closed").await
    }
    .await;
    set(&browser, "New servers", "Open").await.unwrap();
    said.unwrap();
    let found = world.record().unwrap().find(&format!("{name}.fedi.localhost")).await.unwrap();
    assert_eq!(found, None, "a server was launched that was refused");
    album.close().unwrap();
}

#[tokio::test]
async fn finds_retries_and_removes_a_failed_launch() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("an operator helps a launch");
    let browser = operator(&world).await.unwrap();
    let mut album = Album::open("operator-fleet").unwrap();
    let theirs = Browser::open(&world).await.unwrap();
    Person::customer(&world).await.unwrap().sign_in(&theirs).await.unwrap();
    let name = fresh_name("stuck");
    let domain = format!("{name}.fedi.localhost");
    world.mail.refuse(true).await.unwrap();
    let wish = Wish { domain: "", name: Some(&name), owner: "ada" };
    let tried = fails_and_is_tried_again(&world, &theirs, &browser, &mut album, &wish, &domain).await;
    // Only now, so that the button was pressed of something that fails.
    world.mail.refuse(false).await.unwrap();
    let server = tried.unwrap();
    watch.lap("failed, found, tried again");
    browser.sees_within(LAUNCHED_WITHIN, RUNNING).await.unwrap();
    watch.lap("runs");
    for (path, page) in [
        ("/operator/operations", "operator-operations"),
        ("/operator/jobs", "operator-jobs"),
        ("/operator/places", "operator-places"),
        ("/operator/mails", "operator-mails"),
    ] {
        browser.go(path).await.unwrap();
        album.keep(&browser, page).await.unwrap();
    }
    removes(&browser, &mut album, &server.to_string(), &domain).await.unwrap();
    watch.lap("removed");
    assert_nothing_left(&world, &[server]).await.unwrap();
    album.close().unwrap();
}

/// The launch is held up by the relay, and an operator who is told its reference presses “Try again”.
async fn fails_and_is_tried_again(
    world: &World,
    theirs: &Browser,
    browser: &Browser,
    album: &mut Album,
    wish: &Wish<'_>,
    domain: &str,
) -> Result<InstanceId> {
    fill_in(theirs, wish).await?;
    theirs.press("Launch the server").await?;
    theirs.sees_within(seconds(60), "A step of the launch fails").await?;
    theirs.session.refresh().await?;
    theirs.sees("Write to").await?;
    album.keep(theirs, "server-launch-held-up").await?;
    let server = id(world, domain).await?;
    theirs.sees(&server.to_string()).await?;

    browser.go("/operator").await?;
    album.keep(browser, "operator-fleet").await?;
    browser.fill("Domain, e-mail, reference", &server.to_string()).await?;
    browser.press("Show").await?;
    browser.follow(domain).await?;
    browser.sees("Try again").await?;
    album.keep(browser, "operator-server").await?;
    browser.press("Try again").await?;
    browser.sees("It is tried again now").await?;
    Ok(server)
}

async fn removes(browser: &Browser, album: &mut Album, server: &str, domain: &str) -> Result<()> {
    browser.go(&format!("/operator/servers/{server}")).await?;
    browser.follow("Remove …").await?;
    browser.fill("Type the domain", domain).await?;
    album.keep(browser, "operator-remove").await?;
    browser.press("Remove the server").await?;
    browser.sees("The server will be removed").await?;
    browser.sees_within(GONE_WITHIN, GONE).await
}
