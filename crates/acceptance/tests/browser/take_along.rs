//! A server is taken along on its page: with a recovery phrase that is made, fetched by curl from the list of links, whole by the command.

use std::path::Path;
use std::process::Command;

use howdah_acceptance::World;
use howdah_acceptance::leftovers::remove_whole;
use howdah_acceptance::processes::Part;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use serde_json::json;

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::people::Person;
use crate::server_pages::{LAUNCHED_WITHIN, RUNNING, Wish, id, launch};

#[tokio::test]
async fn take_along() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("a customer takes a server along");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("take-along").unwrap();
    person.sign_in(&browser).await.unwrap();
    let name = fresh_name("geese");
    let domain = format!("{name}.fedi.localhost");
    let page = launch(&browser, &Wish { domain: &domain, name: Some(&name), owner: "ana" }).await.unwrap();
    browser.follow("Take along").await.unwrap();
    browser.sees("There is nothing to take along now").await.unwrap();
    album.keep(&browser, "take-along-too-early").await.unwrap();
    browser.go(&page).await.unwrap();
    browser.sees_within(LAUNCHED_WITHIN, RUNNING).await.unwrap();
    watch.lap("launched");

    browser.go(&format!("{page}/take-along")).await.unwrap();
    browser.sees("Nothing yet").await.unwrap();
    album.keep(&browser, "take-along-empty").await.unwrap();
    browser.press("Make a recovery phrase").await.unwrap();
    browser.sees("Keep your recovery phrase").await.unwrap();
    album.keep(&browser, "take-along-phrase").await.unwrap();
    let phrase = browser.session.script("return document.querySelector('.secret code').textContent", json!([])).await.unwrap();
    let phrase = phrase.as_str().unwrap();
    browser.press("I have kept it").await.unwrap();
    browser.sees("Two words of your recovery phrase").await.unwrap();
    album.keep(&browser, "take-along-phrase-asked-back").await.unwrap();
    let typed = "for (const label of document.querySelectorAll('main label')) {
        const asked = /^Word (\\d+)$/.exec(label.textContent.trim());
        if (asked) document.getElementById(label.htmlFor).value = arguments[0].split('-')[asked[1] - 1];
    }";
    browser.session.script(typed, json!([phrase])).await.unwrap();
    browser.press("Take it along").await.unwrap();
    browser.sees("It has begun").await.unwrap();
    album.keep(&browser, "take-along-begun").await.unwrap();
    browser.sees_within(seconds(180), "Whole").await.unwrap();
    browser.go(&format!("{page}/take-along")).await.unwrap();
    album.keep(&browser, "take-along-whole").await.unwrap();
    watch.lap("taken along");

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("phrase.txt"), phrase).unwrap();
    fetch(&browser, folder.path(), &domain).await;
    let bundle = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().path()).find(|it| it.is_dir()).unwrap();
    let howdah = Part::of(&world.stack, "operator").unwrap().program().to_owned();
    let verified = Command::new(howdah)
        .args(["bundle", "verify"])
        .arg(&bundle)
        .arg("--passphrase-file")
        .arg(folder.path().join("phrase.txt"))
        .output();
    let verified = verified.unwrap();
    assert!(verified.status.success(), "{verified:?}");
    watch.lap("fetched and verified");

    begin_anew(&browser).await;
    browser.follow("Cancel …").await.unwrap();
    album.keep(&browser, "take-along-cancel").await.unwrap();
    browser.press("Cancel it").await.unwrap();
    browser.is_titled(SOON, "Take along").await.unwrap();
    browser.sees("Cancelled: what was written so far").await.unwrap();
    album.keep(&browser, "take-along-cancelled").await.unwrap();
    remove_whole(&world, id(&world, &domain).await.unwrap()).await.unwrap();
    album.close().unwrap();
}

/// With a key, for once.
async fn begin_anew(browser: &Browser) {
    let open = "document.querySelector('details').open = true; document.getElementById('make_key').checked = true;";
    browser.session.script(open, json!([])).await.unwrap();
    browser.press("Take it along with these").await.unwrap();
    browser.sees("Your age key").await.unwrap();
}

/// As the page says: by curl, with the list that the browser saves.
async fn fetch(browser: &Browser, folder: &Path, domain: &str) {
    let script = "const done = arguments[arguments.length - 1];
        const link = [...document.querySelectorAll('a')].find((it) => it.textContent === 'Download list');
        fetch(link.href).then((it) => it.text()).then(done, (error) => done(String(error)));";
    let list = browser.session.script_to_its_end(script, json!([])).await.unwrap();
    let list = list.as_str().unwrap();
    assert!(list.ends_with("# The end.\n"), "{list}");
    let file = format!("{domain}.curl");
    std::fs::write(folder.join(&file), list).unwrap();
    let fetched = Command::new("curl").args(["--silent", "--show-error", "--config", &file]).current_dir(folder).output().unwrap();
    assert!(fetched.status.success(), "{fetched:?}");
}
