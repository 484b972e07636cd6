//! Nobody else's page does anything in a person's name.

use reqwest::Method;

use crate::support::Server;
use crate::support::browser::{Browser, somebody};

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
