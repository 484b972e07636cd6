//! What a server's page says in states that its people did not choose: why, what happens next by itself, and whom to write to.

use howdah_domain::InstanceId;
use howdah_testkit::app::TestApp;

use super::servers::{ADA, NAME, ada, finish_launch, launch, run};
use crate::support::Server;
use crate::support::browser::{Browser, somebody};

const WRITE_TO: &str = "href=\"mailto:support@howdah.localhost?subject=Reference%20";

async fn becomes(test: &TestApp, id: InstanceId, columns: &str) {
    test.database.execute(&format!("UPDATE instances SET {columns} WHERE id = '{id}'")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_a_server_says_why_and_whom_to_write_to() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    run(&test, id).await;
    let page = format!("/servers/{NAME}");
    let running = ada.get(&page).await.is(200).text.clone();
    assert!(!running.contains("What you can do") && !running.contains(WRITE_TO), "{running}");
    for (columns, why, next) in [
        (
            "desired_kind = 'suspended', desired_hold = 'billing'",
            "suspended: it is not paid for",
            "starts again by itself once it is paid for",
        ),
        (
            "desired_kind = 'read_only', desired_hold = 'billing'",
            "nothing can be posted: it is not paid for",
            "takes posts again by itself",
        ),
    ] {
        becomes(&test, id, columns).await;
        let held = ada.get(&page).await.is(200).text.clone();
        for words in [why, next, "<h2>What you can do</h2>", "You can take everything along meanwhile.", WRITE_TO] {
            assert!(held.contains(words), "{words}: {held}");
        }
    }
    becomes(&test, id, "desired_kind = 'running', desired_hold = NULL").await;
    test.database.execute("UPDATE instance_observations SET status = '{}'").await;
    let unwell = ada.get(&page).await.is(200).text.clone();
    assert!(unwell.contains("Not every part of this server runs as it should") && unwell.contains(WRITE_TO), "{unwell}");
}

/// It is the operators', and so is its undoing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_promises_no_undo_that_is_not_theirs() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    somebody(&test, "op@howdah.example", true).await;
    let operator = Browser::new(&server);
    operator.sign_in("op@howdah.example").await;
    operator.post(&format!("/operator/servers/{id}/remove"), &[("confirm", "frogs.fedi.localhost")]).await.is(303);
    let page = ada.get(&format!("/servers/{NAME}")).await.is(200).text.clone();
    for words in ["will be removed by an operator", "It is removed <span", ">in 14 days<", "Only an operator can undo it.", WRITE_TO] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("any owner") && !page.contains("Any owner") && !page.contains("Keep the server"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grace_period_that_is_over_is_not_said_to_end() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    launch(&ada).await;
    let (there, close) = (format!("/servers/{NAME}"), format!("/servers/{NAME}/close"));
    ada.post(&close, &[("confirm", "frogs.fedi.localhost")]).await.is(303);
    let within = ada.get(&there).await.is(200).text.clone();
    assert!(within.contains("It closes <span") && within.contains("Any owner can take it back until then."), "{within}");
    test.clock.advance(test.app.config.grace + chrono::TimeDelta::minutes(3));
    ada.sign_in(ADA).await;
    let over = ada.get(&there).await.is(200).text.clone();
    assert!(over.contains("Its grace period ended <span") && over.contains(">3 minutes ago<") && !over.contains("It closes"), "{over}");
    assert!(ada.get(&close).await.is(200).text.contains("The grace period ended "));
}
