//! `/operator/servers/{server}/diverged`: the cluster is ahead of the record, and an operator decides.

use howdah_app::sessions;
use howdah_db::models::instance::Instance;
use howdah_db::models::sync::{InstanceSync, Trouble};
use howdah_domain::InstanceId;
use howdah_testkit::app::TestApp;
use serde_json::{Value, json};

use super::servers::{ada, launch};
use crate::support::Server;
use crate::support::browser::{Browser, hidden, somebody};

/// A custom resource's spec with the numbers of the plan.
fn spec(test: &TestApp, id: InstanceId, version: &str) -> Value {
    let plan = test.app.plans.get("small").unwrap();
    let secret = |part: &str| json!({"name": format!("{}-{part}", id.resource_name())});
    json!({
        "id": id.to_string(), "domain": "frogs.fedi.localhost", "revision": 1, "version": version,
        "image": {"mastodon": format!("mastodon:v{version}"), "streaming": format!("streaming:v{version}")},
        "resources": howdah_app::jobs::manifest::resources(&plan.resources),
        "placement": "real", "bootstrap": {"new": {"ownerSecretRef": secret("owner")}},
        "identitySecretRef": secret("identity"), "smtpRef": secret("smtp"),
        "database": {"server": "main"}, "objectStorage": {"store": "main"}, "routing": {"enabled": true},
    })
}

/// The last sync found the cluster ahead.
pub async fn diverge(test: &TestApp, id: InstanceId, change: impl FnOnce(&mut Value)) {
    let conn = &mut test.database.conn().await;
    let (row, now) = (Instance::by_id(conn, id.as_uuid()).await.unwrap().unwrap(), test.app.clock.now());
    let mut cluster = spec(test, id, "4.9.1");
    change(&mut cluster);
    let divergence = json!({"revision": 99, "record": spec(test, id, &row.version), "cluster": cluster});
    InstanceSync::begin(conn, row.id, row.revision, now).await.unwrap();
    InstanceSync::decided(conn, row.id).await.unwrap();
    let trouble = Trouble { reason: "Diverged", detail: None, divergence: Some(&divergence) };
    assert!(InstanceSync::end(conn, row.id, row.revision, Some(trouble), now).await.unwrap());
}

async fn operator<'a>(test: &TestApp, server: &'a Server) -> Browser<'a> {
    somebody(test, "op@howdah.example", true).await;
    let operator = Browser::new(server);
    operator.sign_in("op@howdah.example").await;
    operator
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_differs_is_shown_and_adopted_once() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let id = launch(&ada).await;
    let operator = operator(&test, &server).await;
    let there = format!("/operator/servers/{id}");
    let page = format!("{there}/diverged");
    assert_eq!(operator.get(&page).await.header("location"), Some(there.as_str()), "there is nothing to decide");
    diverge(&test, id, |_| {}).await;
    let led = operator.get(&there).await.text;
    assert!(led.contains("The cluster is ahead of the record") && led.contains(&format!("href=\"{page}\"")), "{led}");
    ada.get(&page).await.is(404);
    ada.post(&format!("{there}/adopt"), &[]).await.is(404);

    let shown = operator.get(&page).await.is(200).text.clone();
    for part in [
        "has revision 99 of frogs.fedi.localhost, the record 1",
        "<code>image.mastodon</code>",
        "mastodon:v4.9.1",
        "it may not start",
        "/adopt</code>",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let form = [("revision", hidden(&shown, "revision"))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    test.clock.advance(sessions::RECENT + chrono::TimeDelta::seconds(1));
    for path in [page.clone(), format!("{there}/adopt")] {
        let asked = if path == page { operator.get(&path).await } else { operator.post(&path, &form).await };
        assert!(asked.header("location").is_some_and(|it| it.starts_with("/confirm-password")), "{path}: {asked:?}");
    }
    operator.post("/confirm-password", &[("password", crate::support::browser::PASSWORD), ("next", &page)]).await.is(303);

    let adopted = operator.post(&format!("{there}/adopt"), &form).await;
    assert_eq!((adopted.status, adopted.header("location")), (303, Some(there.as_str())), "{adopted:?}");
    let row = async || Instance::by_id(&mut *test.database.conn().await, id.as_uuid()).await.unwrap().unwrap();
    assert_eq!((row().await.version.as_str(), row().await.revision), ("4.9.1", 100));
    let after = operator.get(&there).await.text;
    assert!(after.contains("Adopted: the record has the cluster&#39;s state") && !after.contains("/diverged"), "{after}");
    assert_eq!(operator.post(&format!("{there}/adopt"), &form).await.header("location"), Some(there.as_str()), "decided before");
    assert_eq!(row().await.revision, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_decided_so_is_said_beside_the_button_that_is_not_there() {
    let (test, server) = Server::new().await;
    let id = launch(&ada(&test, &server).await).await;
    let operator = operator(&test, &server).await;
    let there = format!("/operator/servers/{id}");
    diverge(&test, id, |it| {
        it["placement"] = "moon".into();
        it["powerState"] = "SelfDestruct".into();
    })
    .await;
    let shown = operator.get(&format!("{there}/diverged")).await.is(200).text.clone();
    assert!(shown.contains("it has no place for placement.") && shown.contains("A farewell has begun"), "{shown}");
    assert!(!shown.contains("/adopt\"") && !shown.contains("/overwrite\""), "{shown}");
    for verb in ["adopt", "overwrite"] {
        let refused = operator.post(&format!("{there}/{verb}"), &[]).await;
        assert!(refused.status == 200 && refused.text.matches("class=\"notice warn\"").count() >= 3, "{verb}: {refused:?}");
    }

    diverge(&test, id, |_| {}).await;
    // Somebody else changed the server while the page was open.
    let stale = operator.post(&format!("{there}/overwrite"), &[("revision", "7")]).await;
    assert!(stale.text.contains("This has changed meanwhile."), "{stale:?}");
    let done = operator.post(&format!("{there}/overwrite"), &[("revision", "1")]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(there.as_str())), "{done:?}");
    let row = Instance::by_id(&mut *test.database.conn().await, id.as_uuid()).await.unwrap().unwrap();
    assert_eq!((row.version == "4.9.1", row.revision), (false, 100));
}
