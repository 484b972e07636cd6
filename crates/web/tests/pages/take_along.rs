//! `/servers/{server}/take-along`: begun with a key that is shown once, cancelled, and fetched by links.

use chrono::TimeDelta;

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
    assert!(offered.contains("name=\"make_key\" checked") && offered.contains("Nothing yet"), "{offered}");
    let neither = ada.post(&page, &[("key", &hidden(&offered, "key"))]).await;
    assert!(neither.status == 422 && neither.text.contains("Name at least one age public key"), "{neither:?}");
    let wrong = ada.post(&page, &[("key", &hidden(&neither.text, "key")), ("recipients", "age1x")]).await;
    assert!(
        wrong.status == 422 && wrong.text.contains("“age1x” is no age public key") && wrong.text.contains(">age1x</textarea>"),
        "{wrong:?}"
    );

    let form = [("key", &*hidden(&wrong.text, "key")), ("make_key", "on"), ("recipients", KEY)];
    let begun = ada.post(&page, &form).await.is(200).text.clone();
    assert!(begun.contains("Your recovery key") && begun.matches("<code>AGE-SECRET-KEY-1").count() == 1, "{begun}");
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
    assert!(whole.contains("Whole") && whole.contains("12 MB"), "{whole}");
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
