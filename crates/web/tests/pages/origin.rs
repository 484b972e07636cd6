//! Nobody else's page does anything in a person's name.

use reqwest::Method;

use crate::support::Server;
use crate::support::browser::{Browser, PASSWORD, somebody};

const EMAIL: &str = "ada@birds.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_posts_change_nothing() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    browser.sign_in(EMAIL).await;
    let forged: [&[(&str, &str)]; 6] = [
        &[],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", "https://birds.howdah.localhost")],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", "https://howdah.localhost")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
    ];
    for headers in forged {
        let answer = browser.send(Method::POST, "/account", headers, Some(&[("name", "Mallory")])).await;
        assert!(answer.status == 403 && answer.text.contains("not sent by a page of ours"), "{headers:?}: {answer:?}");
    }
    assert!(!browser.get("/account").await.text.contains("Mallory"));
    for headers in [&[("Sec-Fetch-Site", "same-origin")][..], &[("Origin", "https://howdah.localhost")]] {
        let answer = browser.send(Method::POST, "/account", headers, Some(&[("name", "Ada Lovelace")])).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/account")), "{headers:?}");
    }
    assert!(browser.get("/account").await.text.contains("Ada Lovelace"));
}

/// Every address of ours that takes a post, as the routes say it, with `id` for whatever stands in braces.
fn posts(id: &str) -> Vec<String> {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages")];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let resources = source.split("resource(").skip(1).filter(|it| it.contains("Method::POST"));
            paths.extend(resources.map(|it| filled(it.split('"').nth(1).unwrap(), id)));
        }
    }
    paths.sort();
    paths
}

fn filled(pattern: &str, id: &str) -> String {
    let part = |it: &str| if it.starts_with('{') { id.to_owned() } else { it.to_owned() };
    pattern.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Whatever is posted anywhere, signed in or not: in somebody's name, or to sign them in as somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_takes_what_another_page_sends() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, true).await;
    let (nobody, somebody) = (Browser::new(&server), Browser::new(&server));
    somebody.sign_in(EMAIL).await;
    let id = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";
    let paths = posts(id);
    for known in
        ["/sign-in", "/account/people/ID/role", "/servers/ID/close/now", "/servers/ID/owner-link/new", "/operator/servers/ID/adopt"]
    {
        assert!(paths.contains(&known.replace("ID", id)), "{known} is not among {paths:?}");
    }
    for path in paths.iter().map(String::as_str).chain(["/nothing/here"]) {
        // What is in the list is there, and takes a post of ours: 404 is of the id alone.
        if path != "/nothing/here" {
            assert_ne!(nobody.post(path, &[]).await.status, 405, "{path}");
        }
        for site in ["cross-site", "same-site"] {
            for browser in [&nobody, &somebody] {
                let headers = [("Sec-Fetch-Site", site), ("Origin", "https://birds.howdah.localhost")];
                let form = [("email", EMAIL), ("password", PASSWORD), ("confirm", "birds.example")];
                let answer = browser.send(Method::POST, path, &headers, Some(&form)).await;
                assert!(answer.status == 403 && answer.text.contains("not sent by a page of ours"), "{path} {site}: {answer:?}");
            }
        }
    }
    assert_eq!(nobody.cookie("__Host-howdah"), None);
    somebody.get("/account").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_opens_no_api_and_a_token_no_page() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    browser.sign_in(EMAIL).await;
    browser.get("/api/v1/account").await.is_problem(401, "unauthenticated");
    browser.post("/api/v1/tokens", &[("name", "x")]).await.is_problem(401, "unauthenticated");
    let ada = test.customer("bob@birds.example").await;
    let page = server.get(&ada, "/account").await;
    assert!(page.text.contains("Sign in"), "{page:?}");
}
