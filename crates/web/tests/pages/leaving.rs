//! The grace period that is ended early: said first what can't be taken back, and asked for the domain and the password.

use howdah_app::sessions;
use howdah_app::upkeep;
use howdah_db::models::instance::Instance;
use howdah_domain::{Deletion, Desired};

use super::servers::{NAME, ada, cut, finish_launch, launch};
use crate::support::Server;
use crate::support::browser::{Browser, PASSWORD, hidden, somebody};

const DOMAIN: &str = "frogs.fedi.localhost";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_grace_period_ends_early_for_who_types_the_address_and_gave_the_password() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    let (there, close, page) = (format!("/servers/{NAME}"), format!("/servers/{NAME}/close"), format!("/servers/{NAME}/close/now"));
    let nothing = ada.get(&page).await;
    assert_eq!((nothing.status, nothing.header("location")), (303, Some(close.as_str())), "there is no grace period");
    ada.post(&close, &[("confirm", DOMAIN)]).await.is(303);
    assert!(ada.get(&close).await.text.contains(&format!("href=\"{page}\"")));

    test.clock.advance(sessions::RECENT + chrono::TimeDelta::seconds(1));
    let again = format!("/confirm-password?next={}", page.replace('/', "%2F"));
    assert_eq!(ada.get(&page).await.header("location"), Some(again.as_str()));
    assert_eq!(ada.post(&page, &[("confirm", DOMAIN)]).await.header("location"), Some(again.as_str()));
    ada.post("/confirm-password", &[("password", PASSWORD), ("next", &page)]).await.is(303);

    assert!(ada.get(&page).await.text.contains("Nobody is told"), "a server that never answered says no farewell");
    Instance::answered(&mut *test.database.conn().await, id.as_uuid(), test.app.clock.now()).await.unwrap();
    let asks = ada.get(&page).await.is(200).text.clone();
    assert_eq!(cut(&asks, "<title>", "</title>"), format!("Closing · End the grace period · {DOMAIN}"));
    for words in ["From here on there is no way back", "is told to delete its accounts", "any owner can take it back", "/close/now</code>"]
    {
        assert!(asks.contains(words), "{words}: {asks}");
    }
    let (key, revision) = (hidden(&asks, "key"), hidden(&asks, "revision"));
    let end = async |confirm: &str| ada.post(&page, &[("key", &key), ("revision", &revision), ("confirm", confirm)]).await;
    let wrong = end("toads.fedi.localhost").await;
    assert!(wrong.status == 422 && wrong.text.contains("type its domain: frogs.fedi.localhost."), "{wrong:?}");
    let row = async || Instance::by_id(&mut *test.database.conn().await, id.as_uuid()).await.unwrap().unwrap();
    let after = |desired| if let Desired::Deleted { deletion: Deletion::Close, after } = desired { Some(after) } else { None };
    let now = test.app.clock.now();
    assert!(after(row().await.desired().unwrap()).unwrap() > now, "nothing was done");

    let (once, twice) = (end(DOMAIN).await, end(DOMAIN).await);
    assert_eq!((once.status, once.header("location")), (303, Some(there.as_str())), "{once:?}");
    assert_eq!(once.header("location"), twice.header("location"), "sent twice, it is one");
    assert_eq!(after(row().await.desired().unwrap()), Some(now));
    assert!(ada.get(&there).await.text.contains("The grace period is over"));
    assert!(ada.get(&format!("{there}/activity")).await.text.contains("ended the grace period early"));
    assert_eq!(ada.get(&page).await.header("location"), Some(close.as_str()), "it is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_the_early_end_that_is_old_ends_nothing() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    let (close, page) = (format!("/servers/{NAME}/close"), format!("/servers/{NAME}/close/now"));
    ada.post(&close, &[("confirm", DOMAIN)]).await.is(303);
    let old = ada.get(&page).await.text;
    // In another tab it was taken back, and closed anew.
    ada.post(&format!("/servers/{NAME}/undo"), &[]).await.is(303);
    ada.post(&close, &[("key", "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d"), ("confirm", DOMAIN)]).await.is(303);
    let form = [("key", hidden(&old, "key")), ("revision", hidden(&old, "revision")), ("confirm", DOMAIN.to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let stale = ada.post(&page, &form).await;
    assert!(stale.status == 422 && stale.text.contains("was changed after the page was opened"), "{stale:?}");
    let row = Instance::by_id(&mut *test.database.conn().await, id.as_uuid()).await.unwrap().unwrap();
    assert!(matches!(row.desired().unwrap(), Desired::Deleted { after, .. } if after > test.app.clock.now()));
}

/// Said before, and declined by a tick.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_final_bundle_is_made_unless_whoever_closes_wants_none() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    let close = format!("/servers/{NAME}/close");
    let early = ada.get(&close).await.is(200).text.clone();
    assert!(early.contains("None: there is nothing of it yet") && !early.contains("decline_final_bundle"), "{early}");
    finish_launch(&test, id).await;
    let asks = ada.get(&close).await.is(200).text.clone();
    assert!(asks.contains("kept 90 days after the end") && asks.contains("name=\"decline_final_bundle\""), "{asks}");
    let wrong = ada.post(&close, &[("key", &hidden(&asks, "key")), ("confirm", "x"), ("decline_final_bundle", "on")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("name=\"decline_final_bundle\" checked"), "{wrong:?}");

    let close_with = async |ticked: &[(&str, &str)]| {
        let key = hidden(&ada.get(&close).await.text, "key");
        ada.post(&close, &[&[("key", key.as_str()), ("confirm", DOMAIN)], ticked].concat()).await.is(303);
        ada.get(&close).await.text
    };
    assert!(close_with(&[]).await.contains("a final bundle is made, and kept 90 days after the end"));
    ada.post(&format!("/servers/{NAME}/undo"), &[]).await.is(303);
    assert!(close_with(&[("decline_final_bundle", "on")]).await.contains("No final bundle of it is made."));
}

/// Its deletion is the operators', and so is its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_early_end_of_a_removal_is_the_operators() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    somebody(&test, "op@howdah.example", true).await;
    let operator = Browser::new(&server);
    operator.sign_in("op@howdah.example").await;
    operator.post(&format!("/operator/servers/{id}/remove"), &[("confirm", DOMAIN)]).await.is(303);
    let page = format!("/servers/{NAME}/close/now");
    assert_eq!(ada.get(&page).await.status, 303);
    ada.post(&page, &[("confirm", DOMAIN)]).await.is(403);
    assert!(operator.get(&format!("/operator/servers/{id}")).await.text.contains(&format!("href=\"{page}\"")));
    assert!(operator.get(&page).await.is(200).text.contains("Nobody is told."));
    operator.post(&page, &[("confirm", DOMAIN)]).await.is(303);
}

/// What others were told of a domain is said to whoever launches there anew, and asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_at_a_domain_that_said_farewell_asks_for_a_tick() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let launch = async |known: bool| {
        let key = hidden(&ada.get("/servers/new").await.text, "key");
        let form = [
            ("key", key.as_str()),
            ("kind", "own"),
            ("own", "birds.example"),
            ("plan", "small"),
            ("owner_username", "ada"),
            ("owner_email", "ada@birds.example"),
        ];
        let tick: &[(&str, &str)] = if known { &[("remnants_known", "on")] } else { &[] };
        ada.post("/servers/new", &[&form[..], tick].concat()).await
    };
    launch(false).await.is(303);
    let gone =
        "UPDATE instances SET farewell_began_at = created_at, tombstoned_at = created_at; DELETE FROM name_claims; DELETE FROM domains";
    test.database.execute(gone).await;
    let asked = launch(false).await;
    assert!(
        asked.status == 422 && asked.text.contains("href=\"#remnants_known\"") && asked.text.contains("id=\"remnants_known\""),
        "{asked:?}"
    );
    assert!(asked.text.contains("other servers were told that its accounts are gone for ever"), "{asked:?}");
    launch(true).await.is(303);
    // By API the same.
    test.database.execute(gone).await;
    upkeep::change_settings(&test.app, |it| it.servers_per_account = 9).await.unwrap();
    let eve = test.customer("eve@birds.example").await;
    let mut body = crate::support::new_instance("birds.example");
    let refused = server.post(&eve, "/api/v1/instances", &body).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.json()["errors"][0]["field"], "remnants_known");
    assert_eq!(refused.json()["errors"][0]["reason"], "remnants");
    body["remnants_known"] = true.into();
    server.post(&eve, "/api/v1/instances", &body).await.is(202);
}
