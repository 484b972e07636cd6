//! A customer's whole way in the browser, on the real node: with an own domain and every fault on the way, by the keyboard alone,
//! and without JavaScript.

use howdah_acceptance::World;
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::visit::point_here;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use serde_json::json;

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::keyboard::Keyboard;
use crate::people::{PASSWORD, Person};
use crate::planted::Planted;
use crate::server_pages::{
    CLOSING, GONE, GONE_WITHIN, LAUNCHED_WITHIN, LAUNCHING, RUNNING, WAITING, Wish, close, fill_in, id, launch, undo,
};

/// A look from outside, and the page that shows it, come within.
const LOOKED: std::time::Duration = seconds(60);

#[tokio::test]
async fn own_domain() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("a customer with an own domain");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::unknown());
    let mut album = Album::open("own-domain").unwrap();
    let domain = format!("{}.test", fresh_name("birds"));
    person.sign_up(&world, &browser).await.unwrap();
    album.keep(&browser, "servers-none").await.unwrap();
    watch.lap("signed up and in");

    browser.go("/servers/new").await.unwrap();
    album.keep(&browser, "launch").await.unwrap();
    fill_in(&browser, &Wish { domain: "not a domain", name: None, owner: "ana maria" }).await.unwrap();
    browser.press("Launch the server").await.unwrap();
    browser.is_titled(SOON, "Error").await.unwrap();
    album.keep(&browser, "launch-mistakes").await.unwrap();
    let wish = Wish { domain: &domain, name: None, owner: "ada" };
    fill_in(&browser, &wish).await.unwrap();
    browser.sees(&format!("People will be @ana@{domain} at https://{domain}")).await.unwrap();
    let page = launch(&browser, &wish).await.unwrap();
    album.keep(&browser, "server-launching").await.unwrap();
    // What is told from now on is told by the page itself: it is not loaded anew.
    browser.session.script("window.isTheSame = true", json!([])).await.unwrap();
    browser.sees_within(LAUNCHED_WITHIN, WAITING).await.unwrap();
    assert_eq!(browser.session.script("return window.isTheSame", json!([])).await.unwrap(), true, "the page was loaded anew");
    watch.lap("launched");
    browser.session.refresh().await.unwrap();
    album.keep(&browser, "server-waiting").await.unwrap();

    faults_in_dns(&world, &browser, &mut album, &page, &domain).await;
    watch.lap("three faults named, then green");
    browser.go(&page).await.unwrap();
    browser.sees_within(LOOKED, RUNNING).await.unwrap();
    browser.is_titled(SOON, "Running").await.unwrap();
    album.keep(&browser, "server-running").await.unwrap();
    browser.go("/servers").await.unwrap();
    browser.sees(&domain).await.unwrap();
    album.keep(&browser, "servers-one").await.unwrap();
    browser.go(&format!("{page}/activity")).await.unwrap();
    album.keep(&browser, "server-activity").await.unwrap();
    the_owners_link(&browser, &mut album, &page).await;
    opens(&browser, &domain).await;

    closes_undoes_closes(&browser, &mut album, &page, &domain).await;
    person.link(&world, "will be closed", "/servers/").await.unwrap();
    browser.sees_within(GONE_WITHIN, GONE).await.unwrap();
    watch.lap("closed, taken back, closed, gone");
    browser.session.refresh().await.unwrap();
    album.keep(&browser, "server-gone").await.unwrap();
    let left = world.record().unwrap().find(&domain).await.unwrap();
    assert_eq!(left, None, "{domain} is still there");
    album.close().unwrap();
}

/// The first one, shown; and one that takes its place.
async fn the_owners_link(browser: &Browser, album: &mut Album, page: &str) {
    browser.go(page).await.unwrap();
    browser.follow("Its steps").await.unwrap();
    browser.sees("Good defaults").await.unwrap();
    album.keep(browser, "operation").await.unwrap();
    browser.go(&format!("{page}/owner-link")).await.unwrap();
    browser.is_titled(SOON, "Ready").await.unwrap();
    album.keep(browser, "owner-link").await.unwrap();
    browser.press("Show the link").await.unwrap();
    browser.sees("Set the password of @ada").await.unwrap();
    album.keep(browser, "owner-link-shown").await.unwrap();
    browser.go(&format!("{page}/owner-link")).await.unwrap();
    browser.press("Send a new link").await.unwrap();
    browser.sees("A new link is being made").await.unwrap();
    album.keep(browser, "owner-link-sent").await.unwrap();
    // Mastodon takes it within moments, and the page tells so by itself.
    browser.sees_within(LOOKED * 2, "Show the link").await.unwrap();
}

/// Each is named while it is there and no longer; in the end all is well without a click.
async fn faults_in_dns(world: &World, browser: &Browser, album: &mut Album, page: &str, domain: &str) {
    let server = id(world, domain).await.unwrap();
    browser.go(&format!("{page}/address")).await.unwrap();
    browser.sees_within(LOOKED, &format!("There is no TXT record _howdah.{domain} yet")).await.unwrap();
    album.keep(browser, "address-nothing-set").await.unwrap();
    let wanted = world.operator().unwrap().instance(server).await.unwrap();
    let planted = Planted::at(world, domain);

    world.dns.set_a(domain, &["192.0.2.7"]).await.unwrap();
    browser.sees_within(LOOKED, &format!("{domain} leads to 192.0.2.7, which is not here.")).await.unwrap();
    world.dns.clear_a(domain).await.unwrap();
    browser.no_longer_sees(LOOKED, "192.0.2.7").await.unwrap();

    planted.aaaa("2001:db8::7").await.unwrap();
    browser.sees_within(LOOKED, "(2001:db8::7) that leads elsewhere").await.unwrap();
    browser.session.refresh().await.unwrap();
    album.keep(browser, "address-faults").await.unwrap();
    planted.no_aaaa().await.unwrap();
    browser.no_longer_sees(LOOKED, "2001:db8::7").await.unwrap();

    planted.caa("somebody.example").await.unwrap();
    browser.sees_within(LOOKED, &format!("The CAA records of {domain} allow only somebody.example")).await.unwrap();
    planted.no_caa().await.unwrap();
    browser.no_longer_sees(LOOKED, "somebody.example").await.unwrap();

    point_here(world, &wanted).await.unwrap();
    browser.sees_within(LOOKED, "Every record is right").await.unwrap();
    browser.is_titled(LOOKED, "Leads here").await.unwrap();
    browser.session.refresh().await.unwrap();
    album.keep(browser, "address-well").await.unwrap();
}

/// By its host name, as anybody does.
async fn opens(browser: &Browser, domain: &str) {
    howdah_acceptance::until(&format!("https://{domain} opens"), SOON, async || {
        browser.go(&format!("https://{domain}/about")).await?;
        let text = browser.text().await?;
        anyhow::ensure!(text.contains(domain), "{text}");
        Ok(())
    })
    .await
    .unwrap();
}

async fn closes_undoes_closes(browser: &Browser, album: &mut Album, page: &str, domain: &str) {
    browser.go(&format!("{page}/close")).await.unwrap();
    album.keep(browser, "close").await.unwrap();
    browser.fill("Type the domain", "another.test").await.unwrap();
    browser.press("Close for good").await.unwrap();
    browser.is_titled(SOON, "Error").await.unwrap();
    album.keep(browser, "close-mistake").await.unwrap();
    close(browser, page, domain).await.unwrap();
    undo(browser).await.unwrap();
    close(browser, page, domain).await.unwrap();
    browser.go(page).await.unwrap();
    browser.sees(CLOSING).await.unwrap();
    album.keep(browser, "server-closing").await.unwrap();
}

#[tokio::test]
async fn platform_subdomain_by_the_keyboard_alone() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("a customer without a mouse");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let keys = Keyboard(&browser);
    let name = fresh_name("owls");
    let domain = format!("{name}.fedi.localhost");
    browser.go("/sign-in").await.unwrap();
    keys.write("textbox", "E-mail", &person.email).await.unwrap();
    keys.write("textbox", "Password", PASSWORD).await.unwrap();
    keys.enter().await.unwrap();
    browser.is_at("/servers").await.unwrap();

    keys.follow("Launch").await.unwrap();
    browser.is_at("/servers/new").await.unwrap();
    keys.tab_to("radio", "A domain of mine").await.unwrap();
    keys.down().await.unwrap();
    keys.write("textbox", "Name", &name).await.unwrap();
    keys.write("textbox", "Owner’s username", "ada").await.unwrap();
    keys.press("Launch the server").await.unwrap();
    browser.sees(LAUNCHING).await.unwrap();
    browser.sees_within(LAUNCHED_WITHIN, RUNNING).await.unwrap();
    watch.lap("launched");
    opens_and_returns(&browser, &domain).await;

    keys.follow("Close").await.unwrap();
    keys.write("textbox", "Type the domain", &domain).await.unwrap();
    keys.press("Close for good").await.unwrap();
    browser.sees(CLOSING).await.unwrap();
    keys.press("Keep the server").await.unwrap();
    browser.sees(RUNNING).await.unwrap();
    keys.follow("Close").await.unwrap();
    keys.write("textbox", "Type the domain", &domain).await.unwrap();
    keys.press("Close for good").await.unwrap();
    let server = id(&world, &domain).await.unwrap();
    browser.sees_within(GONE_WITHIN, GONE).await.unwrap();
    watch.lap("closed, taken back, closed, gone");
    assert_nothing_left(&world, &[server]).await.unwrap();
}

async fn opens_and_returns(browser: &Browser, domain: &str) {
    let page = browser.path().await.unwrap();
    opens(browser, domain).await;
    browser.go(&page).await.unwrap();
}

#[tokio::test]
async fn platform_subdomain_without_javascript() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("a customer without JavaScript");
    let (browser, person) = (Browser::without_javascript(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("without-javascript").unwrap();
    let name = fresh_name("moths");
    let domain = format!("{name}.fedi.localhost");
    person.sign_in(&browser).await.unwrap();
    let page = launch(&browser, &Wish { domain: &domain, name: Some(&name), owner: "ada" }).await.unwrap();
    album.keep(&browser, "server-launching-without-javascript").await.unwrap();
    // The page looks again by itself.
    browser.sees_within(LAUNCHED_WITHIN, RUNNING).await.unwrap();
    watch.lap("launched");
    let server = id(&world, &domain).await.unwrap();
    opens_and_returns(&browser, &domain).await;
    close(&browser, &page, &domain).await.unwrap();
    undo(&browser).await.unwrap();
    close(&browser, &page, &domain).await.unwrap();
    browser.sees_within(GONE_WITHIN, GONE).await.unwrap();
    watch.lap("closed, taken back, closed, gone");
    assert_nothing_left(&world, &[server]).await.unwrap();
    album.close().unwrap();
}
