//! `/servers/{server}/address`: what is wanted, what was found, and another look.

use howdah_domain::records::{Looked, Seen};
use howdah_testkit::app::TestApp;

use super::servers::{NAME, ada, cut, launch};
use crate::support::Server;
use crate::support::browser::{Browser, hidden, somebody};

const BIRDS: &str = "/servers/birds-example/address";

async fn launch_own(ada: &Browser<'_>) {
    let key = hidden(&ada.get("/servers/new").await.text, "key");
    let form =
        [("key", key.as_str()), ("kind", "own"), ("own", "birds.example"), ("web_domain", "social.birds.example"), ("plan", "small")];
    let owner = [("owner_username", "ada"), ("owner_email", "ada@birds.example")];
    ada.post("/servers/new", &[&form[..], &owner].concat()).await.is(303);
}

async fn was_looked_at(test: &TestApp, looked: &str) {
    let statement = format!(
        "INSERT INTO address_looks (instance_id, looked_at, waiting_since, looked, kept, reminders)
         SELECT id, created_at - interval '1 minute', created_at, '{looked}', '[]', 0 FROM instances"
    );
    test.database.execute(&statement).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_stands_with_its_cure_under_its_record() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    launch_own(&ada).await;
    let mut looked = Looked::nothing("birds.example", "social.birds.example", "media.social.birds.example");
    looked.hosts[0].seen = Some(Seen { exists: true, v4: vec!["198.51.100.9".parse().unwrap()], ..Seen::default() });
    looked.hosts[1].seen = Some(Seen { exists: true, v4: vec!["192.0.2.1".parse().unwrap()], ..Seen::default() });
    was_looked_at(&test, &serde_json::to_string(&looked).unwrap()).await;
    test.database.execute("UPDATE domains SET checked_at = created_at").await;

    let page = ada.get(BIRDS).await.is(200).text.clone();
    let records: Vec<&str> = page.split("<tbody>").skip(1).collect();
    let of = |kind: &str, name: &str| {
        let is_it = |it: &&&str| it.contains(&format!("<b>{kind}</b>")) && it.contains(&format!("<code>{name}</code>"));
        *records.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {name} in {page}"))
    };
    let proof = of("TXT", "_howdah.birds.example");
    assert!(proof.contains("There is no TXT record _howdah.birds.example yet") && proof.contains("class=\"notice warn\""), "{proof}");
    let web = of("A", "social.birds.example");
    assert!(web.contains("social.birds.example leads to 198.51.100.9, which is not here.") && !web.contains("TXT record"), "{web}");
    assert!(!of("A", "media.social.birds.example").contains("class=\"notice"), "{page}");
    assert!(page.contains("2 things to put right: each stands under its record"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_domains_records_are_told_and_looked_at_again() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    launch_own(&ada).await;
    let here = BIRDS;

    let page = ada.get(here).await.is(200).text.clone();
    assert_eq!(cut(&page, "<title>", "</title>"), "Waiting for records · Address · birds.example");
    for part in
        ["_howdah.birds.example", "howdah-proof=", "media.social.birds.example", "192.0.2.1", "Not looked at yet", "@…@birds.example"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Somebody has to have looked before: where nobody has, a look is due anyway.
    was_looked_at(&test, "{}").await;
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
