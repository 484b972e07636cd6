//! Bad days: the database away while pages are open, too many requests, a stream that is cut.

use std::num::NonZeroU32;
use std::time::Duration;

use howdah_app::App;
use howdah_db::Database;
use howdah_testkit::app::TestApp;
use howdah_testkit::proxy::{Mood, Proxy};
use howdah_testkit::wait::wait_for;
use tokio::runtime::Handle;

use crate::support::browser::{Browser, somebody};
use crate::support::{Server, settings};

const EMAIL: &str = "ada@birds.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_pages_say_so_and_look_again() {
    let test = TestApp::new().await;
    somebody(&test, EMAIL, false).await;
    let (proxy, url) = Proxy::before(test.database.url()).await;
    let app = App { database: Database::open(&url, 4, Handle::current()).unwrap(), ..test.app.clone() };
    let server = Server::of(app, &settings());
    let browser = Browser::new(&server);
    browser.sign_in(EMAIL).await;
    proxy.set(Mood::Gone);
    let away = browser.get("/account").await;
    assert_eq!(away.status, 503, "{away:?}");
    assert!(away.header("retry-after").is_some() && away.text.contains(r#"http-equiv="refresh""#));
    assert!(away.text.contains("support@howdah.localhost") && away.text.contains("Reference"));
    assert_eq!(browser.get("/").await.status, 200, "what needs no record is there");
    assert!(browser.get("/status").await.text.contains("Does not answer"));
    let posted = browser.post("/account", &[("name", "Ada")]).await;
    assert!(posted.status == 503 && !posted.text.contains("http-equiv"), "a form is not sent again by itself");
    proxy.set(Mood::Well);
    wait_for("who was signed in to be so again", Duration::from_secs(5), async || {
        (browser.get("/account").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_much_is_told_how_long_to_wait() {
    let test = TestApp::new().await;
    let few = howdah_web::Rate { burst: NonZeroU32::new(2).unwrap(), per_second: NonZeroU32::MIN };
    let server = Server::of(test.app.clone(), &howdah_web::Settings { address_rate: few, ..settings() });
    let browser = Browser::new(&server);
    for _ in 0..2 {
        browser.get("/plans").await.is(200);
    }
    let refused = browser.get("/plans").await;
    assert_eq!((refused.status, refused.header("content-type")), (429, Some("text/html; charset=utf-8")));
    assert!(refused.header("retry-after").is_some() && refused.text.contains("Too many requests"));
    browser.get("/api/v1/plans").await.is_problem(429, "rate_limited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_page_shows_what_changed_and_asks_by_itself_without_scripts() {
    let (test, server) = Server::new().await;
    let ada = test.customer("eve@birds.example").await;
    let (_, operation) = server.launch(&ada, "birds.example").await;
    let id = operation.rsplit('/').next().unwrap();
    somebody(&test, EMAIL, true).await;
    let browser = Browser::new(&server);
    browser.sign_in(EMAIL).await;
    let page = browser.get(&format!("/operations/{id}")).await;
    assert!(page.status == 200 && page.text.contains(r#"<noscript><meta http-equiv="refresh""#), "{page:?}");
    assert!(page.text.contains(&format!(r#"data-hx-sse-connect="/operations/{id}/live""#)));

    let cookie = browser.cookie("__Host-howdah").unwrap();
    let live =
        || server.request(reqwest::Method::GET, &format!("/operations/{id}/live")).header("Cookie", format!("__Host-howdah={cookie}"));
    let mut stream = live().header("Accept", "text/event-stream").send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = String::from_utf8(stream.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.starts_with("id: ") && first.contains("data-title="), "{first}");
    browser.post("/account/sessions/end-others", &[]).await;
    browser.post("/sign-out", &[]).await;
    let rest = tokio::time::timeout(Duration::from_secs(15), async { while stream.chunk().await.ok().flatten().is_some() {} });
    rest.await.expect("a stream ends with its session");
    assert_eq!(live().header("Accept", "text/event-stream").send().await.unwrap().status(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_page_shows_nothing_new_once_its_session_ended_or_has_other_rights() {
    let revoked = "UPDATE sessions SET revoked_at = created_at";
    for change in [revoked, "UPDATE people SET is_operator = false"] {
        let (test, server) = Server::new().await;
        let eve = test.customer("eve@birds.example").await;
        let (instance, _) = server.launch(&eve, "birds.example").await;
        let id = instance.rsplit('/').next().unwrap();
        somebody(&test, EMAIL, true).await;
        let browser = Browser::new(&server);
        browser.sign_in(EMAIL).await;
        let cookie = browser.cookie("__Host-howdah").unwrap();
        let request = server.request(reqwest::Method::GET, &format!("/operator/servers/{id}/live"));
        let request = request.header("Cookie", format!("__Host-howdah={cookie}")).header("Accept", "text/event-stream");
        let (mut stream, mut first) = (request.send().await.unwrap(), Vec::new());
        // A whole server is more than one chunk.
        while !first.ends_with(b"\n\n") {
            first.extend_from_slice(&stream.chunk().await.unwrap().unwrap());
        }
        assert!(first.starts_with(b"id: "), "{}", String::from_utf8_lossy(&first));
        test.database.execute(change).await;
        test.database.execute("UPDATE instances SET revision = revision + 1").await;
        let mut rest = String::new();
        let end = async {
            while let Some(chunk) = stream.chunk().await.ok().flatten() {
                rest.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(15), end).await.expect("the stream ends");
        assert_eq!(rest, "", "{change}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_finds_a_failed_request_by_its_reference() {
    let test = TestApp::new().await;
    somebody(&test, EMAIL, false).await;
    somebody(&test, "ops@howdah.example", true).await;
    let server = Server::of(test.app.clone(), &settings());
    let (browser, operator) = (Browser::new(&server), Browser::new(&server));
    browser.sign_in(EMAIL).await;
    operator.sign_in("ops@howdah.example").await;
    test.database.execute("ALTER TABLE api_tokens RENAME TO moved_away").await;
    let failed = browser.get("/account/tokens").await;
    assert!(failed.status == 500 && !failed.text.contains("api_tokens"), "{failed:?}");
    let reference = failed.text.split("<dt>Reference</dt><dd><code>").nth(1).and_then(|it| it.split('<').next()).unwrap();

    let led = operator.get(&format!("/operator?q={reference}")).await;
    let found = operator.get(led.header("location").unwrap()).await;
    found.is(200);
    assert!(found.text.contains("GET /account/tokens") && found.text.contains(EMAIL) && found.text.contains("api_tokens"), "{found:?}");
    browser.get(led.header("location").unwrap()).await.is(404);
}
