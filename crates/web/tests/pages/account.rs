//! What people do with their own account.

use crate::support::Server;
use crate::support::browser::{Browser, OWN, PASSWORD, hidden, link_to, mailed, somebody, token_in};

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
    let token = token_in(&made.text);
    assert!(!made.text.contains("<script>backups"));
    let known = |token: String| server.request(reqwest::Method::GET, "/api/v1/account").bearer_auth(token);
    server.send(known(token.clone())).await.is(200);

    let again = browser.post("/account/tokens", &form).await;
    assert_eq!((again.status, again.header("location")), (303, Some("/account/tokens")), "{again:?}");
    let list = browser.get("/account/tokens").await.text;
    assert!(list.contains("sent twice") && !list.contains(&token));
    assert_eq!(list.matches("<b>&#60;script&#62;backups</b>").count(), 1, "{list}");
    assert!(!browser.get("/account/tokens").await.text.contains("sent twice"), "said once");

    let revoke = link_to(&list, "/revoke");
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
async fn a_token_for_people_is_made_only_with_the_password_just_given() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    browser.sign_in(EMAIL).await;
    let key = hidden(&browser.get("/account/tokens").await.text, "key");
    let form = [("key", key.as_str()), ("name", "staff"), ("people", "on"), ("days", "7")];
    test.clock.advance(howdah_app::sessions::RECENT + chrono::TimeDelta::seconds(1));
    let asked = browser.post("/account/tokens", &form).await;
    assert!(asked.status == 303 && asked.header("location").unwrap().starts_with("/confirm-password"), "{asked:?}");
    browser.post("/confirm-password", &[("password", PASSWORD), ("next", "/account/tokens")]).await.is(303);
    let made = browser.post("/account/tokens", &form).await;
    let token = token_in(&made.text);
    let people = server.request(reqwest::Method::GET, "/api/v1/people").bearer_auth(token);
    assert_eq!(server.send(people).await.is(200).json()["items"][0]["email"], EMAIL);
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
async fn sessions_are_called_as_people_call_their_browsers() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    let agents = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36",
        "\"><script>alert(1)</script>",
    ];
    for agent in agents {
        let there = Browser::new(&server);
        let headers = [OWN, &[("User-Agent", agent)]].concat();
        let form = [("email", EMAIL), ("password", PASSWORD)];
        assert_eq!(there.send(reqwest::Method::POST, "/sign-in", &headers, Some(&form)).await.status, 303);
    }
    browser.sign_in(EMAIL).await;
    let page = browser.get("/account/security").await.text;
    for words in [">Firefox on Linux<", ">Chrome on Android<", ">Unknown browser<", "rv:146.0) Gecko/20100101 Firefox/146.0\">"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<script>alert"), "{page}");
    assert_eq!(page.matches(">Unknown browser<").count(), 2, "the tests' own too");
}

/// What is read of a page between the navigation and the footer.
fn words_of(page: &str) -> String {
    let main = page.split_once("<main").unwrap().1.split("</main>").next().unwrap();
    main.split('<').filter_map(|it| it.split_once('>')).map(|(_, text)| text).collect::<Vec<_>>().join(" ")
}

/// An address is a server's; a person has an e-mail address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_of_people_are_told_from_those_of_servers() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let (stranger, browser) = (Browser::new(&server), Browser::new(&server));
    let mut pages = Vec::new();
    for path in ["/sign-in", "/sign-up", "/forgotten"] {
        pages.push(stranger.get(path).await.is(200).clone());
    }
    pages.push(stranger.post("/sign-up", &[("name", "Bob"), ("email", "bob@birds.example")]).await.is(200).clone());
    let link = mailed(&test, "bob@birds.example").await;
    pages.push(stranger.get(&link).await.is(200).clone());
    browser.sign_in(EMAIL).await;
    for path in ["/account", "/account/security", "/account/tokens", "/account/people"] {
        pages.push(browser.get(path).await.is(200).clone());
    }
    browser.post("/account/new-email", &[("email", "ada@fish.example"), ("password", PASSWORD)]).await.is(303);
    pages.push(browser.get("/account").await.is(200).clone());
    let link = mailed(&test, "ada@fish.example").await;
    pages.push(browser.get(&link).await.is(200).clone());
    pages.push(browser.post("/account/new-email", &[("email", EMAIL), ("password", PASSWORD)]).await.is(422).clone());
    let mut found = 0;
    for page in &pages {
        let flash = page.text.split_once("id=\"flash\"").unwrap().1.split("</div>").next().unwrap();
        let words = format!("{} {flash}", words_of(&page.text)).to_lowercase();
        for (at, _) in words.match_indices("address") {
            assert!(words[..at].ends_with("e-mail "), "{words}");
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
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
