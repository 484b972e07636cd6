//! A second server, really spoken to over HTTPS: it comes to be known, and hears the farewell.

use std::path::Path;

use serde_json::{Value, json};

use super::support::{Process, Server, free_port, wait_for};

/// The other server, with a certificate that this test's processes trust.
struct Neighbour {
    port: u16,
    http: reqwest::Client,
    _process: Process,
}

impl Neighbour {
    async fn start(server: &mut Server) -> Self {
        let folder = server.folder().to_owned();
        let certificate = certify(&folder);
        server.set("SSL_CERT_FILE", &folder.join("cert.pem").display().to_string());
        let port = free_port();
        let line = format!("inbox --listen 127.0.0.1:{port} --tls-cert {0}/cert.pem --tls-key {0}/key.pem", folder.display());
        let process = server.start(&line);
        let http = reqwest::Client::builder().tls_certs_only([certificate]).build().expect("a client can be built");
        let neighbour = Self { port, http, _process: process };
        wait_for("the other server", async || neighbour.http.get(neighbour.url("/health")).send().await.ok()).await;
        neighbour
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    async fn heard(&self) -> Value {
        self.http.get(self.url("/standin/inbox")).send().await.expect("an answer").json().await.expect("JSON")
    }

    async fn answer_with(&self, status: u16) {
        let answer = self.http.post(self.url("/standin/answer")).json(&json!({"status": status})).send().await.expect("an answer");
        assert_eq!(answer.status(), 204);
    }
}

fn certify(folder: &Path) -> reqwest::Certificate {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name").self_signed(&key).expect("a certificate");
    std::fs::write(folder.join("cert.pem"), certificate.pem()).expect("a file");
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).expect("a file");
    reqwest::Certificate::from_pem(certificate.pem().as_bytes()).expect("a certificate")
}

fn follow(neighbour: &Neighbour) -> Value {
    json!({"id": neighbour.url("/follows/1"), "type": "Follow", "actor": neighbour.url("/users/visitor"), "object": "https://social.example/users/alice"})
}

/// Two people and a known neighbour.
async fn known() -> (Server, Neighbour) {
    let mut server = Server::prepared("4.7.2").await;
    for name in ["alice", "bob"] {
        server.runs(&format!("bin/tootctl accounts create {name} --email {name}@example.com --confirmed --approve"));
    }
    let neighbour = Neighbour::start(&mut server).await;
    let insert = format!(
        "INSERT INTO accounts (username, domain, uri, inbox_url, shared_inbox_url, created_at, updated_at)
         SELECT 'p' || n, 'localhost', '{0}/users/p' || n, '{0}/users/p' || n || '/inbox', '{0}/inbox', now(), now() FROM generate_series(1, 3) n",
        neighbour.url("")
    );
    server.database().await.batch_execute(&insert).await.expect("remote accounts can be stored");
    (server, neighbour)
}

/// The token as the operator's Job mints it: `Rails.application.message_verifier('self-destruct').generate('social.example')`.
const TOKEN: &str = "InNvY2lhbC5leGFtcGxlIg==--9f39087cefce4991f4dd6c2e3f551cfc21f6678c";

fn progress(server: &Server) -> String {
    server.runs("bin/tootctl self-destruct").lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_follow_makes_the_other_server_known_and_is_accepted() {
    let mut server = Server::prepared("4.5.11").await;
    server.runs("bin/tootctl accounts create alice --email alice@example.com --confirmed --approve");
    let neighbour = Neighbour::start(&mut server).await;
    let web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    let _sidekiq = server.start("bundle exec sidekiq -c 2 -q ingress -q push");
    let unsigned = web.request(reqwest::Method::POST, "/inbox").json(&follow(&neighbour)).send().await.expect("an answer");
    assert_eq!(unsigned.status(), 401);
    let signed =
        web.request(reqwest::Method::POST, "/inbox").header("signature", "s").json(&follow(&neighbour)).send().await.expect("an answer");
    assert_eq!(signed.status(), 202);
    wait_for("the acceptance", async || (neighbour.heard().await["by_type"]["Accept"] == 1).then_some(())).await;
    assert_eq!(
        server.number("SELECT count(*) FROM accounts WHERE domain = 'localhost' AND inbox_url LIKE '%/users/visitor/inbox'").await,
        1
    );
    assert_eq!(server.number("SELECT count(*) FROM follows").await, 1);
    assert_eq!(web.json("/standin/inbox").await["count"], 1);
}

#[tokio::test]
async fn a_farewell_reaches_every_known_server_once_for_each_account() {
    let (mut server, neighbour) = known().await;
    assert!(server.fails("bin/tootctl self-destruct").contains("Domains do not match"));
    server.set("SELF_DESTRUCT", TOKEN);
    assert_eq!(progress(&server), "3 accounts are still pending deletion.");
    let _scheduler = server.start("bundle exec sidekiq -c 1 -q scheduler");
    wait_for("the first pass", async || (progress(&server) == "Deletion notices are still being processed").then_some(())).await;
    let _push = server.start("bundle exec sidekiq -c 2 -q push -q default");
    wait_for("the end", async || progress(&server).starts_with("Every deletion notice has been sent!").then_some(())).await;
    let heard = wait_for("the notices", async || Some(neighbour.heard().await).filter(|heard| heard["count"] == 3)).await;
    assert_eq!(heard["by_type"], json!({"Delete": 3}));
    for name in ["alice", "bob", "mastodon.internal"] {
        assert_eq!(heard["by_actor"][format!("https://social.example/users/{name}")], 1, "{heard}");
    }
}

#[tokio::test]
async fn a_farewell_to_nobody_ends_too() {
    let mut server = Server::prepared("4.5.11").await;
    server.runs("bin/tootctl accounts create alice --email alice@example.com --confirmed --approve");
    server.set("SELF_DESTRUCT", TOKEN);
    let _sidekiq = server.start("bundle exec sidekiq -c 2 -q scheduler -q push -q default");
    wait_for("the end", async || progress(&server).starts_with("Every deletion notice has been sent!").then_some(())).await;
}

#[tokio::test]
async fn a_notice_that_failed_is_sent_again() {
    let (mut server, neighbour) = known().await;
    neighbour.answer_with(503).await;
    server.set("SELF_DESTRUCT", TOKEN);
    let _sidekiq = server.start("bundle exec sidekiq -c 2 -q scheduler -q push -q default");
    wait_for("the failures", async || progress(&server).contains("scheduled for retry").then_some(())).await;
    assert_eq!(neighbour.heard().await["count"], 0);
    neighbour.answer_with(202).await;
    wait_for("the end", async || (neighbour.heard().await["count"] == 3 && progress(&server).starts_with("Every")).then_some(())).await;
}

#[tokio::test]
async fn a_closing_server_is_gone_but_for_those_who_leave() {
    let mut server = Server::prepared("4.5.11").await;
    server.runs("bin/tootctl accounts create alice --email alice@example.com --confirmed --approve");
    server.set("SELF_DESTRUCT", TOKEN);
    let web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    for gone in ["/", "/users/alice", "/.well-known/webfinger?resource=acct:alice@social.example", "/api/v2/instance"] {
        assert_eq!(web.get(gone).await.status(), 410, "{gone}");
    }
    for open in ["/.well-known/nodeinfo", "/nodeinfo/2.0", "/auth/sign_in"] {
        assert_eq!(web.get(open).await.status(), 200, "{open}");
    }
    assert_eq!(
        web.plain(reqwest::Method::GET, "/users/alice").header("host", "evil.example").send().await.expect("an answer").status(),
        403
    );
}

#[tokio::test]
async fn a_forged_token_closes_nothing() {
    let mut server = Server::prepared("4.5.11").await;
    server.set("SELF_DESTRUCT", &TOKEN.replace("9f39", "0000"));
    let web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    assert_eq!(web.get("/").await.status(), 200);
    let _sidekiq = server.start("bundle exec sidekiq -c 1 -q scheduler");
    assert!(server.fails("bin/tootctl self-destruct").contains("Domains do not match"));
    assert_eq!(server.number("SELECT count(*) FROM accounts WHERE suspended_at IS NOT NULL").await, 0);
}

#[tokio::test]
async fn the_other_server_follows_whom_it_is_told_to() {
    let mut server = Server::new("4.5.11").await;
    let neighbour = Neighbour::start(&mut server).await;
    let wish = json!({"actor": neighbour.url("/users/somebody")});
    let answer = neighbour.http.post(neighbour.url("/standin/follow")).json(&wish).send().await.expect("an answer");
    assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({"status": 202}));
    let heard = neighbour.heard().await;
    assert_eq!((&heard["by_type"], &heard["deliveries"][0]["path"]), (&json!({"Follow": 1}), &json!("/users/somebody/inbox")));
    assert_eq!(neighbour.http.delete(neighbour.url("/standin/inbox")).send().await.expect("an answer").status(), 204);
    assert_eq!(neighbour.heard().await["count"], 0);
}
