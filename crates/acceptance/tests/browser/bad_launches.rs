//! Bad days while a launch is watched: its form is sent twice, the stream of its page is cut, the cluster is away.

use howdah_acceptance::World;
use howdah_acceptance::processes::Part;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use serde_json::json;

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::people::Person;
use crate::server_pages::{LAUNCHED_WITHIN, RUNNING, Wish, fill_in, launch};

const LOST: &str = "The connection is lost";

#[tokio::test]
async fn a_launch_is_sent_twice() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let domain = format!("{}.test", fresh_name("twins"));
    person.sign_in(&browser).await.unwrap();
    fill_in(&browser, &Wish { domain: &domain, name: None, owner: "ada" }).await.unwrap();
    let twice = "const done = arguments[arguments.length - 1];
        const form = document.querySelector('form.launch');
        const send = () => fetch(form.action, {method: 'post', body: new URLSearchParams(new FormData(form))}).then((it) => it.url);
        Promise.all([send(), send()]).then(done, (error) => done([String(error)]));";
    let led = browser.session.script_to_its_end(twice, json!([])).await.unwrap();
    assert!(led[0].as_str().is_some_and(|it| it.contains("/servers/twins")), "{led}");
    assert_eq!(led[0], led[1]);
    assert_eq!(world.record().unwrap().servers_with(&domain).await.unwrap(), 1);
}

/// Howdah's own server ends while a launch is watched, and comes back.
#[tokio::test]
async fn the_stream_is_cut_midway() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("the stream is cut");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("connection-lost").unwrap();
    let name = fresh_name("cut");
    person.sign_in(&browser).await.unwrap();
    launch(&browser, &Wish { domain: "", name: Some(&name), owner: "ada" }).await.unwrap();
    let killed = Part::of(&world.stack, "server").unwrap().kill().unwrap();
    let said = async {
        browser.sees(LOST).await?;
        album.keep(&browser, "server-connection-lost").await
    }
    .await;
    killed.start().unwrap();
    said.unwrap();
    watch.lap("said");
    browser.no_longer_sees(seconds(30), LOST).await.unwrap();
    browser.sees_within(LAUNCHED_WITHIN, RUNNING).await.unwrap();
    watch.lap("came back, and went on");
    album.close().unwrap();
}

#[tokio::test]
async fn the_cluster_is_away() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("pages while the cluster is away");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::customer(&world).await.unwrap());
    let mut album = Album::open("held-up").unwrap();
    let name = fresh_name("patient");
    person.sign_in(&browser).await.unwrap();
    let killed = Part::of(&world.stack, "kube-apiserver").unwrap().kill().unwrap();
    let said = async {
        fill_in(&browser, &Wish { domain: "", name: Some(&name), owner: "ada" }).await?;
        browser.press("Launch the server").await?;
        browser.sees_within(seconds(60), "A step of the launch fails").await?;
        browser.session.refresh().await?;
        album.keep(&browser, "server-failed").await
    }
    .await;
    killed.start().unwrap();
    said.unwrap();
    watch.lap("said");
    browser.sees_within(LAUNCHED_WITHIN, RUNNING).await.unwrap();
    browser.is_titled(SOON, "Running").await.unwrap();
    watch.lap("went on by itself");
    album.close().unwrap();
}
