//! Lists that can grow: searched, and in pages.

use howdah_db::models::account::Membership;
use howdah_testkit::rows;

use super::servers::{ada, cut, launch};
use crate::support::Server;
use crate::support::browser::{Browser, somebody};

const OPERATOR: &str = "op@howdah.example";

async fn operator<'a>(test: &howdah_testkit::app::TestApp, server: &'a Server) -> Browser<'a> {
    somebody(test, OPERATOR, true).await;
    let operator = Browser::new(server);
    operator.sign_in(OPERATOR).await;
    operator
}

/// The next page's address.
fn next(page: &str) -> Option<String> {
    let address = page.split("<a ").find(|it| it.contains("rel=\"next\""))?;
    Some(cut(address, "href=\"", "\"").replace("&#38;", "&"))
}

fn rows_of(page: &str) -> usize {
    page.matches("<tr><td>").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_job_is_found_and_those_that_failed_come_first() {
    let (test, server) = Server::new().await;
    let eve = test.customer("eve@birds.example").await;
    let (birds, _) = server.launch(&eve, "birds.example").await;
    server.launch(&eve, "fish.example").await;
    let add = "SELECT graphile_worker.add_job('send_mails', '{}'::json, run_at := now() + i * interval '1 minute') FROM generate_series(1, 120) AS i";
    test.database.execute(add).await;
    let failed = "UPDATE graphile_worker._private_jobs SET last_error = 'The relay said: 100% full', attempts = max_attempts
                  WHERE id = (SELECT max(id) FROM graphile_worker._private_jobs)";
    test.database.execute(failed).await;
    let operator = operator(&test, &server).await;

    let mut page = operator.get("/operator/jobs").await.is(200).text.clone();
    assert!(cut(&page, "<tbody>", "</tr>").contains("100% full"), "{page}");
    let numbers = |page: &str| {
        page.split("<b>send_mails</b> <span class=\"muted small\">")
            .skip(1)
            .map(|it| it.split('<').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut seen = numbers(&page);
    while let Some(address) = next(&page) {
        page = operator.get(&address).await.is(200).text.clone();
        seen.extend(numbers(&page));
        assert!(page.contains(">First page<") && !page.contains("100% full"), "{page}");
    }
    let unique: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert!(unique.len() == seen.len() && seen.len() >= 120, "each is listed once: {seen:?}");

    let found = async |query: &str| rows_of(&operator.get(&format!("/operator/jobs?q={query}")).await.is(200).text);
    assert_eq!(found("birds").await, 1);
    assert_eq!(found("Sync_Instance").await, 2);
    assert_eq!(found(birds.rsplit('/').next().unwrap()).await, 1);
    assert_eq!(found("100%25%20full").await, 1);
    assert_eq!(found("%25").await, 1, "what stands for anything is itself here");
    let narrowed = operator.get("/operator/jobs?q=send_mails").await.text;
    assert!(next(&narrowed).unwrap().contains("q=send_mails"), "the search is kept: {narrowed}");
    assert!(operator.get("/operator/jobs?q=nobody").await.text.contains("No job like that"));
    operator.get("/operator/jobs?after=1").await.is(422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_are_found_by_domain_and_reference() {
    let (test, server) = Server::new().await;
    let eve = test.customer("eve@birds.example").await;
    let (_, birds) = server.launch(&eve, "birds.example").await;
    test.clock.advance(chrono::TimeDelta::seconds(1));
    let (fish, _) = server.launch(&eve, "fish.example").await;
    let operator = operator(&test, &server).await;
    let last = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    let found = async |query: &str| {
        let page = operator.get(&format!("/operator/operations?q={query}")).await.is(200).text.clone();
        (page.contains(">birds.example<"), page.contains(">fish.example<"))
    };
    assert_eq!(found("").await, (true, true));
    assert_eq!(found("Bird&show=live").await, (true, false));
    assert_eq!(found("bird&show=failed").await, (false, false));
    assert_eq!(found(&last(&birds)).await, (true, false));
    assert_eq!(found(&last(&fish)).await, (false, true));
    assert!(operator.get("/operator/operations?q=nobody").await.text.contains("No operation like that"));
    let page = operator.get("/operator/operations?q=example&show=live&limit=1").await.text;
    let second = operator.get(&next(&page).unwrap()).await.text;
    assert!(rows_of(&second) == 1 && second.contains(">birds.example<") && second.contains("value=\"example\""), "{second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_people_of_an_account_are_listed_in_pages() {
    let (test, server) = Server::new().await;
    somebody(&test, "ada@birds.example", false).await;
    let conn = &mut test.database.conn().await;
    let ada = howdah_db::models::person::Person::by_email(conn, "ada@birds.example").await.unwrap().unwrap();
    let account = Membership::of_person(conn, ada.id).await.unwrap()[0].1.id;
    for number in 0..24 {
        let person = rows::person(conn, &format!("member{number}@birds.example")).await;
        Membership { account_id: account, person_id: person.id, role: "technical".to_owned(), created_at: rows::now() }
            .insert(conn)
            .await
            .unwrap();
    }
    let browser = Browser::new(&server);
    browser.sign_in("ada@birds.example").await;
    let first = browser.get("/account/people").await.is(200).text.clone();
    assert_eq!(rows_of(&first), 20);
    let last = browser.get(&next(&first).unwrap()).await.is(200).text.clone();
    assert_eq!((rows_of(&last), next(&last)), (5, None));
    let of = |page: &str| (0..24).filter(|it| page.contains(&format!("member{it}@birds.example"))).count();
    assert_eq!(of(&first) + of(&last), 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_only_server_is_not_searched_for() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let none = ada.get("/servers").await.is(200).text.clone();
    assert!(none.contains("No servers yet") && none.contains("<a href=\"/imports\">Bring it in</a>"), "{none}");
    launch(&ada).await;
    let one = ada.get("/servers").await.is(200).text.clone();
    assert!(one.contains(">frogs.fedi.localhost<") && !one.contains("role=\"search\""), "{one}");
    let narrowed = ada.get("/servers?q=nothing").await.is(200).text.clone();
    assert!(narrowed.contains("None like that") && narrowed.contains("role=\"search\""), "what it is narrowed by can be taken back");
}
