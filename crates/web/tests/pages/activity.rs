//! `/servers/{server}/activity`: who did what, in pages.

use super::servers::{NAME, ada, cut, launch};
use crate::support::Server;
use crate::support::browser::{Browser, somebody};

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
    assert_eq!(rows(&first), 50);
    let undone = first.find("undid the closing").unwrap();
    assert!(undone < first.find("asked for the server to be closed").unwrap(), "the newest first");
    let next = cut(&first, "<nav class=\"pager row\" aria-label=\"Pages\"><a class=\"button quiet\" href=\"", "\"").to_owned();
    assert!(next.starts_with(&format!("{there}/activity?before=")), "{first}");
    let last = ada.get(&next).await.is(200).text.clone();
    assert!(rows(&last) == 1 && last.contains("launched the server frogs.fedi.localhost") && last.contains(">Ada<"), "{last}");
    assert!(last.contains(">First page<") && !last.contains(">Next page<"), "{last}");

    somebody(&test, "eve@birds.example", false).await;
    let eve = Browser::new(&server);
    eve.sign_in("eve@birds.example").await;
    eve.get(&format!("{there}/activity")).await.is(404);
}
