//! `/servers/{server}/owner-link`: the owner's way in, shown and sent anew, and why there is none.

use chrono::TimeDelta;
use howdah_db::models::owner_bootstrap::{FIRST, OwnerBootstrap};
use howdah_domain::InstanceId;
use howdah_testkit::app::TestApp;

use super::servers::{NAME, ada, cut, finish_launch, launch};
use crate::support::browser::{Browser, PASSWORD, hidden, somebody};
use crate::support::{Answer, Server};

fn title(page: &Answer) -> &str {
    cut(&page.text, "<title>", "</title>")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_is_shown_from_the_account_on_until_mastodon_takes_it_no_more() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    let (there, page) = (format!("/servers/{NAME}"), format!("/servers/{NAME}/owner-link"));
    let early = ada.get(&page).await.is(200).clone();
    assert_eq!(title(&early), "Not there yet · The owner’s link · frogs.fedi.localhost");
    assert!(
        early.text.contains("The owner’s account is not there yet.") && !early.text.contains("<form method=\"post\" action=\"/servers")
    );
    let too_early = ada.post(&page, &[]).await.is(200).clone();
    assert!(title(&too_early).starts_with("No link") && too_early.text.contains("is not there yet. Look again"), "{too_early:?}");

    finish_launch(&test, id).await;
    let ready = ada.get(&page).await.is(200).clone();
    assert!(title(&ready).starts_with("Ready · ") && ready.text.contains("That it was shown is recorded."), "{ready:?}");
    assert!(!ready.text.contains("reset_password_token"), "it is shown only to who asks for it");
    for _ in 0..2 {
        let shown = ada.post(&page, &[]).await.is(200).clone();
        assert!(title(&shown).starts_with("Shown · ") && shown.text.contains("Set the password of @ada"), "{shown:?}");
        assert!(shown.text.contains("href=\"https://frogs.fedi.localhost/auth/password/edit?reset_password_token="), "{shown:?}");
    }
    let shown_at = OwnerBootstrap::of(&mut *test.database.conn().await, id.as_uuid()).await.unwrap().unwrap().shown_at;
    assert!(shown_at.is_some());

    test.clock.advance(TimeDelta::hours(6));
    let asked = ada.get(&page).await;
    let again = format!("/confirm-password?next={}", page.replace('/', "%2F"));
    assert_eq!((asked.status, asked.header("location")), (303, Some(again.as_str())), "the password was given long ago");
    ada.post("/confirm-password", &[("password", PASSWORD), ("next", &page)]).await.is(303);
    let ended = ada.get(&page).await.is(200).clone();
    assert!(title(&ended).starts_with("Ended · ") && ended.text.contains("Send a new link</button>"), "{ended:?}");
    assert!(!ended.text.contains("Show the link"), "{ended:?}");
    let late = ada.post(&page, &[]).await.is(200).clone();
    assert!(
        late.text.contains("The link is no longer valid. Have a new one sent.") && !late.text.contains("reset_password_token"),
        "{late:?}"
    );
    assert!(ada.get(&there).await.text.contains("The last link has ended."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_link_is_waited_for() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    let page = format!("/servers/{NAME}/owner-link");
    let key = hidden(&ada.get(&page).await.text, "key");
    ada.post(&format!("{page}/new"), &[("key", &key)]).await.is(303);
    let waits = ada.get(&page).await.is(200).clone();
    assert!(title(&waits).starts_with("Being made · "), "{waits:?}");
    assert!(waits.text.contains("A new link is being made. It is ready within a minute or two, and mailed to you."), "{waits:?}");
    assert!(!waits.text.contains("Send a new link</button>") && !waits.text.contains("Show the link"), "{waits:?}");
    let early = ada.post(&page, &[]).await;
    assert!(early.text.contains("A new link is being made. Look again in a minute."), "the one before opens nothing any more: {early:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_servers_own_account_has_its_owners_link() {
    let (test, server) = Server::new().await;
    let id = launch(&ada(&test, &server).await).await;
    finish_launch(&test, id).await;
    somebody(&test, "op@howdah.example", true).await;
    somebody(&test, "eve@birds.example", false).await;
    let (operator, eve) = (Browser::new(&server), Browser::new(&server));
    operator.sign_in("op@howdah.example").await;
    eve.sign_in("eve@birds.example").await;
    let page = format!("/servers/{NAME}/owner-link");
    let seen = operator.get(&page).await.is(200).clone();
    assert!(title(&seen).starts_with("Not yours · ") && seen.text.contains("Only an owner of the server’s own account"), "{seen:?}");
    operator.post(&page, &[]).await.is(403);
    for posted in [eve.get(&page).await, eve.post(&page, &[]).await, eve.post(&format!("{page}/new"), &[]).await] {
        posted.is(404);
    }
}

/// How often it is in the record that a link was asked for.
async fn asked(test: &TestApp, server: InstanceId) -> i32 {
    OwnerBootstrap::of(&mut *test.database.conn().await, server.as_uuid()).await.unwrap().unwrap().version - FIRST
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_link_is_made_once_for_each_form() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    let there = format!("/servers/{NAME}");
    let key = hidden(&ada.get(&format!("{there}/owner-link")).await.text, "key");
    let send = async |key: &str| ada.post(&format!("{there}/owner-link/new"), &[("key", key)]).await;

    let (one, other) = futures::future::join(send(&key), send(&key)).await;
    for sent in [&one, &other] {
        assert_eq!((sent.status, sent.header("location")), (303, Some(there.as_str())), "{sent:?}");
    }
    assert_eq!(asked(&test, id).await, 1);
    OwnerBootstrap::applied(&mut *test.database.conn().await, id.as_uuid(), FIRST + 1, test.app.clock.now()).await.unwrap();
    // By the browser's way back, when the first is made.
    send(&key).await.is(303);
    assert_eq!(asked(&test, id).await, 1);
    let page = ada.get(&there).await.text;
    assert!(page.contains("This form was sent before, so no other link was made."), "{page}");
    assert!(cut(&page, "id=\"flash\"", "</div>").contains("class=\"notice warn\""), "what was not done is not said as if it were: {page}");

    for count in 2..=4 {
        let anew = hidden(&ada.get(&format!("{there}/owner-link")).await.text, "key");
        let sent = send(&anew).await;
        assert_eq!(asked(&test, id).await, count.min(3), "who asks again gets another, three in an hour");
        if count == 4 {
            let words = "Three new links were made within an hour. Try again in 61 minutes.";
            assert!(sent.status == 200 && sent.text.contains(words), "{sent:?}");
        }
        OwnerBootstrap::applied(&mut *test.database.conn().await, id.as_uuid(), FIRST + count, test.app.clock.now()).await.unwrap();
    }
}
