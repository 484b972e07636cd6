//! Who did what, in pages: with a server, and in the account.

use super::servers::{NAME, ada, cut, launch};
use crate::support::Server;
use crate::support::browser::{Browser, PASSWORD, hidden, mailed, somebody};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_is_listed_newest_first_and_in_pages() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    launch(&ada).await;
    let there = format!("/servers/{NAME}");
    for round in 1..=25 {
        // What begins later has a later id.
        test.clock.advance(chrono::TimeDelta::seconds(1));
        let key = uuid::Uuid::from_u128(round).to_string();
        ada.post(&format!("{there}/close"), &[("key", &key), ("confirm", "frogs.fedi.localhost")]).await.is(303);
        ada.post(&format!("{there}/undo"), &[]).await.is(303);
    }
    let first = ada.get(&format!("{there}/activity")).await.is(200).text.clone();
    assert_eq!(cut(&first, "<title>", "</title>"), "Launching 0 of 9 · Activity · frogs.fedi.localhost");
    let rows = |page: &str| page.matches("<tr><td>").count();
    assert_eq!(rows(&first), 20);
    let undone = first.find("undid the closing").unwrap();
    assert!(undone < first.find("asked for the server to be closed").unwrap(), "the newest first");
    let next = |page: &str| {
        let (before, _) = page.split_once("\" rel=\"next\"").unwrap();
        before.rsplit('"').next().unwrap().to_owned()
    };
    let second = ada.get(&next(&first)).await.is(200).text.clone();
    assert_eq!(rows(&second), 20);
    let last = ada.get(&next(&second)).await.is(200).text.clone();
    assert!(rows(&last) == 11 && last.contains("<b>Ada</b> launched the server frogs.fedi.localhost"), "{last}");
    assert!(last.contains(">First page<") && !last.contains(">Next page<"), "{last}");

    somebody(&test, "eve@birds.example", false).await;
    let eve = Browser::new(&server);
    eve.sign_in("eve@birds.example").await;
    eve.get(&format!("{there}/activity")).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_in_an_account_has_a_page_of_its_own() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    launch(&ada).await;
    let key = hidden(&ada.get("/account/people").await.text, "key");
    ada.post("/account/people", &[("key", &key), ("email", "bob@cats.example"), ("role", "technical")]).await.is(303);
    let invitation = mailed(&test, "bob@cats.example").await.split_once('=').unwrap().1.to_owned();
    let bob = Browser::new(&server);
    bob.post("/invitation", &[("token", &invitation), ("name", "Bob"), ("password", PASSWORD)]).await.is(303);
    bob.sign_in("bob@cats.example").await;
    bob.make_token(&["read"]).await;

    for browser in [&ada, &bob] {
        let page = browser.get("/account/activity").await.is(200).text.clone();
        let told: Vec<&str> = page.split("<tr><td><span>").skip(1).map(|it| cut(it, "<b>", "</span>")).collect();
        let newest = ["Bob</b> made the API token tests", "Bob</b> signed in", "Bob</b> joined the account"];
        assert_eq!(told[..3], newest, "{page}");
        assert!(told.contains(&"Ada</b> asked bob@cats.example to join") && told.contains(&"Ada</b> signed in"), "{told:?}");
        assert!(!page.contains("launched the server"), "{page}");
    }
    assert!(ada.get("/account").await.text.contains("href=\"/account/activity\""));
    let eve = Browser::new(&server);
    somebody(&test, "eve@birds.example", false).await;
    eve.sign_in("eve@birds.example").await;
    assert!(!eve.get("/account/activity").await.is(200).text.contains("Bob"));
}
