//! A server moves in on the pages: its bundle is brought by the command that the page shows, looked into, rehearsed, and cut over.

use age::secrecy::ExposeSecret as _;
use howdah_acceptance::World;
use howdah_acceptance::admin::token;
use howdah_acceptance::api::wish;
use howdah_acceptance::moving::{push, taken_along};
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use serde_json::json;

use crate::album::Album;
use crate::browser::Browser;
use crate::people::Person;
use crate::server_pages::id;

#[tokio::test]
async fn move_in() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("a customer brings a server in");
    let operator = world.operator().unwrap();
    let domain = format!("{}.test", fresh_name("swans"));
    let old = operator.launch(&wish(&domain)).await.unwrap();
    operator.wait_for_operation(&old.operation_url, "succeeded", seconds(120)).await.unwrap();
    let identity = age::x25519::Identity::generate();
    let bundle = taken_along(&operator, old.id, &identity).await.unwrap();
    operator.remove(old.id).await.unwrap();
    operator.wait_for_phase(old.id, "gone", seconds(120)).await.unwrap();
    watch.lap("a server elsewhere, and its bundle");

    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("move-in").unwrap();
    person.sign_in(&browser).await.unwrap();
    browser.go("/servers/new").await.unwrap();
    browser.follow("Bring it in").await.unwrap();
    browser.sees("Nothing yet").await.unwrap();
    album.keep(&browser, "imports-empty").await.unwrap();
    browser.press("Begin").await.unwrap();
    browser.sees("1. Bring the bundle").await.unwrap();
    album.keep(&browser, "import-begun").await.unwrap();
    browser.press("Look into it").await.unwrap();
    browser.sees("PREFLIGHT.json is missing").await.unwrap();
    album.keep(&browser, "import-nothing-there").await.unwrap();

    let page = browser.path().await.unwrap();
    let api = token(&world, &person.email, "read,write").await.unwrap();
    push(&world.stack, &bundle, &format!("/api/v1{page}"), &api).unwrap();
    browser.press("Look again").await.unwrap();
    browser.sees("3. Rehearse").await.unwrap();
    album.keep(&browser, "import-looked-into").await.unwrap();
    browser.fill("The key that opens the bundle", "AGE-SECRET-KEY-1WRONG").await.unwrap();
    browser.press("Rehearse").await.unwrap();
    browser.sees("The key can't be used").await.unwrap();
    browser.fill("The key that opens the bundle", identity.to_string().expose_secret()).await.unwrap();
    browser.press("Rehearse").await.unwrap();
    browser.sees("It is being loaded").await.unwrap();
    album.keep(&browser, "import-loading").await.unwrap();
    browser.follow("See its steps").await.unwrap();
    browser.sees_within(seconds(180), "It waits for your decision.").await.unwrap();
    album.keep(&browser, "server-rehearsing").await.unwrap();
    watch.lap("rehearsing");

    browser.follow("Look at the rehearsal and decide").await.unwrap();
    browser.sees("Look around").await.unwrap();
    album.keep(&browser, "import-rehearsing").await.unwrap();
    browser.follow("Throw it away …").await.unwrap();
    album.keep(&browser, "import-discard").await.unwrap();
    browser.follow("Keep it").await.unwrap();
    browser.choose("The old server is stopped, whatever answers at its address").await.unwrap();
    browser.press("Cut over").await.unwrap();
    browser.sees("It has its place here").await.unwrap();
    album.keep(&browser, "import-accepted").await.unwrap();
    browser.follow("See the server").await.unwrap();
    browser.sees_within(seconds(180), "doesn’t lead here yet").await.unwrap();
    watch.lap("cut over");
    let new = id(&world, &domain).await.unwrap();
    operator.remove(new).await.unwrap();
    operator.wait_for_phase(new, "gone", seconds(120)).await.unwrap();
    let again = operator.get(&format!("/api/v1{page}")).await.unwrap();
    assert_eq!(again.body["reason"], json!("not_found"), "what somebody brings is their own");
    album.close().unwrap();
}
