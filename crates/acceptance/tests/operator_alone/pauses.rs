//! A server that is suspended, read-only, runs again, and moves out, on the real node: what people and other servers are answered at
//! every moment, through the ingress.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::ensure;
use howdah_acceptance::leftovers::{assert_nothing_left, in_store};
use howdah_acceptance::server::Server;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::{World, until};
use howdah_crd::ConditionType;
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinHandle;

/// How often somebody asks.
const PAUSE: Duration = Duration::from_millis(50);
const HOUR: &str = "3600";

/// Status and `Retry-After` of an answer.
type Answer = (u16, String);

async fn ask(http: &reqwest::Client, method: Method, url: &str) -> anyhow::Result<Answer> {
    let response = http.request(method, url).send().await?;
    let retry_after = response.headers().get("retry-after").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    Ok((response.status().as_u16(), retry_after))
}

/// Asks all the time, and counts what it is answered.
struct Onlooker {
    stop: Arc<AtomicBool>,
    asks: JoinHandle<BTreeMap<String, usize>>,
}

impl Onlooker {
    fn of(world: &World, url: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (http, ends) = (world.http.clone(), Arc::clone(&stop));
        let asks = tokio::spawn(async move {
            let mut seen = BTreeMap::new();
            while !ends.load(Ordering::SeqCst) {
                let answer = match ask(&http, Method::GET, &url).await {
                    Ok((status, retry_after)) => format!("{status} {retry_after}").trim().to_owned(),
                    Err(error) => format!("{error:#}"),
                };
                *seen.entry(answer).or_default() += 1;
                tokio::time::sleep(PAUSE).await;
            }
            seen
        });
        Self { stop, asks }
    }

    async fn seen(self) -> BTreeMap<String, usize> {
        self.stop.store(true, Ordering::SeqCst);
        self.asks.await.unwrap()
    }
}

/// One that runs, and is found.
async fn running(world: &World) -> Server {
    let server = Server::example(world, "real").unwrap();
    server.apply(world).await.unwrap();
    server.wait_for(world, ConditionType::Ready, seconds(150)).await.unwrap();
    let media = format!("media.{}", server.domain);
    for name in [&server.domain, &media] {
        world.dns.set_a(name, &[&world.stack.ip().unwrap()]).await.unwrap();
    }
    answers(world, &server, Method::GET, "/health", 200, "").await;
    server
}

/// Sooner or later.
async fn answers(world: &World, server: &Server, method: Method, path: &str, status: u16, retry_after: &str) {
    let url = format!("https://{}{path}", server.domain);
    until(&format!("{method} {path} is answered {status}"), seconds(60), async || {
        let seen = ask(&world.http, method.clone(), &url).await?;
        ensure!(seen == (status, retry_after.to_owned()), "{seen:?}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn somebody_is_answered_at_every_moment_of_a_pause() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("pauses");
    let server = running(&world).await;
    watch.lap("a server that runs");
    let onlooker = Onlooker::of(&world, format!("https://{}/health", server.domain));

    server.patch(&world, json!({"powerState": "Suspended"})).await.unwrap();
    server.wait_for(&world, ConditionType::Stopped, seconds(90)).await.unwrap();
    watch.lap("suspended, and stopped");
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/.well-known/webfinger?resource=acct:alice@x"),
        (Method::GET, "/users/alice"),
        (Method::POST, "/inbox"),
        (Method::POST, "/api/v1/statuses"),
        (Method::GET, "/api/v1/streaming/public"),
    ] {
        answers(&world, &server, method, path, 503, HOUR).await;
    }
    let page = world.visitor.get_as(&format!("https://{}/", server.domain), "text/html").await.unwrap();
    assert!(page.kind.starts_with("text/html") && page.text().contains("paused"), "{}", page.text());
    watch.lap("503 everywhere");

    server.patch(&world, json!({"powerState": "Running"})).await.unwrap();
    answers(&world, &server, Method::GET, "/health", 200, "").await;
    server.wait_for(&world, ConditionType::Ready, seconds(60)).await.unwrap();
    let took = watch.lap("to Running");
    assert!(took <= seconds(60), "{took:?}");

    server.patch(&world, json!({"powerState": "ReadOnly"})).await.unwrap();
    answers(&world, &server, Method::POST, "/api/v1/statuses", 503, HOUR).await;
    let about = world.visitor.get_as(&format!("https://{}/about", server.domain), "text/html").await.unwrap();
    assert_eq!(about.status, 200);
    let (inbox, _) = ask(&world.http, Method::POST, &format!("https://{}/inbox", server.domain)).await.unwrap();
    assert!(inbox != 503, "federation goes on: {inbox}");
    watch.lap("read-only");
    for (path, refused) in [("/auth", true), ("/settings/profile", true), ("/auth/sign_in", false), ("/settings/export", false)] {
        let (status, _) = ask(&world.http, Method::POST, &format!("https://{}{path}", server.domain)).await.unwrap();
        assert_eq!(status == 503, refused, "POST {path} is answered {status}");
    }
    // From one gate to the other.
    let streams = Onlooker::of(&world, format!("https://{}/api/v1/streaming/health", server.domain));
    server.patch(&world, json!({"powerState": "Suspended"})).await.unwrap();
    server.wait_for(&world, ConditionType::Stopped, seconds(90)).await.unwrap();
    answers(&world, &server, Method::GET, "/api/v1/streaming/health", 503, HOUR).await;
    let seen = streams.seen().await;
    eprintln!("  streaming was answered {seen:?}");
    let strange: Vec<_> = seen.keys().filter(|it| !["200", "503 3600"].contains(&it.as_str())).collect();
    assert!(strange.is_empty(), "{seen:?}");
    watch.lap("read-only, then suspended");
    server.patch(&world, json!({"powerState": "Running"})).await.unwrap();
    until("writes pass", seconds(60), async || {
        let (status, _) = ask(&world.http, Method::POST, &format!("https://{}/api/v1/statuses", server.domain)).await?;
        ensure!(status != 503, "{status}");
        Ok(())
    })
    .await
    .unwrap();
    server.wait_for(&world, ConditionType::Ready, seconds(60)).await.unwrap();
    watch.lap("and back");

    let seen = onlooker.seen().await;
    eprintln!("  /health was answered {seen:?}");
    let strange: Vec<_> = seen.keys().filter(|it| !["200", "503 3600", "503 30"].contains(&it.as_str())).collect();
    assert!(strange.is_empty(), "{seen:?}");
    server.destroy(&world).await.unwrap();
    watch.lap("destroyed");
}

#[tokio::test]
async fn of_what_has_moved_out_the_media_host_leads_on() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("moved out");
    let server = running(&world).await;
    let id = server.id.to_string();
    let moved = json!({
        "powerState": "MovedOut", "teardown": {"kind": "MoveOut", "confirm": id}, "mediaRedirect": "https://files.new.example/birds",
    });
    assert!(server.patch(&world, moved.clone()).await.is_err(), "it runs");
    server.patch(&world, json!({"powerState": "Suspended"})).await.unwrap();
    server.wait_for(&world, ConditionType::Stopped, seconds(90)).await.unwrap();
    assert!(server.patch(&world, json!({"powerState": "MovedOut"})).await.is_err(), "nobody has confirmed that its data goes");
    watch.lap("a server that is stopped");

    server.patch(&world, moved).await.unwrap();
    server.wait_for(&world, ConditionType::DataDestroyed, seconds(120)).await.unwrap();
    server.wait_for(&world, ConditionType::Ready, seconds(30)).await.unwrap();
    watch.lap("its data destroyed");
    assert_eq!(world.tenants.leftovers(server.id).await.unwrap(), [""; 0]);
    assert_eq!(in_store(&world.stack, server.id).await.unwrap(), [""; 0]);
    let file = format!("https://media.{}/accounts/avatars/1/original/a.png", server.domain);
    let led = async |to: &str| {
        until("its media host leads on", seconds(30), async || {
            let seen = world.visitor.get(&file).await?;
            ensure!((seen.status, seen.location.as_deref()) == (301, Some(to)), "{} {:?}", seen.status, seen.location);
            Ok(())
        })
        .await
        .unwrap();
    };
    led("https://files.new.example/birds/accounts/avatars/1/original/a.png").await;
    server.patch(&world, json!({"mediaRedirect": "https://other.example"})).await.unwrap();
    led("https://other.example/accounts/avatars/1/original/a.png").await;
    assert!(server.patch(&world, json!({"powerState": "Running"})).await.is_err(), "there is nothing that could run");
    watch.lap("led on");

    server.delete(&world).await.unwrap();
    server.forget_secrets(&world).await.unwrap();
    assert_nothing_left(&world, &[server.id]).await.unwrap();
    watch.lap("gone");
}
