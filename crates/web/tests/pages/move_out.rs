//! `/servers/{server}/move-out`: asked for with the domain and the password, its steps, and what is to be done at the new host.

use chrono::TimeDelta;
use howdah_app::sessions;
use howdah_db::models::instance::Instance;
use howdah_domain::{Deletion, Desired};
use serde_json::json;

use super::servers::{NAME, ada, finish_launch, launch};
use crate::support::Server;
use crate::support::browser::{PASSWORD, hidden};

const DOMAIN: &str = "frogs.fedi.localhost";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_at_an_own_domain_moves_and_is_kept_again() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    let (there, page) = (format!("/servers/{NAME}"), format!("/servers/{NAME}/move-out"));
    finish_launch(&test, id).await;
    let ours = ada.get(&page).await.is(200).text.clone();
    assert!(ours.contains("Its address belongs to this platform") && !ours.contains("<form method=\"post\" action=\"/servers/"), "{ours}");
    test.database.execute("UPDATE instances SET on_platform_domain = false").await;

    assert!(ada.get(&there).await.text.contains(&format!("href=\"{page}\"")));
    assert!(ada.get(&format!("{there}/close")).await.text.contains(&format!("<a href=\"{page}\">Move it to another host</a>")));
    test.clock.advance(sessions::RECENT + TimeDelta::seconds(1));
    assert!(ada.get(&page).await.header("location").unwrap().starts_with("/confirm-password?next="));
    ada.post("/confirm-password", &[("password", PASSWORD), ("next", &page)]).await.is(303);
    let asks = ada.get(&page).await.is(200).text.clone();
    for words in ["Stops within a minute or two", "Other servers are told nothing", "/move-out</code>"] {
        assert!(asks.contains(words), "{words}: {asks}");
    }
    let (key, revision) = (hidden(&asks, "key"), hidden(&asks, "revision"));
    let begin = async |confirm: &str| ada.post(&page, &[("key", &key), ("revision", &revision), ("confirm", confirm)]).await;
    let wrong = begin("toads.fedi.localhost").await;
    assert!(wrong.status == 422 && wrong.text.contains("To move this server out, type its domain"), "{wrong:?}");
    let (once, twice) = (begin(DOMAIN).await, begin(DOMAIN).await);
    assert_eq!((once.status, once.header("location"), twice.header("location")), (303, Some(&*page), Some(&*page)), "{once:?}");
    let row = async || Instance::by_id(&mut *test.database.conn().await, id.as_uuid()).await.unwrap().unwrap();
    assert!(matches!(row().await.desired().unwrap(), Desired::Deleted { deletion: Deletion::MoveOut, .. }));

    let moving = ada.get(&page).await.is(200).text.clone();
    for words in ["Keep the server here", "sh restore.sh", "Nobody has looked yet.", "frogs.fedi.localhost.curl"] {
        assert!(moving.contains(words), "{words}: {moving}");
    }
    assert!(!moving.contains("/move-out/done\""), "there is nothing to hand over yet");
    let (media, revision) = (format!("{page}/media"), hidden(&moving, "revision"));
    let lead = async |key: &str, to: &str| ada.post(&media, &[("key", key), ("revision", &revision), ("media_redirect", to)]).await;
    let wrong = lead(&hidden(&moving, "key"), "http://files.example.org").await;
    assert!(
        wrong.status == 422 && wrong.text.contains("it begins with https://") && wrong.text.contains("value=\"http://files.example.org\""),
        "{wrong:?}"
    );
    let led = lead(&hidden(&wrong.text, "key"), "https://files.example.org/frogs/").await;
    assert_eq!((led.status, led.header("location")), (303, Some(&*page)), "{led:?}");
    let said = ada.get(&page).await.is(200).text.clone();
    assert!(said.contains("value=\"https://files.example.org/frogs\"") && said.contains("for 12 months after the move"), "{said}");
    assert!(ada.get(&there).await.text.contains("It moves to another host."));
    let early = ada.post(&format!("{page}/done"), &[("confirm", DOMAIN)]).await;
    assert!(early.status == 422 && early.text.contains("final bundle is not whole yet"), "{early:?}");
    ada.post(&format!("{there}/undo"), &[]).await.is(303);
    assert!(!matches!(row().await.desired().unwrap(), Desired::Deleted { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_asked_for_by_api_too() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let launched = server.post(&ada, "/api/v1/instances", &crate::support::new_instance("birds.example")).await.is(202).json();
    let url = launched["url"].as_str().unwrap();
    let move_out = format!("{url}/move-out");
    assert_eq!(server.post(&ada, &move_out, &json!({"confirm": "birds.example"})).await.is(409).json()["reason"], "not_set_up");
    test.database.execute("UPDATE instances SET launched_at = created_at").await;
    assert_eq!(server.post(&ada, &move_out, &json!({})).await.status, 422);
    let bad = json!({"confirm": "birds.example", "media_redirect": "https://media.birds.example"});
    assert_eq!(server.post(&ada, &move_out, &bad).await.is(422).json()["errors"][0]["reason"], "own_host");
    server.post(&ada, &move_out, &json!({"confirm": "birds.example"})).await.is(202);
    server.post(&ada, &format!("{move_out}/media"), &json!({"media_redirect": "https://files.example"})).await.is(202);
    let leaving = server.get(&ada, url).await.json()["leaving"].clone();
    assert_eq!((&leaving["media_redirect"], &leaving["moved_out_until"]), (&json!("https://files.example"), &json!(null)));
    let shown = server.get(&ada, url).await.json();
    assert_eq!(
        (&shown["phase"], &shown["leaving"]["kind"], &shown["leaving"]["kept_until"]),
        (&json!("moving_out"), &json!("move_out"), &json!(null))
    );
    let done = server.post(&ada, &format!("{move_out}/done"), &json!({"confirm": "birds.example"})).await;
    assert_eq!(done.is(409).json()["reason"], "not_bundled");
    server.post(&ada, &format!("{url}/undo"), &json!({})).await.is(202);
}
