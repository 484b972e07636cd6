//! The documented example on the real node: up, opened by its host names, down, nothing left.

use howdah_acceptance::server::Server;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::{World, until};
use howdah_crd::ConditionType;

#[tokio::test]
async fn the_documented_example_gives_a_running_server() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("the documented example");
    let server = Server::example(&world, "real").unwrap();
    server.apply(&world).await.unwrap();
    server.wait_for(&world, ConditionType::Ready, seconds(150)).await.unwrap();
    watch.lap("Ready");

    let inbox = world.cluster.secret(howdah_crd::INBOX_NAMESPACE, &format!("{}-owner", server.name)).await;
    assert!(inbox.is_err(), "the owner's name and address are not kept");
    opens(&world, &server).await;
    watch.lap("opened");

    server.destroy(&world).await.unwrap();
    watch.lap("destroyed");
}

/// By its own names, over verified TLS.
async fn opens(world: &World, server: &Server) {
    let media = format!("media.{}", server.domain);
    for name in [&server.domain, &media] {
        world.dns.set_a(name, &[&world.stack.ip().unwrap()]).await.unwrap();
    }
    let page = |path: &str| format!("https://{}{path}", server.domain);
    let health = until("/health", seconds(20), async || {
        let seen = world.visitor.get(&page("/health")).await?;
        anyhow::ensure!(seen.status == 200, "{} {}", seen.status, seen.text());
        Ok(seen)
    })
    .await
    .unwrap();
    assert!(health.text().contains("OK"), "{}", health.text());
    assert_eq!(world.visitor.get(&page("/about")).await.unwrap().status, 200);
    let actor = world.visitor.get_as(&page("/users/alice"), "application/activity+json").await.unwrap();
    assert!(actor.kind.starts_with("application/activity+json"), "{} {}", actor.status, actor.kind);
    let listing = world.visitor.get(&format!("https://{media}/")).await.unwrap();
    assert!(matches!(listing.status, 403 | 404), "nobody lists the bucket: {}", listing.status);
    for name in [&server.domain, &media] {
        world.dns.clear_a(name).await.unwrap();
    }
}
