//! What people do with their own account.

use crate::support::Server;
use crate::support::browser::{Browser, hidden, somebody};

const EMAIL: &str = "ada@birds.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_shown_once_and_made_once() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    browser.sign_in(EMAIL).await;
    let key = hidden(&browser.get("/account/tokens").await.text, "key");
    let form = [("key", key.as_str()), ("name", "<script>backups"), ("read", "on"), ("days", "30")];
    let made = browser.post("/account/tokens", &form).await;
    let at = made.text.find("howdah_").unwrap_or_else(|| panic!("{made:?}"));
    let token: String = made.text[at..].chars().take_while(|it| it.is_ascii_alphanumeric() || "-_".contains(*it)).collect();
    assert!(!made.text.contains("<script>backups"));
    let known = |token: String| server.request(reqwest::Method::GET, "/api/v1/account").bearer_auth(token);
    server.send(known(token.clone())).await.is(200);

    let again = browser.post("/account/tokens", &form).await;
    assert_eq!((again.status, again.header("location")), (303, Some("/account/tokens")), "{again:?}");
    let list = browser.get("/account/tokens").await.text;
    assert!(list.contains("sent twice") && !list.contains(&token));
    assert_eq!(list.matches("&#60;script&#62;backups").count(), 1, "{list}");
    assert!(!browser.get("/account/tokens").await.text.contains("sent twice"), "said once");

    let revoke = list.split("action=\"").find(|it| it.contains("/revoke\"")).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(browser.post(&revoke, &[]).await.status, 303);
    server.send(known(token)).await.is_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_belongs_is_changed_only_with_the_password_just_given() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    browser.sign_in(EMAIL).await;
    assert_eq!(browser.get("/account/people").await.status, 200);
    test.clock.advance(howdah_app::sessions::RECENT + chrono::TimeDelta::seconds(1));
    let sent = browser.post("/account/people", &[("email", "eve@birds.example"), ("role", "owner")]).await;
    assert_eq!((sent.status, sent.header("location")), (303, Some("/account/people")), "{sent:?}");
    let asked = browser.get("/account/people").await;
    assert!(asked.status == 303 && asked.header("location").unwrap().starts_with("/confirm-password"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_stay_in_the_form() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    browser.sign_in(EMAIL).await;
    let key = hidden(&browser.get("/account/tokens").await.text, "key");
    let wrong = browser.post("/account/tokens", &[("key", &key), ("name", "")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("<title>Error") && wrong.text.contains(r#"id="mistakes""#));
    let wrong = browser.post("/account/security", &[("old_password", "not it at all"), ("new_password", "a new one of some length")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("not your password"), "{wrong:?}");
    let broken = browser.post("/account", &[("name", "a\0b")]).await;
    assert_eq!(broken.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_touches_somebody_elses() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    somebody(&test, "bob@birds.example", false).await;
    let (ada, bob) = (Browser::new(&server), Browser::new(&server));
    ada.sign_in(EMAIL).await;
    bob.sign_in("bob@birds.example").await;
    let (_, operation) = {
        let eve = test.customer("eve@birds.example").await;
        server.launch(&eve, "birds.example").await
    };
    let id = operation.rsplit('/').next().unwrap();
    for path in [format!("/operations/{id}"), format!("/operations/{id}/live"), "/operations/x".to_owned(), "/nothing/here".to_owned()] {
        assert_eq!(bob.get(&path).await.status, 404, "{path}");
    }
    for path in ["/account/sessions/x/end", "/account/tokens/x/revoke", "/account/people/x/role", "/account/invitations/x/withdraw"] {
        assert_eq!(bob.post(path, &[("role", "owner")]).await.status, 404, "{path}");
    }
    assert_eq!(ada.get("/account").await.status, 200);
}
