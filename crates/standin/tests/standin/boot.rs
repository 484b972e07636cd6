//! Every process refuses to start where Mastodon would not work, and starts and stops where it would.

use reqwest::Method;

use super::support::{Server, wait_for};

#[tokio::test]
async fn each_process_names_what_it_misses() {
    let mut server = Server::new("4.5.11").await;
    server.unset("SECRET_KEY_BASE");
    let commands = [
        "bundle exec puma -C config/puma.rb",
        "bundle exec sidekiq",
        "bundle exec rake db:prepare",
        "bin/rails runner 1",
        "bin/tootctl version",
    ];
    for line in commands {
        assert!(server.fails(line).contains("SECRET_KEY_BASE is not set"), "{line}");
    }
    server.unset("REDIS_PORT");
    let streaming = server.fails("node ./streaming/index.js");
    assert!(streaming.contains("REDIS_PORT") && !streaming.contains("SECRET_KEY_BASE"), "{streaming}");
}

#[tokio::test]
async fn streaming_answers_its_probe_and_its_metrics() {
    let server = Server::prepared("4.5.11").await;
    let mut streaming = server.start("node ./streaming/index.js").ready("/api/v1/streaming/health").await;
    assert!(streaming.get("/metrics").await.text().await.expect("text").contains("connected_clients"));
    assert_eq!(streaming.get("/api/v1/streaming/user?access_token=unknown").await.status(), 401);
    let database = server.database().await;
    let insert = "INSERT INTO oauth_access_tokens (token, created_at) VALUES ('known', now())";
    database.batch_execute(insert).await.expect("a token can be stored");
    let known = streaming.plain(Method::GET, "/api/v1/streaming/user").bearer_auth("known").send().await.expect("an answer");
    assert_eq!(known.status(), 200);
    assert!(streaming.stop().await.success());
}

#[tokio::test]
async fn streaming_does_not_start_without_its_stores() {
    let mut server = Server::new("4.5.11").await;
    server.set("DB_PASS", "wrong");
    server.set("REDIS_PORT", "1");
    assert!(!server.run("node ./streaming/index.js").status.success());
}

#[tokio::test]
async fn sidekiq_is_ready_while_its_file_is_there() {
    let mut server = Server::prepared("4.5.11").await;
    server.set("MASTODON_SIDEKIQ_READY_FILENAME", "ready");
    let file = server.folder().join("tmp/ready");
    let mut sidekiq = server.start("bundle exec sidekiq -c 2 -q default");
    wait_for("the readiness file", async || file.exists().then_some(())).await;
    assert!(sidekiq.stop().await.success());
    assert!(!file.exists());
}
