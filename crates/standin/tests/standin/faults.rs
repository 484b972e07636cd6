//! Each way of failing fails, and stops failing when it is switched off.

use super::support::{Server, wait_for};

#[tokio::test]
async fn commands_fail_where_they_are_told_to() {
    let mut server = Server::prepared("4.5.11").await;
    for (mode, line) in [
        ("db_prepare", "bundle exec rake db:prepare"),
        ("post_migrate", "bundle exec rake db:migrate"),
        ("owner", "bin/tootctl accounts create a --email a@b.c"),
        ("configure", "bin/tootctl settings registrations close"),
        ("web_crash", "bundle exec puma -C config/puma.rb"),
        ("streaming_crash", "node ./streaming/index.js"),
        ("sidekiq_crash", "bundle exec sidekiq"),
    ] {
        server.set("STANDIN_FAIL", mode);
        let said = server.fails(line);
        assert!(said.contains(&format!("STANDIN_FAIL={mode}")), "{said}");
    }
    server.set("STANDIN_FAIL_DOMAINS", "other.example");
    server.set("STANDIN_FAIL", "owner");
    server.runs("bin/tootctl accounts create a --email a@b.c");
}

#[tokio::test]
async fn web_crashes_after_it_was_ready() {
    let mut server = Server::prepared("4.5.11").await;
    server.set("STANDIN_FAIL", "web_crash_after_ready");
    let mut web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    assert_eq!(web.ended().await.code(), Some(1));
}

#[tokio::test]
async fn web_is_never_ready() {
    let mut server = Server::prepared("4.5.11").await;
    server.set("STANDIN_FAIL", "not_ready");
    let web = server.start("bundle exec puma -C config/puma.rb");
    let status = wait_for("an answer", async || web.plain(reqwest::Method::GET, "/health").send().await.ok()).await.status();
    assert_eq!(status, 503);
}

#[tokio::test]
async fn a_stuck_queue_keeps_its_jobs() {
    let mut server = Server::prepared("4.5.11").await;
    server.set("MASTODON_SIDEKIQ_READY_FILENAME", "ready");
    server.set("STANDIN_FAIL", "queue_stuck");
    server.runs("bin/tootctl accounts create alice --email alice@example.com");
    let mut redis = server.redis.connection().await;
    let waiting = async |redis: &mut redis::aio::MultiplexedConnection| -> i64 {
        redis::cmd("LLEN").arg("queue:default").query_async(redis).await.expect("Redis counts")
    };
    let mut stuck = server.start("bundle exec sidekiq -c 1 -q default");
    let file = server.folder().join("tmp/ready");
    wait_for("the readiness file", async || file.exists().then_some(())).await;
    assert!(stuck.stop().await.success());
    assert_eq!(waiting(&mut redis).await, 1);
    server.unset("STANDIN_FAIL");
    let _working = server.start("bundle exec sidekiq -c 1 -q default");
    wait_for("the job to be taken", async || (waiting(&mut redis).await == 0).then_some(())).await;
}

#[tokio::test]
async fn a_slow_start_delays_and_can_be_stopped() {
    let mut server = Server::prepared("4.5.11").await;
    server.set("STANDIN_SLOW_START_SECONDS", "600");
    let mut web = server.start("bundle exec puma -C config/puma.rb");
    assert!(web.runs());
    // Until it listens for it, the signal ends it in its own way; both are an end.
    assert!(!web.stop().await.success());
}
