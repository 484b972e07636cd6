//! A server's own pages: its launch and its steps.

use chrono::TimeDelta;
use howdah_db::models::instance::Instance;
use howdah_db::models::observation::Observation;
use howdah_db::models::operation::{Operation, OperationStep};
use howdah_db::models::owner_bootstrap::{FIRST, OwnerBootstrap};
use howdah_domain::lifecycle::{Cause, StepFact};
use howdah_domain::{InstanceId, LaunchStep, StepName};
use howdah_testkit::app::TestApp;
use reqwest::Method;
use serde_json::json;

use crate::support::Server;
use crate::support::browser::{Browser, OWN, hidden, somebody};

pub const ADA: &str = "ada@birds.example";
pub const NAME: &str = "frogs";

fn form<'a>(key: &'a str, username: &'a str) -> [(&'a str, &'a str); 7] {
    [
        ("key", key),
        ("kind", "platform"),
        ("label", NAME),
        ("platform_domain", "fedi.localhost"),
        ("plan", "small"),
        ("owner_username", username),
        ("owner_email", ADA),
    ]
}

pub async fn ada<'a>(test: &TestApp, server: &'a Server) -> Browser<'a> {
    somebody(test, ADA, false).await;
    let browser = Browser::new(server);
    browser.sign_in(ADA).await;
    browser
}

pub async fn launch(ada: &Browser<'_>) -> InstanceId {
    let key = hidden(&ada.get("/servers/new").await.text, "key");
    let launched = ada.post("/servers/new", &form(&key, "ada")).await;
    launched.header("location").unwrap().rsplit('/').next().unwrap().parse().unwrap()
}

/// So long each step takes, but for those that are done together with the one before.
fn seconds(step: LaunchStep) -> i64 {
    match step {
        LaunchStep::Namespace => 2,
        LaunchStep::Secrets | LaunchStep::Database => 0,
        LaunchStep::Bucket => 3,
        LaunchStep::Cache => 5,
        _ => 10,
    }
}

/// What the observer sees while the operator works.
pub async fn finish_launch(test: &TestApp, server: InstanceId) -> Operation {
    let conn = &mut test.database.conn().await;
    let row = Operation::latest_of_kind(conn, server.as_uuid(), "create").await.unwrap().unwrap();
    let steps = OperationStep::of(conn, row.id).await.unwrap();
    let mut operation = row.with_steps(&steps).unwrap().start(test.app.clock.now()).unwrap();
    for (place, step) in LaunchStep::NEW.iter().enumerate() {
        let running = [(StepName::Launch(*step), StepFact::Running(None))];
        operation = operation.advance(&running, test.app.clock.now()).unwrap();
        test.clock.advance(TimeDelta::seconds(seconds(*step)));
        let done: Vec<_> = LaunchStep::NEW[..=place].iter().map(|it| (StepName::Launch(*it), StepFact::Done)).collect();
        operation = operation.advance(&done, test.app.clock.now()).unwrap();
    }
    let now = test.app.clock.now();
    Instance::launched(conn, server.as_uuid(), now).await.unwrap();
    OwnerBootstrap::applied(conn, server.as_uuid(), FIRST, now).await.unwrap();
    Operation::save(conn, row.id, row.revision, &operation).await.unwrap().unwrap()
}

/// Name and time of each step, in the order of the page.
fn steps(page: &str) -> Vec<(&str, &str)> {
    let list = cut(page, "<ol class=\"steps\">", "</ol>");
    list.split("<li ").skip(1).map(|item| (cut(item, ": </span>", "</b>"), cut(item, "<span class=\"time\">", "</span>"))).collect()
}

pub fn cut<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split_once(from).and_then(|(_, rest)| rest.split(to).next()).unwrap_or_default()
}

/// It answers, and all of it is as wanted.
pub async fn run(test: &TestApp, server: InstanceId) {
    let condition = |name| json!({"type": name, "status": "True"});
    let status = json!({"conditions": (["WorkloadsReady", "RouteReady", "Ready"].map(condition))});
    let (instance_id, observed_at) = (server.as_uuid(), test.app.clock.now());
    let seen = Observation { instance_id, present: true, observed_revision: None, resource_version: None, status, observed_at };
    seen.put(&mut *test.database.conn().await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_launch_can_be_read_in_its_order() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    let overview = format!("/servers/{NAME}");
    let under_way = ada.get(&overview).await.text;
    assert!(under_way.contains("<h2>Launching</h2>") && under_way.contains("Usually about a minute in all."), "{under_way}");
    let operation = finish_launch(&test, id).await;

    let page = ada.get(&format!("/operations/{}", operation.id)).await.text;
    let wanted = [
        ("A room of its own", "2 seconds"),
        ("Identity keys", "at once"),
        ("Database", "at once"),
        ("Media store", "3 seconds"),
        ("Cache", "5 seconds"),
        ("Mastodon sets up its tables", "10 seconds"),
        ("The owner’s account", "10 seconds"),
        ("Good defaults", "10 seconds"),
        ("Web, streaming and background work start", "10 seconds"),
    ];
    assert_eq!(steps(&page), wanted);
    assert!(page.contains(&format!("<a href=\"/servers/{id}\">{NAME}.fedi.localhost</a>")), "{page}");
    assert!(page.contains(&format!("<h1>Launch: {NAME}.fedi.localhost</h1>")) && page.contains("In all 50 seconds."), "{page}");

    run(&test, id).await;
    let running = ada.get(&overview).await.text;
    assert!(!running.contains("class=\"steps\""), "what is over makes room: {running}");
    assert!(running.contains(&format!("<a href=\"/operations/{}\">Its steps</a>, 50 seconds", operation.id)), "{running}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owners_username_is_shown_as_the_handle_that_it_makes() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let page = ada.get("/servers/new").await.text;
    assert!(page.contains("Owner’s username") && page.contains("In Mastodon they are @name@domain."), "{page}");
    let key = hidden(&page, "key");

    let scripted = async |username: &str| {
        let headers = [OWN, &[("HX-Request", "true")]].concat();
        ada.send(Method::POST, "/servers/new/check", &headers, Some(&form(&key, username))).await.is(200).text.clone()
    };
    let typed = scripted("@eve").await;
    assert!(typed.contains("id=\"owner-username-hint\"") && typed.contains("In Mastodon they are @eve@frogs.fedi.localhost."), "{typed}");
    assert!(scripted("<b>eve</b>").await.contains("In Mastodon they are @name@frogs.fedi.localhost."));

    for (username, words) in [("", "The username is missing."), ("eve adams", "“eve adams” can&#39;t be a username:")] {
        let wrong = ada.post("/servers/new", &form(&key, username)).await;
        assert!(wrong.status == 422 && wrong.text.contains(words), "{wrong:?}");
        assert_eq!(wrong.text.matches("id=\"owner-username-hint\"").count(), 1);
    }
}

/// Held up, and failed for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_says_whom_to_write_to_and_what_to_name() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    somebody(&test, "op@howdah.example", true).await;
    let operator = Browser::new(&server);
    operator.sign_in("op@howdah.example").await;
    let now = test.app.clock.now();
    let row = Operation::latest_of_kind(&mut *test.database.conn().await, id.as_uuid(), "create").await.unwrap().unwrap();
    let write_to = format!("href=\"mailto:support@howdah.localhost?subject=Reference%20{}\"", row.id);
    let pages = [format!("/servers/{NAME}"), format!("/operations/{}", row.id)];
    assert!(!ada.get(&pages[0]).await.text.contains(&write_to), "nothing has failed");
    assert!(ada.get(&pages[1]).await.text.contains(&write_to));

    let cause = || Cause::new("JobFailed", Some("exit code 1".to_owned()));
    let step = StepName::Launch(LaunchStep::Schema);
    type Change<'a> = &'a dyn Fn(howdah_domain::Operation) -> howdah_domain::Operation;
    let held_up: Change<'_> = &|it| it.start(now).unwrap().advance(&[(step, StepFact::Failing(cause()))], now).unwrap();
    let failed: Change<'_> = &|it| it.fail(step, cause(), now).unwrap();
    for change in [held_up, failed] {
        let conn = &mut test.database.conn().await;
        let row = Operation::by_id(conn, row.id).await.unwrap().unwrap();
        let steps = OperationStep::of(conn, row.id).await.unwrap();
        Operation::save(conn, row.id, row.revision, &change(row.with_steps(&steps).unwrap())).await.unwrap().unwrap();
        for path in &pages {
            let page = ada.get(path).await.is(200).text.clone();
            assert!(page.contains(&write_to) && page.contains(&format!("<dt>Reference</dt><dd><code>{}</code>", row.id)), "{path}: {page}");
        }
    }
    // What has ended streams once, and to its end.
    let live = ada.send(Method::GET, &format!("{}/live", pages[1]), &[("Accept", "text/event-stream")], None).await;
    assert!(live.text.contains(&write_to), "{live:?}");
    let led = operator.get(&format!("/operator?q={}", row.id)).await;
    assert_eq!(led.header("location"), Some(format!("/operator/servers/{id}#{}", row.id).as_str()));
}

/// So that a tab in the background tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn titles_tell_how_it_stands() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    for (new_servers, title) in [("open", "Open"), ("by_approval", "By approval"), ("closed", "Closed")] {
        howdah_app::upkeep::change_settings(&test.app, |it| it.new_servers = new_servers.to_owned()).await.unwrap();
        let page = ada.get("/servers/new").await.text;
        assert_eq!(cut(&page, "<title>", "</title>"), format!("{title} · Launch a server · Howdah"));
    }
    somebody(&test, "op@howdah.example", true).await;
    let operator = Browser::new(&server);
    operator.sign_in("op@howdah.example").await;
    let remove = operator.get(&format!("/operator/servers/{id}/remove")).await.text;
    assert_eq!(cut(&remove, "<title>", "</title>"), "Launching 0 of 9 · Remove · frogs.fedi.localhost · Operator");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_called_by_its_name() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    somebody(&test, "op@howdah.example", true).await;
    let operator = Browser::new(&server);
    operator.sign_in("op@howdah.example").await;
    for (browser, path, says) in [
        (&ada, "/servers", "data-label=\"Plan\">Small<"),
        (&operator, "/operator", "data-label=\"Plan\">Small<"),
        (&operator, &format!("/operator/servers/{id}"), "<dt>Plan</dt><dd>Small</dd>"),
    ] {
        let page = browser.get(path).await.is(200).text.clone();
        assert!(page.contains(says), "{path}: {page}");
    }
}
