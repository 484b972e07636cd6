//! What every page has.

use reqwest::Method;

use crate::support::Server;
use crate::support::browser::{Browser, somebody};

const EMAIL: &str = "ada@birds.example";
const PUBLIC: &[&str] = &["/", "/plans", "/status", "/docs/api", "/sign-up", "/sign-in", "/forgotten", "/nothing", "/confirm?token=x"];
const OWN: &[&str] = &[
    "/account",
    "/account/security",
    "/account/second-factor",
    "/account/passkeys/new",
    "/account/tokens",
    "/account/people",
    "/account/activity",
    "/confirm-password",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_runs_nothing_but_ours() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    let mut pages = Vec::new();
    for path in PUBLIC {
        pages.push((*path, browser.get(path).await));
    }
    browser.sign_in(EMAIL).await;
    for path in OWN {
        pages.push((path, browser.get(path).await.is(200).clone()));
    }
    for (path, page) in pages {
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(page.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let html = &page.text;
        for inline in ["style=\"", "onclick", "<style", "javascript:", "http://", "src=\"https:", "<script>"] {
            assert!(!html.contains(inline), "{path} has {inline}");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        assert!(html.contains("Not affiliated with Mastodon gGmbH.") && html.contains("Skip to content"), "{path}");
        assert!(html.contains("support@howdah.localhost"), "{path}");
        assert!(!html.contains("<title></title>") && html.contains("<title>"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pages_load_is_there_for_ever_and_packed() {
    let (_test, server) = Server::new().await;
    let browser = Browser::new(&server);
    let home = browser.get("/").await;
    let urls: Vec<&str> = home.text.split('"').filter(|it| it.starts_with("/assets/")).collect();
    assert_eq!(urls.len(), 3, "{urls:?}");
    for url in urls {
        let packed = browser.send(Method::GET, url, &[("Accept-Encoding", "gzip")], None).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, Some("gzip")), "{url}");
        assert_eq!(packed.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(browser.get(url).await.header("content-encoding"), None);
    }
    assert_eq!(browser.get("/assets/style.css").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_are_pages_for_people_and_json_for_programs() {
    let (_test, server) = Server::new().await;
    let browser = Browser::new(&server);
    let page = browser.get("/nothing").await;
    assert!(page.status == 404 && page.text.contains("Reference") && page.text.contains("<h1>Not found</h1>"), "{page:?}");
    assert_eq!(browser.get("/%ff%fe").await.status, 404);
    browser.get("/api/v1/nothing").await.is_problem(404, "not_found");
    let wrong = browser.post("/plans", &[]).await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD")));
}
