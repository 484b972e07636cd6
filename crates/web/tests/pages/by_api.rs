//! Every button has its API call, and its page says which.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use howdah_app::{Scope, upkeep};
use howdah_testkit::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::browser::{Browser, PASSWORD, hidden, mailed, somebody};
use crate::support::{Server, new_instance};

const OPERATOR: &str = "op@howdah.example";

/// Where a form goes, and the call that does the same; none where it is a person's own.
const CALLS: &[(&str, Option<&str>)] = &[
    ("/servers/new", Some("POST /api/v1/instances")),
    ("/servers/new/check", Some("GET /api/v1/address-check")),
    ("/servers/{id}/close", Some("POST /api/v1/instances/{id}/close")),
    ("/servers/{id}/close/now", Some("POST /api/v1/instances/{id}/close/now")),
    ("/servers/{id}/undo", Some("POST /api/v1/instances/{id}/undo")),
    ("/servers/{id}/address/look", Some("POST /api/v1/instances/{id}/address/look")),
    ("/servers/{id}/owner-link", Some("POST /api/v1/instances/{id}/owner-link")),
    ("/servers/{id}/owner-link/new", Some("POST /api/v1/instances/{id}/owner-link/new")),
    ("/servers/{id}/take-along", Some("POST /api/v1/instances/{id}/exports")),
    ("/servers/{id}/take-along/phrase", Some("POST /api/v1/instances/{id}/exports")),
    ("/servers/{id}/take-along/schedule", Some("PUT /api/v1/instances/{id}/exports/schedule")),
    ("/servers/{id}/take-along/{id}/cancel", Some("POST /api/v1/exports/{id}/cancel")),
    ("/imports", Some("POST /api/v1/imports")),
    ("/imports/{id}/look", Some("POST /api/v1/imports/{id}/look")),
    ("/imports/{id}/launch", Some("POST /api/v1/imports/{id}/launch")),
    ("/imports/{id}/cut-over", Some("POST /api/v1/imports/{id}/cut-over")),
    ("/imports/{id}/pull", Some("POST /api/v1/imports/{id}/pull")),
    ("/imports/{id}/pull/stop", Some("POST /api/v1/imports/{id}/pull/stop")),
    ("/imports/{id}/discard", Some("POST /api/v1/imports/{id}/discard")),
    ("/account/tokens", Some("POST /api/v1/tokens")),
    ("/account/tokens/{id}/revoke", Some("DELETE /api/v1/tokens/{id}")),
    ("/account/people", Some("POST /api/v1/invitations")),
    ("/account/people/{id}/role", Some("PUT /api/v1/people/{id}/role")),
    ("/account/people/{id}/remove", Some("DELETE /api/v1/people/{id}")),
    ("/account/invitations/{id}/withdraw", Some("DELETE /api/v1/invitations/{id}")),
    ("/operator/servers/{id}/approve", Some("POST /api/v1/instances/{id}/approve")),
    ("/operator/servers/{id}/undo", Some("POST /api/v1/instances/{id}/undo")),
    ("/operator/servers/{id}/remove", Some("DELETE /api/v1/instances/{id}")),
    ("/operator/servers/{id}/grant", Some("PUT /api/v1/instances/{id}/grant")),
    ("/operator/servers/{id}/grant/end", Some("DELETE /api/v1/instances/{id}/grant")),
    ("/operator/operations/{id}/retry", Some("POST /api/v1/operations/{id}/retry")),
    ("/operator/jobs/{id}/retry", Some("POST /api/v1/jobs/{id}/retry")),
    ("/operator/sign-ups/{id}/approve", Some("POST /api/v1/sign-ups/{id}/approve")),
    ("/operator/sign-ups/{id}/refuse", Some("POST /api/v1/sign-ups/{id}/refuse")),
    ("/operator/settings", Some("PUT /api/v1/settings")),
    ("/operator/servers/{id}/adopt", Some("POST /api/v1/instances/{id}/adopt")),
    ("/operator/servers/{id}/overwrite", Some("POST /api/v1/instances/{id}/overwrite")),
    ("/account/second-factor/begin", None),
    ("/account/second-factor/codes", None),
    ("/account/passkeys/new", None),
    ("/account/passkeys/{id}/rename", None),
    ("/account/passkeys/{id}/remove", None),
    ("/sign-out", None),
    ("/account", None),
    ("/account/new-email", None),
    ("/account/security", None),
    ("/account/sessions/{id}/end", None),
    ("/account/sessions/end-others", None),
];

/// With `{id}` for whatever is of one thing only.
fn in_general(path: &str) -> String {
    let is_one = |it: &str| it.parse::<Uuid>().is_ok() || it.parse::<i64>().is_ok() || it.ends_with("-example");
    let path = path.split('?').next().unwrap_or(path);
    path.split('/').map(|it| if is_one(it) { "{id}" } else { it }).collect::<Vec<_>>().join("/")
}

/// Where the page's forms go that change something.
pub fn actions(html: &str) -> BTreeSet<String> {
    let posted = html.split("<form ").skip(1).filter(|it| it.starts_with("method=\"post\""));
    let attribute = |it: &str, name: &str| it.split_once(name).and_then(|(_, rest)| rest.split('"').next()).map(in_general);
    let own = posted.filter_map(|it| attribute(it, "action=\""));
    own.chain(html.split("<button ").skip(1).filter_map(|it| attribute(it.split('>').next()?, "formaction=\""))).collect()
}

/// Where the page leads to a form that changes something.
fn ways(html: &str) -> impl Iterator<Item = &str> {
    let links = html.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
    links.filter(|it| CALLS.iter().any(|(action, _)| *action == in_general(it)))
}

/// The calls that the page names.
pub fn named(html: &str) -> BTreeSet<String> {
    let blocks = html.split("<details class=\"by-api\">").skip(1).filter_map(|it| it.split("</details>").next());
    let codes = blocks.flat_map(|it| it.split("<code>").skip(1)).filter_map(|it| it.split("</code>").next());
    codes.filter_map(|it| it.split_once(' ')).map(|(method, path)| format!("{method} {}", in_general(path))).collect()
}

struct Ground<'a> {
    test: TestApp,
    server: &'a Server,
    browser: Browser<'a>,
    token: String,
}

impl Ground<'_> {
    async fn launch(&self, domain: &str) -> String {
        let request = self.server.request(Method::POST, "/api/v1/instances").bearer_auth(&self.token).json(&new_instance(domain));
        self.server.send(request).await.is(202).json()["id"].as_str().unwrap().to_owned()
    }

    async fn close(&self, id: &str, domain: &str) {
        let close = self.server.request(Method::POST, &format!("/api/v1/instances/{id}/close")).bearer_auth(&self.token);
        self.server.send(close.json(&json!({"confirm": domain}))).await.is(202);
    }

    async fn export(&self, id: &str) {
        let export = self.server.request(Method::POST, &format!("/api/v1/instances/{id}/exports")).bearer_auth(&self.token);
        let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        self.server.send(export.json(&json!({"recipients": [key]}))).await.is(202);
    }

    /// Somebody else in the account, somebody asked to join it, and somebody who waits to be let in.
    async fn people(&self) {
        let invite = async |email: &str| {
            let key = hidden(&self.browser.get("/account/people").await.text, "key");
            self.browser.post("/account/people", &[("key", &key), ("email", email), ("role", "technical")]).await.is(303);
            mailed(&self.test, email).await.split_once('=').unwrap().1.to_owned()
        };
        let joining = invite("bob@cats.example").await;
        let stranger = Browser::new(self.server);
        stranger.post("/invitation", &[("token", &joining), ("name", "Bob"), ("password", PASSWORD)]).await.is(303);
        invite("eve@fish.example").await;
        upkeep::change_settings(&self.test.app, |it| it.sign_ups = "by_approval".to_owned()).await.unwrap();
        stranger.post("/sign-up", &[("name", "Dan"), ("email", "dan@frogs.example")]).await.is(200);
        let token = mailed(&self.test, "dan@frogs.example").await.split_once('=').unwrap().1.to_owned();
        stranger.post("/confirm", &[("token", &token), ("password", PASSWORD)]).await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_button_has_its_call_and_the_page_says_which() {
    let (test, server) = Server::new().await;
    somebody(&test, OPERATOR, true).await;
    let token = test.token(OPERATOR, &Scope::ALL, TimeDelta::days(1)).await;
    let (browser, other) = (Browser::new(&server), Browser::new(&server));
    browser.sign_in(OPERATOR).await;
    let mut phone = super::passkeys::device();
    super::passkeys::add(&browser, &mut phone, "The phone").await.is(200);
    super::passkeys::sign_in(&other, &mut phone).await;
    let ground = Ground { test, server: &server, browser, token };
    ground.people().await;
    let birds = ground.launch("birds.example").await;
    let closing = ground.launch("cats.example").await;
    ground.close(&closing, "cats.example").await;
    super::servers::finish_launch(&ground.test, birds.parse().unwrap()).await;
    let (_, failed) = super::operator::launched(&ground.test, &server, "fay@frogs.example", "frogs.example").await;
    super::operator::fail(&ground.test, &failed).await;
    ground.export(&birds).await;
    ground.test.database.execute("UPDATE exports SET size = 12, content_digest = 'v1:x'").await;
    super::diverged::diverge(&ground.test, birds.parse().unwrap(), |_| {}).await;
    upkeep::change_settings(&ground.test.app, |it| it.new_servers = "by_approval".to_owned()).await.unwrap();
    let (held, _) = super::operator::launched(&ground.test, &server, "gus@newts.example", "newts.example").await;

    let (open, rehearsing) = super::imports::at_each_stage(&ground.test, &ground.browser).await;

    let (mut seen, mut visited) = (BTreeSet::new(), BTreeSet::new());
    let description: Value = serde_json::from_str(howdah_web::openapi::json()).unwrap();
    let mut paths: Vec<String> = [
        "/servers",
        "/servers/new",
        "/servers/cats-example",
        "/servers/cats-example/close",
        "/servers/cats-example/close/now",
        "/servers/birds-example/close",
        "/servers/birds-example/address",
        "/servers/birds-example/owner-link",
        "/servers/birds-example/take-along",
        "/imports",
        &open,
        &format!("{open}/discard"),
        &rehearsing,
        "/account",
        "/account/security",
        "/account/second-factor",
        "/account/passkeys/new",
        "/account/tokens",
        "/account/people",
        &format!("/operator/servers/{closing}"),
        &format!("/operator/servers/{held}"),
        &format!("/operator/servers/{birds}/remove"),
        &format!("/operator/servers/{birds}/diverged"),
        "/operator/operations?show=failed",
        "/operator/jobs",
        "/operator/sign-ups",
        "/operator/settings",
    ]
    .map(str::to_owned)
    .to_vec();
    while let Some(path) = paths.pop() {
        if !visited.insert(path.clone()) {
            continue;
        }
        let html = ground.browser.get(&path).await.is(200).text.clone();
        paths.extend(ways(&html).map(str::to_owned));
        let named = named(&html);
        for action in actions(&html) {
            let (_, call) = CALLS.iter().find(|(it, _)| *it == action).unwrap_or_else(|| panic!("{path} has a form for {action}"));
            assert!(call.is_none_or(|it| named.contains(it)), "{path} does not name {call:?}, only {named:?}");
            seen.insert(action);
        }
        for call in named {
            let (method, of) = call.split_once(' ').unwrap();
            assert!(description["paths"][of][method.to_lowercase()].is_object(), "{path} names {call}, which is not described");
        }
    }
    let missed: Vec<&str> = CALLS.iter().map(|(it, _)| *it).filter(|it| !seen.contains(*it)).collect();
    assert_eq!(
        missed,
        ["/imports/{id}/pull/stop", "/operator/jobs/{id}/retry"],
        "nothing is pulled, and no worker is here, so no job fails"
    );
    assert!(named(&ground.browser.get("/operator/jobs").await.text).contains("POST /api/v1/jobs/{id}/retry"));
}
