//! Signing in and out, up, and the links of mails.

use howdah_testkit::app::TestApp;
use reqwest::Method;

use crate::support::browser::{Browser, OWN, PASSWORD, hidden, mailed, somebody};
use crate::support::{Answer, Server, settings};

const EMAIL: &str = "ada@birds.example";
const COOKIE: &str = "__Host-howdah";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_is_in_a_cookie_that_only_we_get() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    let answer = browser.post("/sign-in", &[("email", EMAIL), ("password", PASSWORD), ("next", "/account")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/account")));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-howdah=") && !cookie.contains("Domain"), "{cookie}");
    for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(flag), "{flag}: {cookie}");
    }
    let first = browser.cookie(COOKIE).unwrap();
    browser.post("/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_ne!(browser.cookie(COOKIE).unwrap(), first, "a new one at each sign-in");
    let before = Browser::new(&server);
    before.keep(COOKIE, &first);
    assert_eq!(before.get("/account").await.status, 303, "and the one before is ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_sent_to_sign_in_comes_back_and_nowhere_else() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    let sent = browser.get("/account/tokens?limit=5").await;
    assert_eq!((sent.status, sent.header("location")), (303, Some("/sign-in?next=%2Faccount%2Ftokens%3Flimit%3D5")));
    let form = browser.get("/sign-in?next=%2Faccount%2Ftokens%3Flimit%3D5").await;
    assert!(form.text.contains(r#"value="/account/tokens?limit=5""#), "{form:?}");
    for evil in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let answer = browser.post("/sign-in", &[("email", EMAIL), ("password", PASSWORD), ("next", evil)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/servers")), "{evil}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_was_ended_elsewhere_is_over() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let (here, there) = (Browser::new(&server), Browser::new(&server));
    here.sign_in(EMAIL).await;
    there.sign_in(EMAIL).await;
    assert_eq!(here.get("/account").await.status, 200);
    let ended = there.post("/account/sessions/end-others", &[]).await;
    assert_eq!(ended.header("location"), Some("/account/security"));
    let refused = here.post("/account", &[("name", "Too late")]).await;
    assert_eq!((refused.status, refused.header("location")), (303, Some("/sign-in")));
    assert_eq!(here.cookie(COOKIE), None, "the browser forgets it");
    assert!(here.get("/sign-in").await.text.contains("was not done"));
    assert!(!there.get("/account").await.text.contains("Too late"));
    there.post("/sign-out", &[]).await;
    assert_eq!(there.get("/account").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_ends_soon() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    let mut last = None;
    for _ in 0..40 {
        let answer = browser.post("/sign-in", &[("email", EMAIL), ("password", "wrong wrong wrong")]).await;
        let status = answer.status;
        last = Some(answer);
        if status == 429 {
            break;
        }
        assert_eq!(status, 422);
    }
    let last = last.unwrap();
    assert_eq!(last.status, 429, "{last:?}");
    assert!(last.header("retry-after").is_some() && last.text.contains("support@howdah.localhost"));
    // The tests' clock stands at 12:00: fifteen minutes and a second end within the minute after 12:15.
    for words in [
        "<h1>Too many wrong passwords</h1>",
        "in 16 minutes</time>",
        "22 November 2026, 12:16 UTC",
        r#"href="/forgotten">Set a new password<"#,
    ] {
        assert!(last.text.contains(words), "{words}: {last:?}");
    }
    assert!(!last.text.contains("requests"), "who types a password sends no requests: {last:?}");
    let right = browser.post("/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(right.status, 429, "nor does the right one tell them");
}

/// Behind a proxy that says where each comes from.
fn behind_a_proxy(test: &TestApp) -> Server {
    Server::of(test.app.clone(), &howdah_web::Settings { trusts_forwarded: true, ..settings() })
}

async fn from(browser: &Browser<'_>, place: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    let headers = [OWN, &[("X-Forwarded-For", place)]].concat();
    browser.send(Method::POST, path, &headers, Some(form)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_locks_nobody_out() {
    let test = TestApp::new().await;
    let server = behind_a_proxy(&test);
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    for place in ["198.51.100.1", "2001:db8:1:2::7"] {
        for guess in 0..10 {
            let wrong = from(&browser, place, "/sign-in", &[("email", EMAIL), ("password", "wrong wrong wrong")]).await;
            assert_eq!(wrong.status, 422, "{place} {guess}");
        }
        let refused = from(&browser, place, "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
        assert_eq!(refused.status, 429, "{place}");
    }
    let refused = from(&browser, "2001:db8:1:2:ffff::1", "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 429, "the same network");
    let right = from(&browser, "192.0.2.7", "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!((right.status, right.header("location")), (303, Some("/servers")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_links_and_guessing_them_ends_soon() {
    let test = TestApp::new().await;
    let server = behind_a_proxy(&test);
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    for email in [EMAIL, "nobody@birds.example"] {
        for ask in 0..7 {
            let asked = from(&browser, "198.51.100.1", "/forgotten", &[("email", email)]).await;
            assert_eq!(asked.status, if ask < 3 { 200 } else { 429 }, "{email} {ask}");
        }
        assert_eq!(from(&browser, "192.0.2.7", "/forgotten", &[("email", email)]).await.status, 200, "others are not in the way");
    }
    let token = mailed(&test, EMAIL).await.split_once('=').unwrap().1.to_owned();
    for guess in [&token[1..], &token.to_lowercase(), &format!("{token}A"), "", "%"] {
        let set = from(&browser, "198.51.100.1", "/reset", &[("token", guess), ("password", "the words of a stranger")]).await;
        assert_eq!(set.status, 410, "{guess}");
    }
    assert_eq!(from(&browser, "192.0.2.7", "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_up_tells_nobody_who_is_known_here() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let browser = Browser::new(&server);
    let ask = async |email: &str| {
        let form = [("name", "Ada"), ("email", email), ("account_name", "")];
        let answer = browser.post("/sign-up", &form).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text.replace(email, "…").split("<main").nth(1).unwrap().to_owned()
    };
    assert_eq!(ask(EMAIL).await, ask("new@birds.example").await);
    let wrong = browser.post("/sign-up", &[("name", "<b>Ada</b>"), ("email", "nobody")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains(r##"href="#email""##) && wrong.text.contains(r#"aria-describedby="email-hint email-error""#));
    assert!(wrong.text.contains("&#60;b&#62;Ada") && !wrong.text.contains("<b>Ada"), "what was typed is kept, as text");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_opens_nothing_says_so() {
    let (_test, server) = Server::new().await;
    let browser = Browser::new(&server);
    for path in ["/confirm?token=nobody", "/reset?token=", "/invitation?token=%00", "/account/email?token=x"] {
        let answer = browser.get(path).await;
        assert!(answer.status == 410 || answer.status == 303, "{path}: {answer:?}");
    }
    let posted = browser.post("/confirm", &[("token", "nobody")]).await;
    assert!(posted.status == 410 && posted.text.contains("This link opens nothing"), "{posted:?}");
    let forged = browser.send(Method::POST, "/confirm", &[], Some(&[("token", "nobody")])).await;
    assert_eq!(forged.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_the_mail_chooses_the_password() {
    let (test, server) = Server::new().await;
    let (stranger, owner) = (Browser::new(&server), Browser::new(&server));
    // As a stranger sends it who hopes that the owner of the address only clicks.
    let form = [("name", "Ada"), ("email", EMAIL), ("account_name", ""), ("password", "the words of a stranger")];
    stranger.post("/sign-up", &form).await.is(200);
    let link = mailed(&test, EMAIL).await;
    let page = owner.get(&link).await;
    assert!(page.text.contains(r#"autocomplete="new-password""#), "{page:?}");
    let token = hidden(&page.text, "token");
    let choose = async |password: &str| owner.post("/confirm", &[("token", token.as_str()), ("password", password)]).await;
    for (password, why) in [("", "at least 12"), ("short", "at least 12"), (EMAIL, "guesser")] {
        let refused = choose(password).await;
        assert!(refused.status == 422 && refused.text.contains(r#"id="password-error""#), "{refused:?}");
        assert!(refused.text.contains(why) && refused.text.contains("<title>Error"), "{refused:?}");
        assert_eq!(hidden(&refused.text, "token"), token, "the link is still good");
    }
    let entered = choose(PASSWORD).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/servers")), "{entered:?}");
    let servers = owner.get("/servers").await;
    assert!(servers.status == 200 && servers.text.contains("you are signed in"), "{servers:?}");

    let theirs = stranger.post("/sign-in", &[("email", EMAIL), ("password", "the words of a stranger")]).await;
    assert!(theirs.status == 422 && stranger.cookie(COOKIE).is_none(), "{theirs:?}");
    owner.post("/sign-out", &[]).await;
    owner.sign_in(EMAIL).await;
    let used = stranger.get(&link).await;
    assert!(used.status == 410 && used.text.contains("This link was used already"), "{used:?}");
}
