//! `/servers/{server}/address`: what is wanted, what was found, and another look.

use super::servers::{NAME, ada, cut, launch};
use crate::support::Server;
use crate::support::browser::{Browser, hidden, somebody};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_domains_records_are_told_and_looked_at_again() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let key = hidden(&ada.get("/servers/new").await.text, "key");
    let form =
        [("key", key.as_str()), ("kind", "own"), ("own", "birds.example"), ("web_domain", "social.birds.example"), ("plan", "small")];
    let owner = [("owner_username", "ada"), ("owner_email", "ada@birds.example")];
    ada.post("/servers/new", &[&form[..], &owner].concat()).await.is(303);
    let here = "/servers/birds-example/address";

    let page = ada.get(here).await.is(200).text.clone();
    assert_eq!(cut(&page, "<title>", "</title>"), "Waiting for records · Address · birds.example");
    for part in
        ["_howdah.birds.example", "howdah-proof=", "media.social.birds.example", "192.0.2.1", "Not looked at yet", "@…@birds.example"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Somebody has to have looked before: where nobody has, a look is due anyway.
    let looked = "INSERT INTO address_looks (instance_id, looked_at, waiting_since, looked, kept, reminders)
                  SELECT id, created_at - interval '1 minute', created_at, '{}', '[]', 0 FROM instances";
    test.database.execute(looked).await;
    let look = async || ada.post(&format!("{here}/look"), &[]).await;
    let asked = look().await;
    assert_eq!((asked.status, asked.header("location")), (303, Some(here)));
    assert!(ada.get(here).await.text.contains("The records are being looked at again."));
    let soon = look().await;
    assert_eq!((soon.status, soon.header("location")), (303, Some(here)), "it was asked for a moment ago");
    assert!(!ada.get(here).await.text.contains("are being looked at again"));
    test.clock.advance(chrono::TimeDelta::seconds(21));
    look().await;
    assert!(ada.get(here).await.text.contains("The records are being looked at again."));

    somebody(&test, "eve@birds.example", false).await;
    let eve = Browser::new(&server);
    eve.sign_in("eve@birds.example").await;
    eve.get(here).await.is(404);
    eve.post(&format!("{here}/look"), &[]).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_platforms_name_nothing_is_to_be_set() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    launch(&ada).await;
    let page = ada.get(&format!("/servers/{NAME}/address")).await.is(200).text.clone();
    assert!(page.contains("Nothing to set") && page.contains("media.frogs.fedi.localhost"), "{page}");
    assert!(!page.contains("/address/look"), "{page}");
}
