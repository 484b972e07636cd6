//! The database away, streams that are cut, a server that is stopped.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use howdah_app::App;
use howdah_db::Database;
use howdah_db::models::operation::{Operation, OperationStep};
use howdah_domain::lifecycle::StepFact;
use howdah_domain::{LaunchStep, StepName};
use howdah_testkit::app::TestApp;
use howdah_testkit::proxy::{Mood, Proxy};
use howdah_testkit::rows::now;
use howdah_testkit::wait::wait_for;
use reqwest::Method;
use serde_json::Value;
use support::{Server, new_instance, settings};
use tokio::runtime::Handle;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_it_says_so_within_a_second_and_is_well_again() {
    let test = TestApp::new().await;
    let ada = test.customer("ada@birds.example").await;
    let (proxy, url) = Proxy::before(test.database.url()).await;
    let app = App { database: Database::open(&url, 4, Handle::current()).unwrap(), ..test.app.clone() };
    let server = Server::of(app, &settings());
    for mood in [Mood::Frozen, Mood::Gone] {
        server.get(&ada, "/api/v1/account").await.is(200);
        server.get(&ada, "/ready").await.is(200);
        proxy.set(mood);
        for _ in 0..3 {
            let asked = Instant::now();
            let answer = server.get(&ada, "/api/v1/account").await;
            assert!(answer.is_problem(503, "unavailable").header("retry-after").is_some());
            assert!(asked.elapsed() < Duration::from_secs(1), "{mood:?}: {:?}", asked.elapsed());
            let refused = server.post(&ada, "/api/v1/instances", &new_instance("birds.example")).await;
            refused.is_problem(503, "unavailable");
        }
        server.get(&ada, "/ready").await.is_problem(503, "unavailable");
        server.get(&ada, "/health").await.is(200);
        server.get(&ada, "/api/v1/plans").await.is(200);
        proxy.set(Mood::Well);
        wait_for("the server to be well again", Duration::from_secs(5), async || {
            (server.get(&ada, "/api/v1/account").await.status == 200).then_some(())
        })
        .await;
    }
    server.launch(&ada, "birds.example").await;
}

/// What the observer would do: one more step is done.
async fn advance(test: &TestApp, id: Uuid, done: &[LaunchStep]) {
    let conn = &mut test.database.conn().await;
    let row = Operation::by_id(conn, id).await.unwrap().unwrap();
    let operation = row.with_steps(&OperationStep::of(conn, id).await.unwrap()).unwrap();
    let started = if operation.started_at.is_none() { operation.start(now()).unwrap() } else { operation };
    let facts: Vec<_> = done.iter().map(|it| (StepName::Launch(*it), StepFact::Done)).collect();
    let advanced = started.advance(&facts, now()).unwrap();
    Operation::save(conn, id, row.revision, &advanced).await.unwrap().unwrap();
}

/// Reads up to the end of the next event that is not a sign of life.
async fn next_event(stream: &mut reqwest::Response, buffer: &mut String) -> Option<(i64, Value)> {
    loop {
        if let Some(end) = buffer.find("\n\n") {
            let event: String = buffer.drain(..end + 2).collect();
            let field = |name: &str| event.lines().find_map(|it| it.strip_prefix(name)).map(str::to_owned);
            if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                return Some((id.parse().unwrap(), serde_json::from_str(&data).unwrap()));
            }
            continue;
        }
        let chunk = tokio::time::timeout(Duration::from_secs(10), stream.chunk()).await.unwrap().unwrap()?;
        buffer.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_is_watched_to_its_end() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let (_, operation) = server.launch(&ada, "birds.example").await;
    let id: Uuid = operation.rsplit('/').next().unwrap().parse().unwrap();
    let watch = || server.request(Method::GET, &format!("{operation}/events")).bearer_auth(&ada.token);
    let (mut stream, mut buffer) = (watch().send().await.unwrap(), String::new());
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let (first, event) = next_event(&mut stream, &mut buffer).await.unwrap();
    assert_eq!(event["state"], "queued");

    advance(&test, id, &[LaunchStep::Namespace]).await;
    let (second, event) = next_event(&mut stream, &mut buffer).await.unwrap();
    assert!(second > first);
    assert_eq!((&event["state"], &event["steps"][0]["state"]), (&"running".into(), &"succeeded".into()));

    advance(&test, id, &LaunchStep::NEW).await;
    let (_, event) = next_event(&mut stream, &mut buffer).await.unwrap();
    assert_eq!(event["state"], "succeeded");
    assert_eq!(next_event(&mut stream, &mut buffer).await, None, "the stream ends with the operation");

    let mut again = watch().header("Last-Event-ID", first.to_string()).send().await.unwrap();
    let (_, event) = next_event(&mut again, &mut String::new()).await.unwrap();
    assert_eq!(event["state"], "succeeded", "who was cut off misses nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_nothing_more_to_a_token_that_was_revoked_or_has_other_rights() {
    for change in ["UPDATE api_tokens SET revoked_at = created_at", "UPDATE memberships SET role = 'billing'"] {
        let (test, server) = Server::new().await;
        let ada = test.customer("ada@birds.example").await;
        let (_, operation) = server.launch(&ada, "birds.example").await;
        let id: Uuid = operation.rsplit('/').next().unwrap().parse().unwrap();
        let request = server.request(Method::GET, &format!("{operation}/events")).bearer_auth(&ada.token);
        let (mut stream, mut buffer) = (request.send().await.unwrap(), String::new());
        next_event(&mut stream, &mut buffer).await.unwrap();
        test.database.execute(change).await;
        advance(&test, id, &[LaunchStep::Namespace]).await;
        assert_eq!(next_event(&mut stream, &mut buffer).await, None, "{change}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_streams_and_takes_no_time() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let (_, operation) = server.launch(&ada, "birds.example").await;
    let request = server.request(Method::GET, &format!("{operation}/events")).bearer_auth(&ada.token);
    let (mut stream, mut buffer) = (request.send().await.unwrap(), String::new());
    next_event(&mut stream, &mut buffer).await.unwrap();
    let asked = Instant::now();
    server.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(next_event(&mut stream, &mut buffer).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_have_a_limit() {
    let test = TestApp::new().await;
    let ada = test.customer("ada@birds.example").await;
    let server = Server::of(test.app.clone(), &howdah_web::Settings { streams: 1, ..settings() });
    let (_, operation) = server.launch(&ada, "birds.example").await;
    let path = format!("{operation}/events");
    let first = server.request(Method::GET, &path).bearer_auth(&ada.token).send().await.unwrap();
    server.get(&ada, &path).await.is_problem(429, "too_many_streams");
    drop(first);
    // Who has left is noticed at the next thing there is to say.
    let id: Uuid = operation.rsplit('/').next().unwrap().parse().unwrap();
    let mut done = LaunchStep::NEW.iter().copied().take(8);
    wait_for("the place of a stream that was left", Duration::from_secs(10), async || {
        if let Some(step) = done.next() {
            advance(&test, id, &[step]).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let answer = server.request(Method::GET, &path).bearer_auth(&ada.token).send().await.unwrap();
        (answer.status() == 200).then_some(())
    })
    .await;
}
