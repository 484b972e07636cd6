//! A server is brought in by the API, and on its pages.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use howdah_db::models::import_pull::ImportPull;
use howdah_testkit::app::TestApp;
use howdah_testkit::arriving::bundle;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use support::Server;

const DOMAIN: &str = "birds.example";

/// Begun, with all of its bundle there: its address, and what opens it.
async fn brought(test: &TestApp, server: &Server, token: &howdah_testkit::app::Somebody) -> (String, String) {
    let begun = server.post(token, "/api/v1/imports", &json!({})).await.is(201).json();
    let arriving = bundle(DOMAIN, "4.5.11");
    test.bundles.put_all(&format!("imports/{}", begun["id"].as_str().unwrap()), &arriving.files);
    (begun["url"].as_str().unwrap().to_owned(), arriving.key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_begun_brought_looked_into_and_launched() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let begun = server.post(&ada, "/api/v1/imports", &json!({})).await;
    let url = begun.is(201).json()["url"].as_str().unwrap().to_owned();
    assert_eq!(begun.header("location"), Some(url.as_str()));
    let open = server.get(&ada, &url).await.is(200).json();
    assert_eq!((&open["state"], &open["seen"], &open["instance_id"]), (&json!("open"), &Value::Null, &Value::Null));

    let files =
        json!({"files": [{"path": "PREFLIGHT.json", "bytes": 10}, {"path": "media/accounts/avatars/1/original/a.png", "bytes": 3}]});
    test.bundles.put_bytes(&format!("imports/{}/media/accounts/avatars/1/original/a.png", open["id"].as_str().unwrap()), b"png");
    let offered = server.post(&ada, &format!("{url}/files"), &files).await;
    assert_eq!(offered.header("cache-control"), Some("no-store"));
    let offered = offered.is(200).json();
    assert!(offered["files"][0]["url"].as_str().unwrap().contains("/PREFLIGHT.json?"), "{offered}");
    assert_eq!(offered["files"][1]["url"], Value::Null, "it is there already");
    test.bundles.forget(&format!("imports/{}/media/accounts/avatars/1/original/a.png", open["id"].as_str().unwrap()));

    let arriving = bundle(DOMAIN, "4.5.11");
    test.bundles.put_all(&format!("imports/{}", open["id"].as_str().unwrap()), &arriving.files);
    let seen = server.post(&ada, &format!("{url}/look"), &json!({"key": arriving.key})).await.is(200).json();
    assert_eq!((&seen["seen"]["holds"], &seen["seen"]["is_proved"], &seen["seen"]["findings"]), (&json!(true), &json!(true), &json!([])));
    assert_eq!(seen["seen"]["server"]["domain"], DOMAIN);
    assert!(!seen.to_string().contains("AGE-SECRET-KEY"), "a key is never shown");

    let launch = || {
        let request = server.request(Method::POST, &format!("{url}/launch")).bearer_auth(&ada.token).header("Idempotency-Key", "import-1");
        server.send(request.json(&json!({"plan": "small", "key": arriving.key})))
    };
    let launched = launch().await;
    let body = launched.is(202).json();
    assert_eq!(launched.header("location"), body["operation"]["url"].as_str());
    assert_eq!(launch().await.header("idempotent-replayed"), Some("true"));
    let operation = server.get(&ada, body["operation"]["url"].as_str().unwrap()).await.is(200).json();
    assert_eq!((&operation["kind"], &operation["steps"][5]["name"]), (&json!("import"), &json!("data")));
    let shown = server.get(&ada, &url).await.is(200).json();
    assert_eq!((&shown["state"], &shown["instance_id"]), (&json!("launched"), &body["id"]));
    assert_eq!(server.post(&ada, &format!("{url}/cut-over"), &json!({})).await.is(409).json()["reason"], "not_rehearsing");
    assert_eq!(server.get(&ada, "/api/v1/imports").await.is(200).json()["items"][0]["id"], shown["id"]);

    let again = server.post(&ada, &format!("{url}/discard"), &json!({})).await.is(202).json();
    assert!(again["again"]["url"].as_str().unwrap() != url);
    assert_eq!(server.get(&ada, &url).await.is(200).json()["state"], "gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused() {
    let (test, server) = Server::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@cats.example").await);
    let (url, key) = brought(&test, &server, &ada).await;
    for (path, body) in
        [("files", json!({"files": [{"path": "PREFLIGHT.json", "bytes": 1}]})), ("look", json!({})), ("launch", json!({"plan": "small"}))]
    {
        assert_eq!(server.post(&eve, &format!("{url}/{path}"), &body).await.status, 404, "{path} of another's");
    }
    assert_eq!(server.get(&eve, &url).await.status, 404);
    for path in ["../secrets", "/etc/passwd", "media/../../x", "somewhere/else", "env/\n"] {
        let problem = server.post(&ada, &format!("{url}/files"), &json!({"files": [{"path": path, "bytes": 1}]})).await.is(422).json();
        assert_eq!(problem["errors"][0]["reason"], "path", "{path}");
    }
    let large = json!({"files": [{"path": "PREFLIGHT.json", "bytes": 6_u64 << 40}]});
    assert_eq!(server.post(&ada, &format!("{url}/files"), &large).await.is(422).json()["errors"][0]["reason"], "too_large");
    assert_eq!(server.post(&ada, &format!("{url}/files"), &json!({"files": []})).await.is(422).json()["errors"][0]["reason"], "count");
    for (body, field) in [
        (json!({"plan": "huge", "key": key}), "plan"),
        (json!({"plan": "small"}), "key"),
        (json!({"plan": "small", "key": "AGE-SECRET-KEY-1"}), "key"),
        (json!({"plan": "small", "key": bundle(DOMAIN, "4.5.11").key}), "key"),
    ] {
        let problem = server.post(&ada, &format!("{url}/launch"), &body).await.is(422).json();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    for _ in 0..4 {
        server.post(&ada, "/api/v1/imports", &json!({})).await.is(201);
    }
    assert_eq!(server.post(&ada, "/api/v1/imports", &json!({})).await.is(409).json()["reason"], "too_many_imports");
}

/// The key that a Job would be given.
async fn pull_key(test: &TestApp, url: &str) -> String {
    let id = url.rsplit('/').next().unwrap().parse().unwrap();
    let pull = ImportPull::of(&mut *test.database.conn().await, id).await.unwrap().unwrap();
    let secret = pull.secret(&test.app.keys).unwrap().unwrap();
    let variables: Value = serde_json::from_slice(secret.expose_secret()).unwrap();
    variables["HOWDAH_PULL_KEY"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_is_pulled_by_a_key_that_does_nothing_else() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let begun = server.post(&ada, "/api/v1/imports", &json!({})).await.is(201).json();
    let url = begun["url"].as_str().unwrap().to_owned();
    for (body, status) in [
        (json!({}), 400),
        (
            json!({"url": "https://b.example/b.tar", "bucket": {"endpoint": "https://s3.example", "bucket": "b", "access_key_id": "a", "secret_access_key": "s"}}),
            400,
        ),
        (json!({"url": "http://b.example/b.tar"}), 422),
        (json!({"url": "https://ada@b.example/b.tar"}), 422),
        (json!({"bucket": {"endpoint": "https://s3.example/path", "bucket": "b", "access_key_id": "a", "secret_access_key": "s"}}), 422),
    ] {
        assert_eq!(server.post(&ada, &format!("{url}/pull"), &body).await.status, status, "{body}");
    }
    let wanted = json!({"url": "https://b.example/b.tar?signature=very-secret"});
    let pulling = server.once(&ada, &format!("{url}/pull"), "pull-1", &wanted).await;
    pulling.is(202);
    server.once(&ada, &format!("{url}/pull"), "pull-1", &wanted).await.is_again(&pulling);
    let shown = server.get(&ada, &url).await.is(200).json();
    assert_eq!((&shown["pull"]["source"], &shown["pull"]["state"]), (&json!("https://b.example/b.tar"), &json!("queued")));
    assert!(!shown.to_string().contains("secret"), "{shown}");
    assert_eq!(server.post(&ada, &format!("{url}/pull"), &wanted).await.is(409).json()["reason"], "pulling");

    let (key, run) = (pull_key(&test, &url).await, format!("/api/v1/pulls/{}", begun["id"].as_str().unwrap()));
    let as_run = |path: String, body: Value| server.send(server.request(Method::POST, &path).bearer_auth(&key).json(&body));
    let files = json!({"files": [{"path": "PREFLIGHT.json", "bytes": 10}, {"path": "postgres/checks.json", "bytes": 9 << 20}]});
    let offered = as_run(format!("{run}/files"), files.clone()).await.is(200).json();
    assert!(offered["files"][0]["url"].as_str().unwrap().contains("/PREFLIGHT.json?"), "{offered}");
    let parts = offered["files"][1]["parts"].as_array().unwrap();
    assert_eq!((&parts[1]["offset"], &parts[1]["bytes"]), (&json!(8 << 20), &json!(1 << 20)));
    let told = json!({"is_done": false, "files": 2, "bytes": 20, "sentence": null});
    assert_eq!(as_run(format!("{run}/report"), told.clone()).await.is(200).json()["goes_on"], json!(true));
    assert_eq!(server.get(&ada, &url).await.json()["pull"]["bytes"], json!(20));
    for (path, who, body) in [
        ("/api/v1/imports".to_owned(), &key, json!({})),
        (url.clone(), &key, files.clone()),
        (format!("{run}/files"), &ada.token, files.clone()),
    ] {
        let refused = server.send(server.request(Method::POST, &path).bearer_auth(who).json(&body)).await;
        assert!([401, 405].contains(&refused.status), "{path}: {}", refused.status);
    }
    let other = server.post(&ada, "/api/v1/imports", &json!({})).await.is(201).json();
    as_run(format!("/api/v1/pulls/{}/files", other["id"].as_str().unwrap()), files.clone()).await.is(401);

    server.post(&ada, &format!("{url}/pull/stop"), &json!({})).await.is(202);
    as_run(format!("{run}/files"), files).await.is(401);
    as_run(format!("{run}/report"), told).await.is(401);
    assert_eq!(server.get(&ada, &url).await.json()["pull"]["state"], "failed");
}
