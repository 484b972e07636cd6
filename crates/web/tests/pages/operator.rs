//! What operators see and do, and nobody else.

use chrono::TimeDelta;
use howdah_app::{Page, instances, sessions, settings, sign_up, upkeep};
use howdah_db::models::mail::{Mail, NewMail};
use howdah_db::models::operation::{Operation as Row, OperationStep};
use howdah_domain::lifecycle::{Cause, LaunchStep};
use howdah_domain::{OperationId, StepName};
use howdah_testkit::app::TestApp;
use howdah_testkit::rows;

use crate::support::browser::{Browser, PASSWORD, hidden, mailed, somebody};
use crate::support::{Server, new_instance};

const OPERATOR: &str = "op@howdah.example";
const CUSTOMER: &str = "bob@birds.example";
const PAGES: &[&str] = &[
    "/operator",
    "/operator/operations",
    "/operator/jobs",
    "/operator/sign-ups",
    "/operator/places",
    "/operator/settings",
    "/operator/mails",
    "/operator/mails/confirm_sign_up",
];

/// A server that was launched by somebody, as its URL's last part, and its operation.
pub async fn launched(test: &TestApp, server: &Server, email: &str, domain: &str) -> (String, String) {
    let eve = test.customer(email).await;
    let (url, operation) = server.launch(&eve, domain).await;
    let last = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    (last(&url), last(&operation))
}

/// The launch fails for good.
pub async fn fail(test: &TestApp, operation: &str) {
    let conn = &mut test.database.conn().await;
    let id: OperationId = operation.parse().unwrap();
    let row = Row::by_id(conn, id.as_uuid()).await.unwrap().unwrap();
    let steps = OperationStep::of(conn, row.id).await.unwrap();
    let now = test.app.clock.now();
    let running = row.with_steps(&steps).unwrap().start(now).unwrap();
    let cause = Cause::new("JobFailed", Some("exit code 1 of <migrate>".to_owned()));
    let failed = running.fail(StepName::Launch(LaunchStep::Schema), cause, now).unwrap();
    Row::save(conn, row.id, row.revision, &failed).await.unwrap().unwrap();
}

async fn signed_in<'a>(test: &TestApp, server: &'a Server, email: &str, is_operator: bool) -> Browser<'a> {
    somebody(test, email, is_operator).await;
    let browser = Browser::new(server);
    browser.sign_in(email).await;
    browser
}

/// Menu, breadcrumb and title call the part by one name.
fn stands_in_the_frame(path: &str, page: &str) {
    let title = page.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    assert!(title.ends_with(" · Operator"), "{path}: {title}");
    for part in [
        r#"<a href="/operator" aria-current="page">Operator</a>"#,
        r#"<nav class="crumbs" aria-label="Breadcrumb"><ol><li><a href="/operator">Operator</a></li>"#,
        r#"<nav class="tabs" aria-label="Operator">"#,
    ] {
        assert_eq!(page.matches(part).count(), 1, "{path}: {part}: {page}");
    }
    assert_eq!(page.matches("<h1").count(), 1, "{path}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_everybody_else_there_is_nothing_here() {
    let (test, server) = Server::new().await;
    let (id, operation) = launched(&test, &server, "eve@birds.example", "birds.example").await;
    let of_server = ["", "/live", "/remove"].map(|part| format!("/operator/servers/{id}{part}"));
    let pages: Vec<String> =
        PAGES.iter().map(|it| (*it).to_owned()).chain(of_server).chain(["/operator/mails/confirm_sign_up/html".to_owned()]).collect();
    let posts = [
        format!("/operator/servers/{id}/approve"),
        format!("/operator/servers/{id}/undo"),
        format!("/operator/servers/{id}/remove"),
        format!("/operator/servers/{id}/adopt"),
        format!("/operator/servers/{id}/overwrite"),
        format!("/operator/operations/{operation}/retry"),
        "/operator/jobs/1/retry".to_owned(),
        format!("/operator/sign-ups/{id}/approve"),
        format!("/operator/sign-ups/{id}/refuse"),
        "/operator/settings".to_owned(),
    ];
    let stranger = Browser::new(&server);
    let customer = signed_in(&test, &server, CUSTOMER, false).await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    for path in &pages {
        assert_eq!(customer.get(path).await.status, 404, "{path}");
        let sent = stranger.get(path).await;
        assert!(sent.status == 303 && sent.header("location").unwrap().starts_with("/sign-in"), "{path}: {sent:?}");
        if path.ends_with("/live") {
            continue;
        }
        let page = operator.get(path).await.is(200).text.clone();
        if !path.ends_with("/html") {
            stands_in_the_frame(path, &page);
        }
    }
    for path in &posts {
        assert_eq!(customer.post(path, &[("confirm", "birds.example")]).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fleet_is_searched_by_domain_mail_and_reference() {
    let (test, server) = Server::new().await;
    let (birds, operation) = launched(&test, &server, "eve@birds.example", "birds.example").await;
    let (fish, _) = launched(&test, &server, "dan@fish.example", "fish.example").await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    let found = async |query: &str| {
        let page = operator.get(&format!("/operator?{query}")).await;
        page.is(200);
        (page.text.contains(">birds.example<"), page.text.contains(">fish.example<"))
    };
    assert_eq!(found("").await, (true, true));
    assert_eq!(found("q=bird&sort=domain").await, (true, false));
    assert_eq!(found("q=dan%40fish").await, (false, true));
    assert_eq!(found(&format!("q={birds}")).await, (true, false));
    assert_eq!(found("state=running").await, (false, false));
    assert_eq!(found("state=launching&plan=small").await, (true, true));
    assert_eq!(found("cluster=elsewhere").await, (false, false));
    let narrowed = operator.get("/operator?q=nobody&state=launching").await.text;
    assert!(narrowed.contains("No server like that") && narrowed.contains(r#"value="nobody""#), "{narrowed}");
    assert!(narrowed.contains(r#"<option value="launching" selected>"#), "{narrowed}");

    let led = operator.get(&format!("/operator?q={operation}")).await;
    let there = format!("/operator/servers/{birds}#{operation}");
    assert_eq!((led.status, led.header("location")), (303, Some(there.as_str())));
    let page = operator.get(&format!("/operator/servers/{fish}")).await;
    let id: howdah_domain::InstanceId = fish.parse().unwrap();
    for part in ["dan@fish.example", &id.resource_name(), "launched the server", "Nothing was observed"] {
        assert!(page.text.contains(part), "{part}: {page:?}");
    }
    operator.get("/operator/servers/fish-example").await.is(200);
    operator.get("/operator/servers/nobody").await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_found_and_tried_again() {
    let (test, server) = Server::new().await;
    let (id, operation) = launched(&test, &server, "eve@birds.example", "birds.example").await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    let retry = format!("/operator/operations/{operation}/retry");
    assert_eq!(operator.post(&retry, &[]).await.status, 409, "nothing of it has failed");
    fail(&test, &operation).await;
    test.clock.advance(TimeDelta::seconds(1));
    for page in [format!("/operator/servers/{id}"), "/operator/operations?show=failed".to_owned()] {
        let page = operator.get(&page).await.text;
        assert!(page.contains(&format!("action=\"{retry}\"")), "{page}");
        assert!(page.contains("exit code 1 of &#60;migrate&#62;"), "{page}");
    }
    let tried = operator.post(&retry, &[]).await;
    let there = format!("/operator/servers/{id}");
    assert_eq!((tried.status, tried.header("location")), (303, Some(there.as_str())), "{tried:?}");
    let page = operator.get(&there).await.text;
    assert!(page.contains("It is tried again now.") && !page.contains("/retry"), "{page}");
    assert_eq!(operator.post(&retry, &[]).await.status, 303, "sent twice, it is one");
    let live = operator.get("/operator/operations?show=live").await.text;
    assert_eq!(live.matches(">birds.example<").count(), 1, "{live}");
    let ada = test.customer("ada@birds.example").await;
    let customers = server.get(&ada, &format!("/api/v1/operations/{operation}")).await;
    assert_eq!(customers.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_listed_and_tried_again() {
    let (test, server) = Server::new().await;
    let (id, _) = launched(&test, &server, "eve@birds.example", "birds.example").await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    let page = operator.get("/operator/jobs").await.text;
    assert!(page.contains("sync_instance") && page.contains(&format!("/operator/servers/{id}")), "{page}");
    let gone = operator.post("/operator/jobs/0/retry", &[]).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some("/operator/jobs")));
    assert!(operator.get("/operator/jobs").await.text.contains("under way, or done"));
    assert_eq!(operator.post("/operator/jobs/x/retry", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_launch_page_says_that_new_servers_are_closed() {
    let (test, server) = Server::new().await;
    let (operator, customer) = (signed_in(&test, &server, OPERATOR, true).await, signed_in(&test, &server, CUSTOMER, false).await);
    let old = hidden(&operator.get("/operator/settings").await.text, "revision");
    let close = |revision: &str, servers: &str| {
        let form = [
            ("revision", revision),
            ("new_servers", "closed"),
            ("new_servers_sentence", "Open again in <May>."),
            ("sign_ups", "by_approval"),
            ("servers_per_account", servers),
            ("support_address", "help@howdah.example"),
            ("grant_every_launch", "on"),
        ];
        form.map(|(name, value)| (name, value.to_owned()))
    };
    let post = async |form: [(&str, String); 7]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        operator.post("/operator/settings", &form).await
    };
    let wrong = post(close(&old, "many")).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains(r##"href="#servers_per_account""##) && wrong.text.contains(r#"value="many""#), "{wrong:?}");
    let saved = post(close(&old, "2")).await;
    assert_eq!((saved.status, saved.header("location")), (303, Some("/operator/settings")), "{saved:?}");
    let page = operator.get("/operator/settings").await.text;
    assert!(page.contains("The settings are saved") && page.contains("Open again in &#60;May&#62;."), "{page}");
    assert!(customer.get("/servers/new").await.text.contains("Open again in &#60;May&#62;."));
    let refused = server.post(&test.customer("dan@birds.example").await, "/api/v1/instances", &new_instance("birds.example")).await;
    assert!(refused.text.contains("Open again in <May>."), "{refused:?}");

    let stale = post(close(&old, "1")).await;
    assert_eq!(stale.status, 422, "{stale:?}");
    assert!(stale.text.contains("saved the settings meanwhile, and yours are not saved"), "{stale:?}");
    assert!(stale.text.contains("Now they are: servers an account may have: “2”. Save again"), "{stale:?}");
    assert_eq!(howdah_app::settings::current(&test.app).await.unwrap().servers_per_account, 2);
    let knowingly = post(close(&hidden(&stale.text, "revision"), "1")).await;
    assert_eq!(knowingly.status, 303, "{knowingly:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_decides_for_others_asks_for_the_password_just_given() {
    let (test, server) = Server::new().await;
    upkeep::change_settings(&test.app, |it| it.sign_ups = "by_approval".to_owned()).await.unwrap();
    let id = waits(&test, &server).await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    let before = settings::current(&test.app).await.unwrap();
    test.clock.advance(sessions::RECENT + TimeDelta::seconds(1));
    let asks = |path: &str| format!("/confirm-password?next={}", path.replace('/', "%2F"));
    for page in ["/operator/settings", "/operator/sign-ups"] {
        let asked = operator.get(page).await;
        assert_eq!((asked.status, asked.header("location")), (303, Some(asks(page).as_str())), "{page}");
    }
    let form = [("revision", "1"), ("new_servers", "closed"), ("sign_ups", "open"), ("support_address", "eve@evil.example")];
    assert_eq!(operator.post("/operator/settings", &form).await.header("location"), Some(asks("/operator/settings").as_str()));
    for decision in ["approve", "refuse"] {
        let sent = operator.post(&format!("/operator/sign-ups/{id}/{decision}"), &[]).await;
        assert_eq!((sent.status, sent.header("location")), (303, Some("/operator/sign-ups")), "the list asks for it");
    }
    assert_eq!(settings::current(&test.app).await.unwrap(), before);

    let given = operator.post("/confirm-password", &[("password", PASSWORD), ("next", "/operator/sign-ups")]).await;
    assert_eq!(given.header("location"), Some("/operator/sign-ups"));
    assert!(operator.get("/operator/sign-ups").await.is(200).text.contains(CUSTOMER), "nothing was decided");
    operator.get("/operator/settings").await.is(200);
}

/// A customer who has signed up and waits, as the id of the sign-up.
async fn waits(test: &TestApp, server: &Server) -> String {
    let theirs = Browser::new(server);
    theirs.post("/sign-up", &[("name", "Bob"), ("email", CUSTOMER)]).await.is(200);
    let token = mailed(test, CUSTOMER).await.split_once('=').unwrap().1.to_owned();
    let waits = theirs.post("/confirm", &[("token", &token), ("password", PASSWORD)]).await;
    assert!(waits.status == 200 && waits.text.contains("looked at by a person here"), "{waits:?}");
    let olga = test.operator("olga@howdah.example").await;
    let actor = howdah_app::tokens::authenticate(&test.app, &olga.token).await.unwrap();
    sign_up::waiting(&test.app, &actor, Page { before: None, limit: 10 }).await.unwrap()[0].id.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_up_is_let_in_or_refused() {
    let (test, server) = Server::new().await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    assert!(operator.get("/operator/sign-ups").await.text.contains("Nobody waits"));
    upkeep::change_settings(&test.app, |it| it.sign_ups = "by_approval".to_owned()).await.unwrap();
    let id = waits(&test, &server).await;
    let list = operator.get("/operator/sign-ups").await.text;
    assert!(list.contains(CUSTOMER) && list.contains(&format!("/operator/sign-ups/{id}/approve")), "{list}");
    let approved = operator.post(&format!("/operator/sign-ups/{id}/approve"), &[]).await;
    assert_eq!((approved.status, approved.header("location")), (303, Some("/operator/sign-ups")));
    for decision in ["approve", "refuse"] {
        let again = operator.post(&format!("/operator/sign-ups/{id}/{decision}"), &[]).await;
        assert!(again.status == 422 && again.text.contains("This sign-up was approved before."), "{again:?}");
    }
    Browser::new(&server).sign_in(CUSTOMER).await;
    let missing = operator.post("/operator/sign-ups/0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d/approve", &[]).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removing_asks_for_the_domain_and_for_the_password() {
    let (test, server) = Server::new().await;
    let (id, _) = launched(&test, &server, "eve@birds.example", "birds.example").await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    let (page, there) = (format!("/operator/servers/{id}/remove"), format!("/operator/servers/{id}"));
    let revision = hidden(&operator.get(&page).await.text, "revision");
    let wrong = operator.post(&page, &[("revision", &revision), ("confirm", "fish.example")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("type its domain: birds.example"), "{wrong:?}");
    let removed = operator.post(&page, &[("revision", &revision), ("confirm", "birds.example")]).await;
    assert_eq!((removed.status, removed.header("location")), (303, Some(there.as_str())), "{removed:?}");
    let again = operator.post(&page, &[("revision", &revision), ("confirm", "birds.example")]).await;
    assert_eq!((again.status, again.header("location")), (303, Some(there.as_str())), "sent twice, it is one");
    let shown = operator.get(&there).await.text;
    assert!(shown.contains("Being removed") || shown.contains("Undo the closing or removing"), "{shown}");
    assert_eq!(operator.post(&format!("{there}/undo"), &[]).await.status, 303);
    let who = test.operator("second@howdah.example").await;
    let actor = howdah_app::tokens::authenticate(&test.app, &who.token).await.unwrap();
    assert!(instances::get(&test.app, &actor, id.parse().unwrap()).await.unwrap().leaving.is_none());
    test.clock.advance(howdah_app::sessions::RECENT + TimeDelta::seconds(1));
    let asked = operator.get(&page).await;
    assert!(asked.status == 303 && asked.header("location").unwrap().starts_with("/confirm-password"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mails_html_is_framed_by_our_pages_only_and_runs_nothing() {
    let (test, server) = Server::new().await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    let list = operator.get("/operator/mails").await.text;
    for preview in howdah_app::mails::previews(&test.app.config, "help@howdah.example") {
        let here = format!("/operator/mails/{}", preview.kind);
        assert!(list.contains(&format!("href=\"{here}\"")), "{here}");
        let page = operator.get(&here).await;
        page.is(200);
        assert!(page.text.contains(&format!("src=\"{here}/html\"")) && page.text.contains(" sandbox>"), "{page:?}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-src 'self'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        let html = operator.get(&format!("{here}/html")).await;
        let policy = html.is(200).header("content-security-policy").unwrap();
        assert!(policy.contains("sandbox") && policy.contains("frame-ancestors 'self'") && !policy.contains("script-src"), "{policy}");
        assert_eq!(html.header("x-frame-options"), Some("SAMEORIGIN"));
    }
    operator.get("/operator/mails/nothing").await.is(404);
    let (birds, _) = launched(&test, &server, "eve@birds.example", "birds.example").await;
    let led = operator.get(&format!("/operator/mails?reference={birds}")).await;
    assert_eq!(led.header("location"), Some(format!("/operator/servers/{birds}").as_str()));
    assert!(operator.get("/operator/mails?reference=nothing").await.text.contains("No mail has this reference"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_not_sent_any_more_says_why() {
    let (test, server) = Server::new().await;
    let operator = signed_in(&test, &server, OPERATOR, true).await;
    let conn = &mut test.database.conn().await;
    let mail = NewMail {
        id: rows::id(),
        purpose: "owner_link",
        person_id: None,
        recipient: "ada@birds.example",
        subject: "A new link",
        text_body: "",
        html_body: None,
        link: None,
        instance_id: None,
        link_version: Some(2),
        created_at: rows::now(),
    };
    mail.insert(conn).await.unwrap();
    let page = format!("/operator/mails/sent/{}", mail.id);
    assert!(operator.get(&page).await.is(200).text.contains("Waits"));
    Mail::dropped(conn, mail.id, "link_replaced", rows::now()).await.unwrap();
    let page = operator.get(&page).await;
    assert!(page.text.contains("Not sent any more") && page.text.contains("A newer link had taken the place"), "{page:?}");
}
