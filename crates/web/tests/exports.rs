//! A server is taken along by the API.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use howdah_db::models::export::Export;
use howdah_db::models::instance::Page;
use howdah_testkit::app::{Somebody, TestApp};
use howdah_testkit::own_buckets::Trouble;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Server, new_instance};

const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// A server that came up, by its address.
async fn running(test: &TestApp, server: &Server, whose: &Somebody) -> String {
    let launched = server.post(whose, "/api/v1/instances", &new_instance("birds.example")).await.is(202).json();
    test.database.execute("UPDATE instances SET launched_at = created_at WHERE domain = 'birds.example'").await;
    launched["url"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_begun_once_shown_listed_and_cancelled() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let url = running(&test, &server, &ada).await;
    let begin = || {
        let request = server.request(Method::POST, &format!("{url}/exports")).bearer_auth(&ada.token).header("Idempotency-Key", "export-1");
        server.send(request.json(&json!({"recipients": [KEY], "recovery_key": true})))
    };
    let first = begin().await;
    let begun = first.is(202).json();
    assert_eq!((first.header("location"), first.header("cache-control")), (begun["url"].as_str(), Some("no-store")));
    let key: age::x25519::Identity = begun["recovery_key"].as_str().unwrap().parse().unwrap();
    let again = begin().await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!((&again.json()["id"], again.json().get("recovery_key")), (&begun["id"], None));

    let shown = server.get(&ada, begun["url"].as_str().unwrap()).await.is(200).json();
    assert_eq!((&shown["state"], &shown["destination"], &shown["size"]), (&json!("queued"), &json!("kept"), &Value::Null));
    assert_eq!(shown["recipients"], json!([KEY, key.to_public().to_string()]));
    let listed = server.get(&ada, &format!("{url}/exports")).await.is(200).json();
    assert_eq!(listed, json!({"items": [shown], "next_cursor": null}));
    let operation = server.get(&ada, begun["operation_url"].as_str().unwrap()).await.is(200).json();
    assert_eq!((&operation["kind"], &operation["steps"][0]["name"]), (&json!("export"), &json!("bundle")));

    let second = server.post(&ada, &format!("{url}/exports"), &json!({"recipients": [KEY]})).await;
    assert_eq!(second.is(409).json()["reason"], "export_under_way");
    let cancel = format!("{}/cancel", begun["url"].as_str().unwrap());
    server.post(&ada, &cancel, &json!({})).await.is(202);
    assert_eq!(server.post(&ada, &cancel, &json!({})).await.is(409).json()["reason"], "ended");
    assert_eq!(server.get(&ada, begun["url"].as_str().unwrap()).await.json()["state"], "cancelled");
}

/// Answered once, and kept nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_phrase_is_in_one_answer() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let url = running(&test, &server, &ada).await;
    let begin = |body: Value| {
        let request = server.request(Method::POST, &format!("{url}/exports")).bearer_auth(&ada.token).header("Idempotency-Key", "export-1");
        server.send(request.json(&body))
    };
    let begun = begin(json!({"recovery_phrase": true})).await.is(202).json();
    let phrase = begun["recovery_phrase"].as_str().unwrap().to_owned();
    assert_eq!((phrase.split('-').count(), begun.get("recovery_key")), (12, None));
    let again = begin(json!({"recovery_phrase": true})).await.is(202).json();
    assert_eq!((&again["id"], again.get("recovery_phrase")), (&begun["id"], None));
    let shown = server.get(&ada, begun["url"].as_str().unwrap()).await.is(200).json();
    assert_eq!((&shown["opens_by_words"], shown["recipients"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    let page = Page { before: None, limit: 1 };
    let id = howdah_domain::InstanceId::from_uuid(url.rsplit('/').next().unwrap().parse().unwrap());
    let (row, _) = Export::page_of_instance(&mut *test.database.conn().await, id.as_uuid(), page).await.unwrap().remove(0);
    let opened = age::decrypt(&age::scrypt::Identity::new(phrase.into()), &row.recovery_key.unwrap()).unwrap();
    assert!(String::from_utf8(opened).unwrap().contains("\nAGE-SECRET-KEY-1"));
}

/// Tried out before it begins; no answer ever has its keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_goes_to_a_bucket_of_ones_own() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let url = format!("{}/exports", running(&test, &server, &ada).await);
    let bucket = json!({
        "endpoint": "https://s3.example.com", "region": "eu-central-1", "bucket": "mine", "prefix": "birds",
        "access_key_id": "AKIA-1", "secret_access_key": "s3cr3t-1",
    });
    let body = json!({"recipients": [KEY], "bucket": bucket});
    test.own_buckets.fail(Some(Trouble::Keys));
    let refused = server.post(&ada, &url, &body).await.is(422).json();
    assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["reason"]), (&json!("bucket.access_key_id"), &json!("wrong_keys")));
    test.own_buckets.fail(None);
    let mut inside = body.clone();
    inside["bucket"]["endpoint"] = json!("https://169.254.169.254");
    assert_eq!(server.post(&ada, &url, &inside).await.is(422).json()["errors"][0]["field"], "bucket.endpoint");

    let begun = server.post(&ada, &url, &body).await.is(202).json();
    let shown = server.get(&ada, begun["url"].as_str().unwrap()).await;
    let place =
        json!({"endpoint": "https://s3.example.com", "bucket": "mine", "prefix": format!("birds/{}", begun["id"].as_str().unwrap())});
    assert_eq!((&shown.is(200).json()["bucket"], &shown.json()["destination"]), (&place, &json!("bucket")));
    assert!(!shown.text.contains("s3cr3t-1") && !shown.text.contains("AKIA-1"), "{shown:?}");
    let links = server.get(&ada, &format!("{}/links", begun["url"].as_str().unwrap())).await;
    assert_eq!(links.is(409).json()["reason"], "elsewhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_is_set_shown_and_taken_off() {
    let (test, server) = Server::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@cats.example").await);
    let url = format!("{}/exports", running(&test, &server, &ada).await);
    let at = format!("{url}/schedule");
    let set = |whose: &Somebody, body: Value| server.send(server.request(Method::PUT, &at).bearer_auth(&whose.token).json(&body));
    let off = server.get(&ada, &at).await.is(200).json();
    assert_eq!(off, json!({"every": null, "keep": 3, "next_at": null, "can_be_set": false}));
    assert_eq!(set(&ada, json!({"every": "day"})).await.is(409).json()["reason"], "no_keys");

    server.post(&ada, &url, &json!({"recovery_phrase": true})).await.is(202);
    test.database.execute("UPDATE exports SET size = 12, content_digest = 'v1:x'").await;
    let daily = set(&ada, json!({"every": "day", "keep": 2})).await.is(200).json();
    assert_eq!((&daily["every"], &daily["keep"], daily["next_at"].is_string()), (&json!("day"), &json!(2), true));
    assert_eq!(server.get(&ada, &at).await.is(200).json(), daily);
    assert_eq!(set(&ada, json!({"every": "week", "keep": 11})).await.is(422).json()["errors"][0]["field"], "keep");
    assert!([400, 422].contains(&set(&ada, json!({"every": "hour"})).await.status));
    assert_eq!(set(&eve, json!({"every": "week"})).await.status, 404);
    assert_eq!(server.get(&eve, &at).await.status, 404);
    assert_eq!(set(&ada, json!({})).await.is(200).json()["every"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused() {
    let (test, server) = Server::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@cats.example").await);
    let url = format!("{}/exports", running(&test, &server, &ada).await);
    for (body, reason) in [
        (json!({}), "missing"),
        (json!({"recipients": ["age1x"]}), "malformed"),
        (json!({"recipients": ["AGE-SECRET-KEY-1XXXX"]}), "malformed"),
        (json!({"passphrase": "too short"}), "length"),
        (json!({"passphrase": "long enough for one", "recovery_phrase": true}), "one_of_two"),
    ] {
        let problem = server.post(&ada, &url, &body).await.is(422).json();
        assert_eq!(problem["errors"][0]["reason"], reason, "{problem}");
    }
    assert_eq!(server.post(&eve, &url, &json!({"recipients": [KEY]})).await.status, 404, "another's server");
    let begun = server.post(&ada, &url, &json!({"recipients": [KEY]})).await.is(202).json();
    let at = begun["url"].as_str().unwrap();
    assert_eq!(server.get(&eve, at).await.status, 404);
    assert_eq!(server.post(&eve, &format!("{at}/cancel"), &json!({})).await.status, 404);
    let other = server.post(&ada, "/api/v1/instances", &new_instance("cats.example")).await.is(202).json();
    let not_up = server.post(&ada, &format!("{}/exports", other["url"].as_str().unwrap()), &json!({"recipients": [KEY]})).await;
    assert_eq!(not_up.is(409).json()["reason"], "not_set_up");
}

/// By links to each file, as a configuration file of curl's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_fetched_by_links() {
    let (test, server) = Server::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@cats.example").await);
    let url = running(&test, &server, &ada).await;
    let begun = server.post(&ada, &format!("{url}/exports"), &json!({"recipients": [KEY]})).await.is(202).json();
    let links = format!("{}/links", begun["url"].as_str().unwrap());
    assert_eq!(server.get(&ada, &links).await.is(409).json()["reason"], "not_whole");

    let made = "UPDATE exports SET size = 12, content_digest = 'v1:x', kept_until = created_at + interval '3 days'";
    test.database.execute(made).await;
    assert_eq!(server.get(&ada, &links).await.is(409).json()["reason"], "not_kept", "nothing is there");
    let at = format!("{}/{}", url.rsplit('/').next().unwrap(), begun["id"].as_str().unwrap());
    for file in [
        "MANIFEST.json",
        "media/accounts/avatars/1/original/a.png",
        ".journal/1-0",
        "media/../../out",
        "media/\"\nurl = \"file:///etc/passwd",
    ] {
        test.bundles.put(&format!("{at}/{file}"));
    }
    let answer = server.get(&ada, &links).await;
    let text = answer.is(200).text.clone();
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"birds.example.curl\""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let urls: Vec<&str> = text.lines().filter(|it| it.starts_with("url = ")).collect();
    let outputs: Vec<&str> = text.lines().filter(|it| it.starts_with("output = ")).collect();
    assert!(urls.len() == 2 && urls[0].contains("/MANIFEST.json?X-Amz-Expires=259200"), "as long as it is kept: {text}");
    assert!(
        outputs[1].starts_with("output = \"birds.example-") && outputs[1].ends_with("/media/accounts/avatars/1/original/a.png\""),
        "{text}"
    );
    assert!(text.matches("was left out").count() == 2 && !text.contains("passwd") && text.ends_with("# The end.\n"), "{text}");

    assert_eq!(server.get(&eve, &links).await.status, 404);
    test.bundles.go_away(true);
    assert_eq!(server.get(&ada, &links).await.status, 503);
}
