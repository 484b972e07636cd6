//! `/servers/{server}/take-along`: begun with a phrase or a key that is shown once, cancelled, and fetched by links.

use chrono::TimeDelta;
use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::instance::Page;
use howdah_testkit::own_buckets::Trouble;
use reqwest::Method;
use serde_json::json;

use super::servers::{NAME, ada, finish_launch, launch};
use crate::support::Server;
use crate::support::browser::{Browser, hidden, link_to, somebody};

const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_taken_along_once_for_a_form_and_its_key_is_shown_once() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    let page = format!("/servers/{NAME}/take-along");
    let early = ada.get(&page).await.is(200).text.clone();
    assert!(early.contains("There is nothing to take along now.") && !early.contains("Take it along"), "{early}");
    finish_launch(&test, id).await;

    let offered = ada.get(&page).await.is(200).text.clone();
    assert!(offered.contains("Make a recovery phrase") && offered.contains("Nothing yet"), "{offered}");
    let neither = ada.post(&page, &[("key", &hidden(&offered, "key"))]).await;
    assert!(
        neither.status == 422 && neither.text.contains("Have a recovery phrase made, or name at least one age public key"),
        "{neither:?}"
    );
    let wrong = ada.post(&page, &[("key", &hidden(&neither.text, "key")), ("recipients", "age1x")]).await;
    assert!(
        wrong.status == 422 && wrong.text.contains("“age1x” is no age public key") && wrong.text.contains(">age1x</textarea>"),
        "{wrong:?}"
    );

    let form = [("key", &*hidden(&wrong.text, "key")), ("make_key", "on"), ("recipients", KEY)];
    let begun = ada.post(&page, &form).await.is(200).text.clone();
    assert!(begun.contains("Your age key") && begun.matches("<code>AGE-SECRET-KEY-1").count() == 1, "{begun}");
    let again = ada.post(&page, &form).await;
    assert_eq!((again.status, again.header("location")), (303, Some(&*page)));
    let told = ada.get(&page).await.is(200).text.clone();
    assert!(told.contains("This form was sent twice.") && !told.contains("AGE-SECRET-KEY"), "{told}");
    let second = ada.post(&page, &[("key", &hidden(&told, "key")), ("make_key", "on")]).await;
    assert!(second.status == 422 && second.text.contains("is being exported already"), "{second:?}");

    let cancel = link_to(&told, "/cancel");
    ada.post(&cancel, &[]).await.is(303);
    ada.post(&cancel, &[]).await.is(303);
    let ended = ada.get(&page).await.is(200).text.clone();
    assert!(ended.contains("Cancelled") && !ended.contains("/cancel\""), "{ended}");
}

/// Without JavaScript: a page that shows it, one that asks for two of its words, and one that begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_phrase_is_shown_once_and_asked_back_before_anything_begins() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    let page = format!("/servers/{NAME}/take-along");
    assert_eq!(ada.send(Method::POST, &format!("{page}/phrase"), &[("Sec-Fetch-Site", "cross-site")], Some(&[])).await.status, 403);
    let answer = ada.post(&format!("{page}/phrase"), &[]).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let shown = answer.is(200).text.clone();
    let list = shown.split_once("<ol class=\"phrase\">").unwrap().1.split_once("</ol>").unwrap().0;
    let words: Vec<&str> = list.split("<li>").skip(1).filter_map(|it| it.split('<').next()).collect();
    let phrase = words.join("-");
    assert!(words.len() == 12 && shown.contains(&format!("<code>{phrase}</code>")), "{shown}");
    let file = ada.post(&format!("{page}/phrase/file"), &[("phrase", &phrase)]).await;
    assert!(file.is(200).text.contains(&format!("\n    {phrase}\n")), "{file:?}");
    assert!(file.header("content-disposition").unwrap().contains("recovery-phrase.txt"));

    let ticket = hidden(&shown, "ticket");
    let asked = ada.post(&format!("{page}/phrase/check"), &[("ticket", &ticket)]).await.is(200).text.clone();
    assert!(!asked.contains(&phrase), "it is not shown again");
    let positions: Vec<usize> = asked.split("\">Word ").skip(1).map(|it| it.split('<').next().unwrap().trim().parse().unwrap()).collect();
    let [first, second] = positions[..] else { panic!("two are asked for: {positions:?}") };
    let key = hidden(&asked, "key");
    let wrong = ada.post(&page, &[("key", &key), ("ticket", &ticket), ("first_word", words[first - 1]), ("second_word", "x")]).await;
    assert!(wrong.status == 422 && wrong.text.contains(&format!("This is not word {second} of the phrase.")), "{wrong:?}");
    let page_of = Page { before: None, limit: 2 };
    let exports = async || Export::page_of_instance(&mut *test.database.conn().await, id.as_uuid(), page_of).await.unwrap();
    assert!(exports().await.is_empty(), "nothing has begun");

    let key = hidden(&wrong.text, "key");
    let form = [("key", &*key), ("ticket", &*ticket), ("first_word", words[first - 1]), ("second_word", words[second - 1])];
    let stranger = Browser::new(&server);
    stranger.sign_in("ada@birds.example").await;
    let other = stranger.post(&page, &form).await;
    assert!(other.status == 422 && other.text.contains("This recovery phrase can"), "another session's: {other:?}");
    assert_eq!(ada.post(&page, &form).await.is(303).header("location"), Some(&*page));
    assert_eq!(ada.post(&page, &form).await.is(303).header("location"), Some(&*page), "sent twice, it has one effect");
    let begun = exports().await;
    let key = begun[0].0.recovery_key.clone().unwrap();
    let opened = age::decrypt(&age::scrypt::Identity::new(phrase.into()), &key).unwrap();
    assert!(begun.len() == 1 && String::from_utf8(opened).unwrap().contains(&begun[0].0.recipients));
}

/// Tried out first; what was typed comes back but for the secret key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_taken_along_to_a_bucket_of_ones_own() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    let page = format!("/servers/{NAME}/take-along");
    let bucket = [
        ("endpoint", "https://s3.example.com"),
        ("region", "eu-central-1"),
        ("bucket", "mine"),
        ("prefix", "birds"),
        ("access_key_id", "AKIA-1"),
        ("secret_access_key", "s3cr3t-1"),
    ];
    let form = |key: &'static str| [&[("key", key), ("recipients", KEY)][..], &bucket].concat();
    let key: &'static str = hidden(&ada.get(&page).await.text, "key").leak();
    test.own_buckets.fail(Some(Trouble::Bucket));
    let refused = ada.post(&page, &form(key)).await;
    assert!(refused.status == 422 && refused.text.contains("it has no bucket of this name"), "{refused:?}");
    assert!(refused.text.contains("value=\"https://s3.example.com\"") && !refused.text.contains("s3cr3t-1"), "{refused:?}");
    test.own_buckets.fail(None);
    let key: &'static str = hidden(&refused.text, "key").leak();
    ada.post(&page, &form(key)).await.is(303);
    let shown = ada.get(&page).await.is(200).text.clone();
    assert!(shown.contains("<code>s3://mine/birds/") && shown.contains("at s3.example.com") && !shown.contains("AKIA-1"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_is_offered_once_there_is_something_to_seal_with() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    let page = format!("/servers/{NAME}/take-along");
    let offered = ada.get(&page).await.is(200).text.clone();
    assert!(offered.contains("when an owner has taken the server along once") && !offered.contains("/schedule\""), "{offered}");
    ada.post(&page, &[("key", &hidden(&offered, "key")), ("recipients", KEY)]).await.is(303);
    test.database.execute("UPDATE exports SET size = 12, content_digest = 'v1:x'").await;
    let set = async |every, keep| ada.post(&format!("{page}/schedule"), &[("every", every), ("keep", keep)]).await;
    let wrong = set("week", "many").await;
    assert!(wrong.status == 422 && wrong.text.contains("Between 1 and 10 of them can be kept."), "{wrong:?}");
    set("week", "5").await.is(303);
    let shown = ada.get(&page).await.is(200).text.clone();
    assert!(shown.contains("value=\"week\" selected") && shown.contains("The next one is due"), "{shown}");
    set("off", "5").await.is(303);
    assert!(ada.get(&page).await.is(200).text.contains("value=\"off\" selected"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_fetched_by_who_gave_their_password_lately() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    let page = format!("/servers/{NAME}/take-along");
    let offered = ada.get(&page).await.is(200).text.clone();
    ada.post(&page, &[("key", &hidden(&offered, "key")), ("recipients", KEY)]).await.is(303);
    test.database.execute("UPDATE operations SET state = 'succeeded', finished_at = created_at WHERE kind = 'export'").await;
    test.database
        .execute("UPDATE exports SET size = 12000000, content_digest = 'v1:x', kept_until = created_at + interval '30 days'")
        .await;
    let whole = ada.get(&page).await.is(200).text.clone();
    assert!(whole.contains("Whole") && whole.contains("11.4 MB"), "{whole}");
    let links = whole.split("href=\"").find_map(|it| it.split('"').next().filter(|it| it.ends_with("/links"))).unwrap();
    let export = links.split('/').nth(4).unwrap();
    test.bundles.put(&format!("{id}/{export}/MANIFEST.json"));
    let list = ada.get(links).await;
    assert!(list.is(200).text.contains("/MANIFEST.json\"\n") && list.header("content-disposition").is_some(), "{list:?}");

    somebody(&test, "eve@cats.example", false).await;
    let eve = Browser::new(&server);
    eve.sign_in("eve@cats.example").await;
    eve.get(links).await.is(404);
    test.clock.advance(TimeDelta::hours(6));
    let asked = ada.get(links).await;
    assert!(asked.status == 303 && asked.header("location").unwrap().starts_with("/confirm-password?next="), "{asked:?}");
}

/// Of a server that is gone: by the address that a mail told of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_final_bundle_is_found_and_opened_when_all_else_is_gone() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    let offered = ada.get(&format!("/servers/{NAME}/take-along")).await.is(200).text.clone();
    ada.post(&format!("/servers/{NAME}/take-along"), &[("key", &hidden(&offered, "key")), ("recipients", KEY)]).await.is(303);
    for done in [
        "UPDATE operations SET state = 'succeeded', finished_at = created_at",
        "UPDATE exports SET size = 12, content_digest = 'v1:x', kept_until = created_at + interval '90 days'",
        "UPDATE instances SET desired_kind = 'deleted', desired_deletion = 'close', desired_after = created_at, tombstoned_at = created_at",
    ] {
        test.database.execute(done).await;
    }
    let conn = &mut *test.database.conn().await;
    let page = Page { before: None, limit: 1 };
    let (export, operation) = Export::page_of_instance(conn, id.as_uuid(), page).await.unwrap().remove(0);
    FinalBundle::new(&test.app.keys, export.id, operation.id, Some(b"AGE-SECRET-KEY-1SEALED")).insert(conn).await.unwrap();

    let there = format!("/servers/{id}/take-along");
    assert!(ada.get(&format!("/servers/{id}")).await.is(200).text.contains(&format!("href=\"{there}\"")));
    let found = ada.get(&there).await.is(200).text.clone();
    assert!(found.contains("Final bundle") && found.contains(&format!("{there}/{}/links", export.id)), "{found}");
    let key = format!("{there}/{}/key", export.id);
    assert!(found.contains(&format!("action=\"{key}\"")) && !found.contains("AGE-SECRET-KEY"), "{found}");
    for _ in 0..2 {
        let shown = ada.post(&key, &[]).await.is(200).text.clone();
        assert!(shown.contains("AGE-SECRET-KEY-1SEALED") && shown.contains("that you looked at it is recorded"), "{shown}");
    }
    let by_api = server.post(&test.customer("eve@birds.example").await, &format!("/api/v1/exports/{}/key", export.id), &json!({})).await;
    assert_eq!(by_api.status, 404, "another's");

    test.clock.advance(TimeDelta::hours(6));
    assert!(ada.post(&key, &[]).await.header("location").unwrap().starts_with("/confirm-password?next="));
}
