//! What the API server itself refuses, by the definition's rules; and how `kubectl get mi` shows a server.

use howdah_acceptance::World;
use howdah_acceptance::server::Server;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_crd::ConditionType;
use http::Request;
use serde_json::{Value, json};

#[tokio::test]
async fn what_may_not_change_is_refused_by_the_api_server() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("rules of the definition");
    let mut server = Server::example(&world, "fake").unwrap();
    let (domain, id) = (server.domain.clone(), server.id.to_string());
    server.spec()["mediaDomain"] = json!(format!("files.{domain}"));
    server.apply(&world).await.unwrap();

    for (spec, says) in [
        (json!({"id": "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1e"}), "id cannot change"),
        (json!({"domain": "other.test"}), "domain cannot change"),
        (json!({"webDomain": "web.other.test"}), "webDomain cannot change"),
        (json!({"mediaDomain": "media.other.test"}), "mediaDomain cannot change"),
        (json!({"mediaDomain": null}), "mediaDomain cannot change"),
        (json!({"identitySecretRef": {"name": "other-identity"}}), "identitySecretRef cannot change"),
        (json!({"database": {"server": "other"}}), "database cannot change"),
        (json!({"objectStorage": {"store": "other"}}), "objectStorage cannot change"),
        (json!({"revision": 0}), "spec.revision"),
        (json!({"teardown": {"kind": "Remove", "confirm": "yes"}}), "teardown.confirm must repeat the id"),
        (json!({"teardown": {"kind": "Sell", "confirm": id}}), "spec.teardown.kind"),
        (json!({"powerState": "Rehearsal"}), "a rehearsal"),
        (json!({"powerState": "MovedOut"}), "only what is suspended can have moved out"),
        (json!({"mediaRedirect": "http://files.other.test"}), "spec.mediaRedirect"),
        (json!({"powerState": "Off"}), "spec.powerState"),
        (json!({"version": "latest"}), "spec.version"),
        (json!({"placement": "Fake!"}), "spec.placement"),
        (json!({"resources": {"web": {"replicas": 0}}}), "spec.resources.web.replicas"),
        (json!({"resources": {"redis": {"storage": "much"}}}), "spec.resources.redis.storage"),
    ] {
        refused(server.patch(&world, spec.clone()).await, &spec, says);
    }
    server.patch(&world, json!({"revision": 7})).await.unwrap();
    refused(server.patch(&world, json!({"revision": 6})).await, &json!(6), "revision cannot go back");

    server.wait_for(&world, ConditionType::WorkloadsReady, seconds(90)).await.unwrap();
    columns(&world, &server).await;
    server.patch(&world, json!({"powerState": "SelfDestruct"})).await.unwrap();
    let back = json!({"powerState": "Running"});
    refused(server.patch(&world, back.clone()).await, &back, "a self-destruct cannot be taken back");
    server.destroy(&world).await.unwrap();
}

fn refused<T: std::fmt::Debug>(answer: Result<T, kube::Error>, what: &Value, says: &str) {
    match answer {
        Err(kube::Error::Api(status)) => {
            assert_eq!(status.code, 422, "{what}: {}", status.message);
            assert!(status.message.contains(says), "{what}: {} (wanted: {says})", status.message);
        }
        other => panic!("{what} is taken: {other:?}"),
    }
}

/// The table that `kubectl get mi` prints.
async fn columns(world: &World, server: &Server) {
    let path = format!("/apis/howdah.dev/v1alpha1/mastodoninstances/{}", server.name);
    let request = Request::get(path).header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io").body(Vec::new()).unwrap();
    let table: Value = world.cluster.client.request(request).await.unwrap();
    let names: Vec<&str> = table["columnDefinitions"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["Name", "Domain", "Version", "Power", "Ready", "Reason", "Age"]);
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(cells[..4], [json!(server.name), json!(server.domain), json!("4.5.11"), json!("Running")]);
    assert!(matches!(cells[4].as_str(), Some("True" | "False")), "{cells:?}");
    assert!(cells[5].is_string() && cells[6].is_string(), "{cells:?}");
}
