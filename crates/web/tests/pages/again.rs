//! What is sent twice, too late, or from a page that is old.

use chrono::TimeDelta;
use howdah_app::upkeep;
use howdah_db::models::account::Membership;
use howdah_db::models::instance::Instance;
use howdah_db::models::mail::Mail;
use howdah_db::models::person::Person;
use howdah_domain::InstanceId;
use howdah_testkit::app::TestApp;

use crate::support::browser::{Browser, PASSWORD, hidden, mailed, somebody};
use crate::support::{Answer, Server};

const ADA: &str = "ada@birds.example";
const BOB: &str = "bob@cats.example";

async fn ada<'a>(test: &TestApp, server: &'a Server) -> Browser<'a> {
    somebody(test, ADA, false).await;
    let browser = Browser::new(server);
    browser.sign_in(ADA).await;
    browser
}

/// How many mails of this kind were written.
async fn mails(test: &TestApp, kind: &str) -> usize {
    Mail::waiting(&mut *test.database.conn().await, 100).await.unwrap().iter().filter(|it| it.purpose == kind).count()
}

fn says(answer: &Answer, status: u16, words: &str) {
    assert!(answer.status == status && answer.text.contains(words), "{words}: {answer:?}");
}

fn leads(answer: &Answer, to: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, Some(to)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmation_is_good_for_a_day() {
    let (test, server) = Server::new().await;
    let browser = Browser::new(&server);
    browser.post("/sign-up", &[("name", "Ada"), ("email", ADA)]).await.is(200);
    let link = mailed(&test, ADA).await;
    let token = hidden(&browser.get(&link).await.text, "token");
    test.clock.advance(TimeDelta::hours(24));
    says(&browser.get(&link).await, 410, "This link was good until");
    says(&browser.post("/confirm", &[("token", &token), ("password", PASSWORD)]).await, 410, "Sign up again");
    let nobody = browser.post("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    says(&nobody, 422, "The e-mail address or the password is wrong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_a_new_password_is_good_once_and_for_an_hour() {
    let (test, server) = Server::new().await;
    let there = ada(&test, &server).await;
    let browser = Browser::new(&server);
    browser.post("/forgotten", &[("email", ADA)]).await.is(200);
    let late = mailed(&test, ADA).await;
    let set = async |link: &str, password: &str| {
        browser.post("/reset", &[("token", link.split_once('=').unwrap().1), ("password", password)]).await
    };
    test.clock.advance(TimeDelta::hours(1));
    says(&browser.get(&late).await, 410, "This link was good until");
    says(&set(&late, "four other words here").await, 410, "Ask for a new one");
    test.clock.advance(TimeDelta::seconds(1));
    browser.post("/forgotten", &[("email", ADA)]).await.is(200);
    let link = mailed(&test, ADA).await;
    says(&set(&link, "short").await, 422, "at least 12 characters");
    there.get("/account").await.is(200);
    leads(&set(&link, "four other words here").await, "/sign-in");
    says(&set(&link, "four words of a thief").await, 410, "This link was used already");
    says(&browser.get(&link).await, 410, "This link was used already");
    assert_eq!(there.get("/account").await.status, 303, "every session has ended");
    leads(&browser.post("/sign-in", &[("email", ADA), ("password", "four other words here")]).await, "/servers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_good_once_and_for_a_week() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let bob = Browser::new(&server);
    let invite = async || {
        let key = hidden(&ada.get("/account/people").await.text, "key");
        leads(&ada.post("/account/people", &[("key", &key), ("email", BOB), ("role", "technical")]).await, "/account/people");
        mailed(&test, BOB).await
    };
    let accept = async |link: &str| {
        let form = [("token", link.split_once('=').unwrap().1), ("name", "Bob"), ("password", PASSWORD)];
        bob.post("/invitation", &form).await
    };
    let withdrawn = invite().await;
    let list = ada.get("/account/people").await.text;
    let path = list.split('"').find(|it| it.ends_with("/withdraw")).unwrap().to_owned();
    leads(&ada.post(&path, &[]).await, "/account/people");
    leads(&ada.post(&path, &[]).await, "/account/people");
    says(&bob.get(&withdrawn).await, 410, "This invitation was withdrawn");
    says(&accept(&withdrawn).await, 410, "This invitation was withdrawn");
    let link = invite().await;
    leads(&accept(&link).await, "/sign-in");
    says(&accept(&link).await, 410, "This link was used already");
    assert_eq!(mails(&test, "member_joined").await, 2, "of one who joined once");
    bob.sign_in(BOB).await;

    let list = ada.get("/account/people").await.text;
    let path = list.split('"').find(|it| it.ends_with("/remove") && !it.contains(&own_id(&list))).unwrap().to_owned();
    leads(&ada.post(&path, &[]).await, "/account/people");
    leads(&ada.post(&path, &[]).await, "/account/people");
    assert_eq!(mails(&test, "member_removed").await, 2, "one to the owner, one to who is out");
    assert_eq!(bob.get("/account").await.status, 303, "the session in the account has ended");
    ada.post("/account/people", &[("email", "eve@cats.example"), ("role", "billing")]).await;
    let late = mailed(&test, "eve@cats.example").await;
    test.clock.advance(TimeDelta::days(7));
    says(&accept(&late).await, 410, "This link was good until");
}

/// Whose row of the people is the one of the person who looks.
fn own_id(list: &str) -> String {
    let row = list.split("<tr>").find(|it| it.contains("(you)")).unwrap();
    let path = row.split('"').find(|it| it.ends_with("/remove")).unwrap();
    path.rsplit('/').nth(1).unwrap().to_owned()
}

fn launch_form<'a>(key: &'a str, domain: &'a str) -> [(&'a str, &'a str); 6] {
    [("key", key), ("kind", "own"), ("own", domain), ("plan", "small"), ("owner_username", "ada"), ("owner_email", ADA)]
}

/// A server of theirs: the page.
async fn launch(browser: &Browser<'_>, domain: &str) -> String {
    let key = hidden(&browser.get("/servers/new").await.text, "key");
    browser.post("/servers/new", &launch_form(&key, domain)).await.header("location").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_sent_twice_does_it_once() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let key = hidden(&ada.get("/servers/new").await.text, "key");
    let form = launch_form(&key, "birds.example");
    let (one, other) = futures::future::join(ada.post("/servers/new", &form), ada.post("/servers/new", &form)).await;
    assert_eq!((one.status, one.header("location")), (303, other.header("location")), "{one:?} {other:?}");
    let page = one.header("location").unwrap().to_owned();
    assert_eq!(ada.get("/servers").await.text.matches(">birds.example<").count(), 1);

    let form = hidden(&ada.get("/account/people").await.text, "key");
    let form = [("key", form.as_str()), ("email", BOB), ("role", "owner")];
    for _ in 0..2 {
        leads(&ada.post("/account/people", &form).await, "/account/people");
    }
    assert_eq!((mails(&test, "invitation").await, mails(&test, "member_invited").await), (1, 1));
    Browser::new(&server).get(&mailed(&test, BOB).await).await.is(200);

    let close = ada.get(&format!("{page}/close")).await.text;
    let form = [("key", hidden(&close, "key")), ("revision", hidden(&close, "revision"))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).chain([("confirm", "birds.example")]).collect();
    let closed = [ada.post(&format!("{page}/close"), &form).await, ada.post(&format!("{page}/close"), &form).await];
    assert_eq!((closed[0].status, closed[0].header("location")), (303, closed[1].header("location")), "{closed:?}");
    assert_eq!(mails(&test, "server_closing").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_is_gone_once_and_not_too_late() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let page = launch(&ada, "birds.example").await;
    let close = async || ada.post(&format!("{page}/close"), &[("confirm", "birds.example")]).await.is(303).clone();
    close().await;
    let key = hidden(&ada.get(&format!("{page}/close")).await.text, "key");
    let undo = async |key: &str| ada.post(&format!("{page}/undo"), &[("key", key)]).await;
    let (once, again) = (undo(&key).await, undo(&key).await);
    assert_eq!((once.status, once.header("location")), (303, again.header("location")), "{once:?} {again:?}");
    says(&ada.post(&format!("{page}/undo"), &[]).await, 422, "That did not work");

    ada.post(&format!("{page}/close"), &[("key", "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d"), ("confirm", "birds.example")]).await.is(303);
    let key = hidden(&ada.get(&format!("{page}/close")).await.text, "key");
    let id: InstanceId = page.rsplit('/').next().unwrap().parse().unwrap();
    let conn = &mut test.database.conn().await;
    let row = Instance::by_id(conn, id.as_uuid()).await.unwrap().unwrap();
    Instance::begin_farewell(conn, row.id, row.revision, test.app.clock.now()).await.unwrap().unwrap();
    says(&undo(&key).await, 422, "It is too late to undo");
    let row = Instance::by_id(conn, id.as_uuid()).await.unwrap().unwrap();
    assert_eq!(row.desired().unwrap().as_str(), "deleted", "nothing was done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_old_says_what_changed_and_overwrites_nothing() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let page = launch(&ada, "birds.example").await;
    let old = ada.get(&format!("{page}/close")).await.text;
    somebody(&test, "op@howdah.example", true).await;
    let operator = Browser::new(&server);
    operator.sign_in("op@howdah.example").await;
    let remove = format!("/operator{page}/remove");
    let old_remove = hidden(&operator.get(&remove).await.text, "revision");
    // In another tab it was closed and taken back.
    ada.post(&format!("{page}/close"), &[("confirm", "birds.example")]).await.is(303);
    ada.post(&format!("{page}/undo"), &[]).await.is(303);

    let close = async |page_then: &str| {
        let (key, revision) = (hidden(page_then, "key"), hidden(page_then, "revision"));
        let form = [("key", key.as_str()), ("revision", revision.as_str()), ("confirm", "birds.example")];
        ada.post(&format!("{page}/close"), &form).await
    };
    let stale = close(&old).await;
    says(&stale, 422, "was changed after the page was opened: it is “Launching");
    says(&stale, 422, "Nothing of yours was done");
    let stale_remove = operator.post(&remove, &[("revision", &old_remove), ("confirm", "birds.example")]).await;
    says(&stale_remove, 422, "was changed after the page was opened");
    assert_eq!(mails(&test, "server_closing").await, 1);
    let now = "/servers/birds-example";
    says(&ada.get(now).await, 200, "Launching");
    leads(&close(&stale.text).await, now);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_launches_when_new_servers_were_just_closed_is_told() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let key = hidden(&ada.get("/servers/new").await.text, "key");
    let set = async |word: &str| {
        let change = |it: &mut howdah_app::settings::SettingsChange| {
            word.clone_into(&mut it.new_servers);
            "Open again in <May>.".clone_into(&mut it.new_servers_sentence);
        };
        upkeep::change_settings(&test.app, change).await.unwrap();
    };
    set("closed").await;
    let refused = ada.post("/servers/new", &launch_form(&key, "birds.example")).await;
    says(&refused, 422, "Open again in &#60;May&#62;.");
    assert!(!ada.get("/servers").await.text.contains(">birds.example<"));
    set("open").await;
    let launched = ada.post("/servers/new", &launch_form(&key, "birds.example")).await;
    assert!(launched.status == 303, "what was refused was not done: {launched:?}");

    let conn = &mut test.database.conn().await;
    let person = Person::by_email(conn, ADA).await.unwrap().unwrap();
    let account = Membership::of_person(conn, person.id).await.unwrap()[0].1.id;
    assert_eq!(Instance::count_of_account(conn, account).await.unwrap(), 1);
}
