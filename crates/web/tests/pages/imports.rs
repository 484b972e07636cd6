//! `/imports`: a server is brought in, rehearsed, decided on and thrown away, by forms alone.

use howdah_testkit::app::TestApp;
use howdah_testkit::arriving::bundle;

use super::servers::ada;
use crate::support::Server;
use crate::support::browser::{Browser, hidden, somebody};

const DOMAIN: &str = "birds.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_brought_in_by_forms_alone() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let door = ada.get("/servers/new").await.is(200).text.clone();
    assert!(door.contains("<a href=\"/imports\">Bring it in</a>"), "the launch's second door");
    let offered = ada.get("/imports").await.is(200).text.clone();
    assert!(offered.contains("Nothing yet"), "{offered}");
    let begun = ada.post("/imports", &[("key", &hidden(&offered, "key"))]).await;
    let page = begun.is(303).header("location").unwrap().to_owned();
    assert_eq!(
        ada.post("/imports", &[("key", &hidden(&offered, "key"))]).await.is(303).header("location"),
        Some(&*page),
        "sent twice, begun once"
    );

    let empty = ada.get(&page).await.is(200).text.clone();
    assert!(empty.contains("howdah bundle push") && empty.contains("/api/v1/imports/") && !empty.contains("What was found"), "{empty}");
    ada.post(&format!("{page}/look"), &[]).await.is(303);
    let missing = ada.get(&page).await.is(200).text.clone();
    assert!(missing.contains("PREFLIGHT.json is missing") && !missing.contains("Rehearse</button>"), "{missing}");

    let arriving = bundle(DOMAIN, "4.5.11");
    test.bundles.put_all(&page[1..], &arriving.files);
    ada.post(&format!("{page}/look"), &[]).await.is(303);
    let seen = ada.get(&page).await.is(200).text.clone();
    assert!(seen.contains("Nothing speaks against it.") && seen.contains(DOMAIN) && seen.contains("Mastodon 4.5.11"), "{seen}");
    let other = bundle(DOMAIN, "4.5.11").key;
    let wrong = ada.post(&format!("{page}/launch"), &[("key", &hidden(&seen, "key")), ("plan", "small"), ("identity", &other)]).await;
    assert!(wrong.status == 422 && !wrong.text.contains(&other) && wrong.text.contains("id=\"key-error\""), "{wrong:?}");
    let form = [("key", &*hidden(&wrong.text, "key")), ("plan", "small"), ("identity", &*arriving.key)];
    ada.post(&format!("{page}/launch"), &form).await.is(303);
    let loading = ada.get(&page).await.is(200).text.clone();
    assert!(loading.contains("It is being loaded") && loading.contains("/servers/birds-example"), "{loading}");
    assert!(!loading.contains(&arriving.key) && !loading.contains("Cut over</button>"), "{loading}");

    rehearses(&test).await;
    let decide = ada.get(&page).await.is(200).text.clone();
    assert!(
        decide.contains("Open the rehearsal") && decide.contains("https://preview-") && decide.contains("Cut over</button>"),
        "{decide}"
    );
    let overview = ada.get("/servers/birds-example").await.is(200).text.clone();
    assert!(overview.contains("It waits for your decision.") && !overview.contains("doesn’t lead here yet"), "{overview}");
    let records = ada.get("/servers/birds-example/address").await.is(200).text.clone();
    assert!(records.contains("set only the record that proves the domain") && !records.contains("to put right"), "{records}");
    assert_eq!(ada.get("/servers/birds-example/rehearsal").await.is(303).header("location"), Some(&*page));
    let unknown = ada.post(&format!("{page}/cut-over"), &[("key", &hidden(&decide, "key"))]).await;
    assert!(unknown.status == 422 && unknown.text.contains("is not known yet"), "{unknown:?}");
    let form = [("key", &*hidden(&unknown.text, "key")), ("source_is_stopped", "on")];
    ada.post(&format!("{page}/cut-over"), &form).await.is(303);
    let decided = ada.get(&page).await.is(200).text.clone();
    assert!(decided.contains("It has its place here") && decided.contains("The way back ends <span"), "{decided}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_is_said_before_it_is_thrown_away() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let offered = ada.get("/imports").await.is(200).text.clone();
    let page = ada.post("/imports", &[("key", &hidden(&offered, "key"))]).await.is(303).header("location").unwrap().to_owned();
    let asked = ada.get(&format!("{page}/discard")).await.is(200).text.clone();
    assert!(asked.contains("What was brought is deleted.") && asked.contains("Keep it"), "{asked}");
    ada.post(&format!("{page}/discard"), &[("key", &hidden(&asked, "key"))]).await.is(303);
    assert!(ada.get("/imports").await.is(200).text.contains("It is thrown away."));
    let again = ada.post(&format!("{page}/discard"), &[("key", &hidden(&ada.get(&format!("{page}/discard")).await.text, "key"))]).await;
    assert_eq!(again.status, 303, "its files go with the next tick: until then it can be thrown away again");
    somebody(&test, "eve@cats.example", false).await;
    let eve = Browser::new(&server);
    eve.sign_in("eve@cats.example").await;
    assert_eq!(eve.get(&page).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_is_brought_from_the_browser_or_fetched() {
    let (test, server) = Server::new().await;
    let ada = ada(&test, &server).await;
    let offered = ada.get("/imports").await;
    assert!(!offered.header("content-security-policy").unwrap().contains("s3.example"), "only where files are put");
    let page = ada.post("/imports", &[("key", &hidden(&offered.text, "key"))]).await.is(303).header("location").unwrap().to_owned();
    let open = ada.get(&page).await;
    let policy = open.is(200).header("content-security-policy").unwrap();
    assert!(policy.contains("connect-src 'self' https://s3.example;") && !policy.contains("unsafe"), "{policy}");
    assert!(
        open.text.contains(&format!("data-upload=\"{page}/files\" hidden")),
        "what only a script can do is not offered without: {}",
        open.text
    );
    assert!(open.text.contains("howdah bundle push") && open.text.contains("/assets/upload."), "{}", open.text);

    let json = [("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/json")];
    let files = r#"{"files":[{"path":"PREFLIGHT.json","bytes":10}]}"#;
    let links = ada.send_body(&format!("{page}/files"), &json, files).await;
    assert!(links.is(200).json()["files"][0]["url"].as_str().unwrap().starts_with("https://s3.example/"), "{links:?}");
    let refused = ada.send_body(&format!("{page}/files"), &json, r#"{"files":[{"path":"../x","bytes":1}]}"#).await;
    refused.is_problem(422, "invalid");
    let foreign = [("Sec-Fetch-Site", "cross-site"), ("Content-Type", "application/json")];
    assert_eq!(ada.send_body(&format!("{page}/files"), &foreign, files).await.status, 403);

    let key = hidden(&open.text, "key");
    let wrong = ada.post(&format!("{page}/pull"), &[("key", &key), ("url", "http://b.example/b.tar?very-secret")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("id=\"url-error\"") && !wrong.text.contains("very-secret"), "{}", wrong.text);
    let bucket = [("endpoint", "http://s3.example"), ("bucket", "backups"), ("access_key_id", "A"), ("secret_access_key", "very-secret")];
    let form: Vec<(&str, &str)> = [("key", key.as_str())].into_iter().chain(bucket).collect();
    let wrong = ada.post(&format!("{page}/pull"), &form).await;
    assert!(
        wrong.status == 422 && wrong.text.contains("id=\"bucket-endpoint-error\"") && wrong.text.contains("value=\"backups\""),
        "{}",
        wrong.text
    );
    assert!(!wrong.text.contains("very-secret"));
    let key = hidden(&wrong.text, "key");
    ada.post(&format!("{page}/pull"), &[("key", &key), ("url", "https://b.example/b.tar?very-secret")]).await.is(303);
    let pulling = ada.get(&page).await.is(200).text.clone();
    assert!(pulling.contains("https://b.example/b.tar") && pulling.contains("Stop it</button>"), "{pulling}");
    assert!(!pulling.contains("very-secret") && !pulling.contains("Choose the folder"), "{pulling}");
    ada.post(&format!("{page}/pull/stop"), &[]).await.is(303);
    let stopped = ada.get(&page).await.is(200).text.clone();
    assert!(stopped.contains("It was stopped.") && stopped.contains("Choose the folder"), "{stopped}");
}

/// The pages of one that is looked into, and of one that waits for a decision.
pub async fn at_each_stage(test: &TestApp, browser: &Browser<'_>) -> (String, String) {
    let begin = async |domain: &str| {
        let key = hidden(&browser.get("/imports").await.text, "key");
        let page = browser.post("/imports", &[("key", &key)]).await.is(303).header("location").unwrap().to_owned();
        let arriving = bundle(domain, "4.5.11");
        test.bundles.put_all(&page[1..], &arriving.files);
        browser.post(&format!("{page}/look"), &[]).await.is(303);
        (page, arriving.key)
    };
    let (open, _) = begin("moles.example").await;
    let (rehearsing, identity) = begin("voles.example").await;
    let key = hidden(&browser.get(&rehearsing).await.text, "key");
    browser.post(&format!("{rehearsing}/launch"), &[("key", &key), ("plan", "small"), ("identity", &identity)]).await.is(303);
    rehearses(test).await;
    (open, rehearsing)
}

/// The worker would have seen that it is loaded.
async fn rehearses(test: &TestApp) {
    test.database.execute("UPDATE operations SET state = 'running', started_at = created_at WHERE kind = 'import'").await;
    let done = "UPDATE operation_steps SET state = 'succeeded', started_at = now(), finished_at = now() \
                WHERE name NOT IN ('rehearsal', 'cut_over') AND operation_id = (SELECT id FROM operations WHERE kind = 'import')";
    test.database.execute(done).await;
    test.database.execute("UPDATE operation_steps SET state = 'running', started_at = now() WHERE name = 'rehearsal'").await;
}
