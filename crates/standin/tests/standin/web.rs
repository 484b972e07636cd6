//! What comes in through the ingress.

use reqwest::Method;

use super::support::{DOMAIN, Process, Server};

const RAW: &str = "raw-token";
/// Made by Ruby with ActiveSupport 7.2, for this server's SECRET_KEY_BASE.
const DIGEST: &str = "d0448ec2b0ad1db7f6104982affb6213836a2482f07c177761237ea1009d68fc";

async fn with_alice() -> (Server, Process) {
    let server = Server::prepared("4.5.11").await;
    server.runs("bin/tootctl accounts create alice --email alice@example.com --confirmed --role Owner --approve");
    let web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    (server, web)
}

#[tokio::test]
async fn only_its_own_names_over_https_are_answered() {
    let mut server = Server::prepared("4.5.11").await;
    server.set("WEB_DOMAIN", "www.social.example");
    server.set("ALTERNATE_DOMAINS", "preview.example");
    let web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    let status = async |host: &str, scheme: &str, path: &str| {
        let request = web.plain(Method::GET, path).header("host", host).header("x-forwarded-proto", scheme);
        request.send().await.expect("an answer").status().as_u16()
    };
    for host in [DOMAIN, "www.social.example", "preview.example"] {
        assert_eq!(status(host, "https", "/").await, 200, "{host}");
        assert_eq!(status(host, "http", "/").await, 301, "{host}");
    }
    assert_eq!(status("evil.example", "https", "/").await, 403);
    assert_eq!(status("evil.example", "http", "/health").await, 200);
    let forwarded = web.request(Method::GET, "/").header("x-forwarded-host", "evil.example").send().await.expect("an answer");
    assert_eq!(forwarded.status(), 403);
    let redirect = web.plain(Method::GET, "/about?a=b").header("host", DOMAIN).send().await.expect("an answer");
    assert_eq!(redirect.headers()["location"], "https://social.example/about?a=b");
    let posted = web.plain(Method::POST, "/inbox").header("host", DOMAIN).send().await.expect("an answer");
    assert_eq!(posted.status(), 307);
}

#[tokio::test]
async fn other_servers_and_apps_find_what_they_look_for() {
    let (_server, web) = with_alice().await;
    let finger = web.json("/.well-known/webfinger?resource=acct:alice@social.example").await;
    assert_eq!(finger["links"][1]["href"], "https://social.example/users/alice");
    let nodeinfo = web.json("/.well-known/nodeinfo").await;
    assert_eq!(nodeinfo["links"][0]["href"], "https://social.example/nodeinfo/2.0");
    let numbers = web.json("/nodeinfo/2.0").await;
    assert_eq!((&numbers["software"]["version"], &numbers["usage"]["users"]["total"]), (&"4.5.11".into(), &1.into()));
    let instance = web.json("/api/v2/instance").await;
    assert_eq!((&instance["domain"], &instance["registrations"]["enabled"]), (&DOMAIN.into(), &false.into()));
    let actor = web.json("/users/alice").await;
    assert_eq!(actor["publicKey"]["owner"], "https://social.example/users/alice");
    for missing in ["/users/bob", "/@bob", "/.well-known/webfinger?resource=acct:bob@social.example", "/nothing"] {
        assert_eq!(web.get(missing).await.status(), 404, "{missing}");
    }
    let page = web.request(Method::GET, "/").send().await.expect("an answer").text().await.expect("a page");
    assert!(page.contains("<h1>social.example</h1>") && page.contains("Sign-ups are closed."), "{page}");
}

#[tokio::test]
async fn it_says_of_itself_what_its_owner_has_set() {
    let (server, web) = with_alice().await;
    let said = async || {
        let about = web.json("/api/v2/instance").await;
        let (rules, privacy) = (web.json("/api/v1/instance/rules").await, web.json("/api/v1/instance/privacy_policy").await);
        assert_eq!(about["rules"], rules);
        (rules[0]["text"].clone(), privacy["updated_at"].clone(), about["registrations"]["approval_required"].clone())
    };
    assert_eq!(said().await, (serde_json::Value::Null, "2022-10-07T00:00:00+00:00".into(), false.into()));
    let database = server.database().await;
    let set = "INSERT INTO rules (text, created_at, updated_at) VALUES ('Be kind', now(), now());
        INSERT INTO settings (var, value, created_at, updated_at) VALUES ('site_terms', '--- Ours', '2026-11-22 10:00', '2026-11-22 10:00')";
    database.batch_execute(set).await.expect("settings can be made");
    server.runs("bin/tootctl settings registrations approved");
    assert_eq!(said().await, ("Be kind".into(), "2026-11-22T10:00:00Z".into(), true.into()));
}

#[tokio::test]
async fn the_owner_comes_in_by_the_link_once() {
    let (server, web) = with_alice().await;
    let database = server.database().await;
    let store =
        "UPDATE users SET reset_password_token = $1, reset_password_sent_at = now() AT TIME ZONE 'utc' - interval '5 hours 59 minutes'";
    database.execute(store, &[&DIGEST]).await.expect("a token can be stored");
    let form = web.get(&format!("/auth/password/edit?reset_password_token={RAW}")).await;
    assert_eq!(form.status(), 200);
    assert!(form.text().await.expect("a page").contains("name=\"user[password]\""));

    let send = async |password: &str, confirmation: &str| {
        let fields = [("user[reset_password_token]", RAW), ("user[password]", password), ("user[password_confirmation]", confirmation)];
        post(&web, "/auth/password", &fields).await
    };
    assert_eq!(send("short", "short").await, 422);
    assert_eq!(send("correct horse", "correct horsf").await, 422);
    assert_eq!(send("correct horse", "correct horse").await, 303);
    assert_eq!(send("another one", "another one").await, 422, "the link works once");

    let sign_in =
        async |password: &str| post(&web, "/auth/sign_in", &[("user[email]", "alice@example.com"), ("user[password]", password)]).await;
    assert_eq!(sign_in("another one").await, 422);
    assert_eq!(sign_in("correct horse").await, 303);
}

#[tokio::test]
async fn a_link_ends_after_six_hours() {
    let (server, web) = with_alice().await;
    let database = server.database().await;
    let store =
        "UPDATE users SET reset_password_token = $1, reset_password_sent_at = now() AT TIME ZONE 'utc' - interval '6 hours 1 minute'";
    database.execute(store, &[&DIGEST]).await.expect("a token can be stored");
    for token in [RAW, "other", ""] {
        let answer = web.get(&format!("/auth/password/edit?reset_password_token={token}")).await;
        assert_eq!(answer.status(), 303, "{token}");
        assert_eq!(answer.headers()["location"], "/auth/password/new", "{token}");
    }
}

#[tokio::test]
async fn web_outlives_its_database_and_stops_when_told() {
    let mut server = Server::new("4.5.11").await;
    server.set("DB_PORT", "1");
    let mut web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    assert_eq!(web.get("/").await.status(), 500);
    assert!(web.stop().await.success());
}

async fn post(web: &Process, path: &str, fields: &[(&str, &str)]) -> u16 {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let request = web.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded").body(body.join("&"));
    request.send().await.expect("an answer").status().as_u16()
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
