//! Who belongs to an account: with a scope of its own, and for owners.

use chrono::TimeDelta;
use howdah_app::members::{self, Acceptance};
use howdah_app::{Scope, tokens};
use howdah_db::models::mail::Mail;
use howdah_testkit::app::{Somebody, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::browser::{Browser, PASSWORD, mailed};

const ADA: &str = "ada@birds.example";
const BOB: &str = "bob@cats.example";

/// Bob belongs to Ada's account, in the role, and came to the platform after her.
async fn joined(test: &TestApp, server: &Server, ada: &Somebody, role: &str) -> Somebody {
    test.clock.advance(TimeDelta::seconds(1));
    server.post(ada, "/api/v1/invitations", &json!({"email": BOB, "role": role})).await.is(201);
    let token = mailed(test, BOB).await.split_once('=').unwrap().1.to_owned();
    members::accept(&test.app, &token, Acceptance::New { name: "Bob", password: PASSWORD.into() }).await.unwrap();
    let browser = Browser::new(server);
    browser.sign_in(BOB).await;
    let token = browser.make_token(&["read", "write", "people"]).await;
    let actor = tokens::authenticate(&test.app, &token).await.unwrap();
    let ids = howdah_app::admin::PersonAdded { person: actor.person, account: actor.account, is_new: false, link: None };
    Somebody { ids, email: BOB.to_owned(), token }
}

async fn list(server: &Server, who: &Somebody, path: &str) -> Vec<Value> {
    server.get(who, path).await.is(200).json()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_a_scope_of_their_own() {
    let (test, server) = Server::new().await;
    let ada = test.operator(ADA).await;
    let person = format!("/api/v1/people/{}", ada.ids.person);
    let narrow = Somebody { token: test.token(ADA, &[Scope::Read, Scope::Write, Scope::Operate], TimeDelta::days(1)).await, ..ada };
    for (method, path, body) in [
        (Method::GET, "/api/v1/people", Value::Null),
        (Method::GET, "/api/v1/account/activity", Value::Null),
        (Method::DELETE, &person, Value::Null),
        (Method::PUT, &format!("{person}/role"), json!({"role": "owner"})),
        (Method::GET, "/api/v1/invitations", Value::Null),
        (Method::POST, "/api/v1/invitations", json!({"email": BOB, "role": "owner"})),
        (Method::DELETE, "/api/v1/invitations/01990000-0000-7000-8000-000000000000", Value::Null),
    ] {
        let request = server.request(method.clone(), path).bearer_auth(&narrow.token);
        let answer = server.send(if body.is_null() { request } else { request.json(&body) }).await;
        assert!(answer.is_problem(403, "scope_missing").text.contains("“people”"), "{method} {path}: {answer:?}");
    }
    let wider = server.post(&narrow, "/api/v1/tokens", &json!({"name": "wider", "scopes": ["people"]})).await;
    assert_eq!(wider.is_problem(422, "invalid").json()["errors"][0]["reason"], "not_yours");

    let only = Somebody { token: test.token(ADA, &[Scope::People], TimeDelta::days(1)).await, ..narrow };
    server.get(&only, "/api/v1/people").await.is(200);
    server.get(&only, "/api/v1/account").await.is_problem(403, "scope_missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_invites_once_for_each_key_and_withdraws() {
    let (test, server) = Server::new().await;
    let ada = test.customer(ADA).await;
    let body = json!({"email": " BOB@cats.example", "role": "technical"});
    let first = server.once(&ada, "/api/v1/invitations", "k", &body).await;
    server.once(&ada, "/api/v1/invitations", "k", &body).await.is_again(&first);
    let mails = Mail::waiting(&mut *test.database.conn().await, 100).await.unwrap();
    assert_eq!(mails.iter().filter(|it| it.purpose == "invitation").count(), 1);

    let invitation = first.is(201).json();
    assert_eq!((&invitation["email"], &invitation["role"], &invitation["invited_by"]), (&json!(BOB), &json!("technical"), &json!("Ada")));
    assert_eq!(list(&server, &ada, "/api/v1/invitations").await, std::slice::from_ref(&invitation));
    for wrong in [json!({"email": BOB}), json!({"email": BOB, "role": "king"}), json!({"email": "nobody", "role": "owner"})] {
        server.post(&ada, "/api/v1/invitations", &wrong).await.is_problem(422, "invalid");
    }
    server.post(&ada, "/api/v1/invitations", &json!({"email": ADA, "role": "owner"})).await.is_problem(409, "member_already");

    let eve = test.customer("eve@fish.example").await;
    let path = format!("/api/v1/invitations/{}", invitation["id"].as_str().unwrap());
    server.delete(&eve, &path).await.is_problem(404, "not_found");
    server.delete(&ada, &path).await.is(204);
    server.delete(&ada, &path).await.is_problem(404, "not_found");
    assert_eq!(list(&server, &ada, "/api/v1/invitations").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_changes_roles_and_removes() {
    let (test, server) = Server::new().await;
    let ada = test.customer(ADA).await;
    let bob = joined(&test, &server, &ada, "technical").await;
    let (of_ada, of_bob) = (format!("/api/v1/people/{}", ada.ids.person), format!("/api/v1/people/{}", bob.ids.person));
    let roles = async || -> Vec<(String, bool)> {
        let word = |it: &Value| format!("{} {}", it["email"].as_str().unwrap(), it["role"].as_str().unwrap());
        list(&server, &ada, "/api/v1/people").await.iter().map(|it| (word(it), it["is_you"] == true)).collect()
    };
    assert_eq!(roles().await, [(format!("{BOB} technical"), false), (format!("{ADA} owner"), true)]);
    server.put(&ada, &format!("{of_bob}/role"), &json!({"role": "billing"})).await.is(204);
    assert_eq!(roles().await[0].0, format!("{BOB} billing"));
    for wrong in [json!({"role": "king"}), json!({}), json!({"role": "owner", "since": "now"})] {
        server.put(&ada, &format!("{of_bob}/role"), &wrong).await.is_problem(422, "invalid");
    }
    server.put(&ada, &format!("{of_ada}/role"), &json!({"role": "billing"})).await.is_problem(409, "last_owner");
    server.delete(&ada, &of_ada).await.is_problem(409, "last_owner");
    let eve = test.customer("eve@fish.example").await;
    server.put(&eve, &format!("{of_bob}/role"), &json!({"role": "owner"})).await.is_problem(404, "not_found");

    server.delete(&ada, &of_bob).await.is(204);
    server.delete(&ada, &of_bob).await.is_problem(404, "not_found");
    server.get(&bob, "/api/v1/people").await.is_problem(401, "unauthenticated");
    let done = list(&server, &ada, "/api/v1/account/activity").await;
    let done: Vec<String> = done.iter().map(|it| format!("{} {}", it["who"].as_str().unwrap(), it["sentence"].as_str().unwrap())).collect();
    let expected = [
        "Ada removed Bob from the account",
        "Ada changed Bob's role to billing",
        "Bob made the API token tests",
        "Bob signed in",
        "Bob joined the account",
        "Ada asked bob@cats.example to join",
    ];
    assert_eq!(done, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_owns_nothing_sees_the_people_and_may_leave() {
    let (test, server) = Server::new().await;
    let ada = test.customer(ADA).await;
    let bob = joined(&test, &server, &ada, "technical").await;
    let (of_ada, of_bob) = (format!("/api/v1/people/{}", ada.ids.person), format!("/api/v1/people/{}", bob.ids.person));
    let page = server.get(&bob, "/api/v1/people?limit=1").await.is(200).json();
    assert_eq!(page["items"][0]["email"], BOB);
    let rest = list(&server, &bob, &format!("/api/v1/people?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(rest.iter().map(|it| &it["email"]).collect::<Vec<_>>(), [ADA]);

    server.get(&bob, "/api/v1/invitations").await.is_problem(403, "role");
    server.post(&bob, "/api/v1/invitations", &json!({"email": "eve@fish.example", "role": "owner"})).await.is_problem(403, "role");
    server.put(&bob, &format!("{of_bob}/role"), &json!({"role": "owner"})).await.is_problem(403, "role");
    server.delete(&bob, &of_ada).await.is_problem(403, "role");
    server.delete(&bob, &of_bob).await.is(204);
    server.get(&bob, "/api/v1/people").await.is_problem(401, "unauthenticated");
}
