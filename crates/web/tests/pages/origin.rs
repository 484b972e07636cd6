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

/// Whatever is posted anywhere, signed in or not: in somebody's name, or to sign them in as somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_takes_what_another_page_sends() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, true).await;
    let (nobody, somebody) = (Browser::new(&server), Browser::new(&server));
    somebody.sign_in(EMAIL).await;
    let id = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";
    let paths = [
        "/sign-up /confirm /sign-in /sign-out /confirm-password /forgotten /reset /invitation",
        "/account /account/in-use /account/new-email /account/email /account/security /account/sessions/end-others /account/tokens",
        "/account/people /account/sessions/ID/end /account/tokens/ID/revoke /account/people/ID/role /account/people/ID/remove",
        "/account/invitations/ID/withdraw /servers/new /servers/new/check /servers/ID/owner-link /servers/ID/address/look",
        "/servers/ID/close /servers/ID/undo /operator/servers/ID/approve /operator/servers/ID/undo /operator/servers/ID/remove",
        "/operator/operations/ID/retry /operator/jobs/1/retry /operator/sign-ups/ID/approve /operator/sign-ups/ID/refuse",
        "/operator/settings /nothing/here /sign-in/code /account/second-factor/begin /account/second-factor/confirm",
        "/account/second-factor/codes /account/second-factor/off",
    ];
    for path in paths.join(" ").replace("ID", id).split(' ') {
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
