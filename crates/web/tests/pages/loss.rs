//! What one click would lose is named first, with a way back; only the button there does it.

use chrono::TimeDelta;
use howdah_app::{sessions, upkeep};
use howdah_db::models::person::Person;

use super::diverged::diverge;
use super::servers::{NAME, finish_launch, launch};
use crate::support::Server;
use crate::support::browser::{Browser, PASSWORD, hidden, link_to, mailed, somebody};

const EMAIL: &str = "ada@birds.example";

/// The page that a link of `list` which ends so leads to: it names each of these, its form is posted to itself, its way back leads to
/// the list, and to open it changes nothing.
async fn asked(browser: &Browser<'_>, list: &str, end: &str, names: &[&str]) -> String {
    let link = link_to(&browser.get(list).await.is(200).text, end);
    let page = browser.get(&link).await.is(200).text.clone();
    for part in ["What goes", "What stays", "The way back", &format!("action=\"{link}\""), &format!("quiet\" href=\"{list}\"")] {
        assert!(page.contains(part), "{link} lacks {part}: {page}");
    }
    for name in names {
        assert!(page.contains(name), "{link} does not name {name}: {page}");
    }
    assert_eq!(link_to(&browser.get(list).await.is(200).text, end), link, "it was done by looking");
    link
}

async fn done(browser: &Browser<'_>, link: &str, form: &[(&str, &str)], leads_to: &str, says: &str) {
    let sent = browser.post(link, form).await;
    assert_eq!((sent.status, sent.header("location")), (303, Some(leads_to)), "{sent:?}");
    let after = browser.get(leads_to).await.text;
    assert!(after.contains(says) && !after.contains(&format!("\"{link}\"")), "{after}");
    browser.get(link).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_account() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let (ada, elsewhere) = (Browser::new(&server), Browser::new(&server));
    ada.sign_in(EMAIL).await;
    elsewhere.sign_in(EMAIL).await;

    let security = "/account/security";
    let all = asked(&ada, security, "/end-others", &["End all your other sessions?", "Every browser but this one"]).await;
    let end = asked(&ada, security, "/end", &["Unknown browser", "from 127.0.0.1"]).await;
    done(&ada, &end, &[], security, "That session is ended").await;
    assert_eq!(elsewhere.get("/account").await.status, 303, "it is signed out");
    assert_eq!(ada.post(&all, &[]).await.status, 303);
    assert_eq!(Browser::new(&server).get(&all).await.status, 303, "nobody's page");

    super::passkeys::add(&ada, &mut super::passkeys::device(), "The phone").await.is(200);
    let names = ["Remove the passkey “The phone”?", "never used", "your last second factor", "your recovery codes are good no more"];
    let remove = asked(&ada, security, "/remove", &names).await;
    test.clock.advance(sessions::RECENT);
    assert!(ada.get(&remove).await.header("location").is_some_and(|it| it.starts_with("/confirm-password?next=")));
    assert!(ada.post(&remove, &[]).await.header("location").is_some_and(|it| it.starts_with("/confirm-password?next=")));
    test.clock.advance(-sessions::RECENT);
    done(&ada, &remove, &[], security, "The passkey is removed").await;

    ada.make_token(&["read", "write"]).await;
    let tokens = "/account/tokens";
    let revoke = asked(&ada, tokens, "/revoke", &["Revoke the API token “tests”?", "it may: read, write", "never used"]).await;
    done(&ada, &revoke, &[], tokens, "The token is revoked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_people() {
    let (test, server) = Server::new().await;
    somebody(&test, EMAIL, false).await;
    let (ada, bob) = (Browser::new(&server), Browser::new(&server));
    ada.sign_in(EMAIL).await;
    let people = "/account/people";
    let invite = async |email: &str| {
        let key = hidden(&ada.get(people).await.text, "key");
        ada.post(people, &[("key", &key), ("email", email), ("role", "technical")]).await.is(303);
        mailed(&test, email).await.split_once('=').unwrap().1.to_owned()
    };
    invite("eve@fish.example").await;
    let withdraw = asked(&ada, people, "/withdraw", &["Withdraw the invitation of eve@fish.example?"]).await;
    done(&ada, &withdraw, &[], people, "The invitation is withdrawn").await;

    let token = invite("bob@cats.example").await;
    bob.post("/invitation", &[("token", &token), ("name", "Bob"), ("password", PASSWORD)]).await.is(303);
    let bobs = Person::by_email(&mut *test.database.conn().await, "bob@cats.example").await.unwrap().unwrap().id;
    let remove =
        asked(&ada, people, &format!("/{bobs}/remove"), &["Remove Bob from Ada?", "bob@cats.example", "tokens for it are revoked"]).await;
    bob.sign_in("bob@cats.example").await;
    asked(&bob, people, "/remove", &["Leave Ada?", "Only by an owner"]).await;
    test.clock.advance(sessions::RECENT + TimeDelta::seconds(1));
    let first = ada.get(&remove).await;
    assert!(first.header("location").is_some_and(|it| it.starts_with("/confirm-password?next=")), "{first:?}");
    ada.post("/confirm-password", &[("password", PASSWORD), ("next", &remove)]).await.is(303);
    done(&ada, &remove, &[], people, "no longer belongs to the account").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_operators() {
    let (test, server) = Server::new().await;
    upkeep::change_settings(&test.app, |it| it.sign_ups = "by_approval".to_owned()).await.unwrap();
    let dan = Browser::new(&server);
    dan.post("/sign-up", &[("name", "Dan"), ("email", "dan@frogs.example")]).await.is(200);
    let token = mailed(&test, "dan@frogs.example").await.split_once('=').unwrap().1.to_owned();
    dan.post("/confirm", &[("token", &token), ("password", PASSWORD)]).await.is(200);
    let ada = super::servers::ada(&test, &server).await;
    let id = launch(&ada).await;
    diverge(&test, id, |_| {}).await;
    somebody(&test, "op@howdah.example", true).await;
    let operator = Browser::new(&server);
    operator.sign_in("op@howdah.example").await;

    let refuse = asked(&operator, "/operator/sign-ups", "/refuse", &["Refuse Dan?", "dan@frogs.example", "A mail tells them"]).await;
    ada.get(&refuse).await.is(404);
    operator.post(&refuse, &[]).await.is(303);
    assert!(operator.get(&refuse).await.is(409).text.contains("This sign-up was refused before."));

    let compare = format!("/operator/servers/{id}/diverged");
    let names = ["Overwrite what the cluster has of frogs.fedi.localhost?", "image.mastodon", "it may not start"];
    let overwrite = asked(&operator, &compare, "/overwrite", &names).await;
    let revision = hidden(&operator.get(&overwrite).await.text, "revision");
    operator.post(&overwrite, &[("revision", &revision)]).await.is(303);
    assert_eq!(operator.get(&overwrite).await.header("location"), Some(compare.as_str()), "there is nothing to overwrite");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_is_being_taken_along() {
    let (test, server) = Server::new().await;
    let ada = super::servers::ada(&test, &server).await;
    let id = launch(&ada).await;
    finish_launch(&test, id).await;
    let here = format!("/servers/{NAME}/take-along");
    let key = hidden(&ada.get(&here).await.text, "key");
    ada.post(&here, &[("key", &key), ("make_key", "on")]).await.is(200);
    let cancel = asked(&ada, &here, "/cancel", &["Cancel taking frogs.fedi.localhost along?", "every bundle that is whole"]).await;
    assert_eq!(ada.post(&cancel, &[]).await.header("location"), Some(here.as_str()));
    assert_eq!(ada.get(&cancel).await.header("location"), Some(here.as_str()), "it has ended");
}
