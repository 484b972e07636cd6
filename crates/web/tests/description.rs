//! The description of the API is what `docs/openapi.json` says, and what the server does.

mod support;

use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use support::Server;

#[test]
fn the_file_in_the_documents_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("HOWDAH_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, howdah_web::openapi::json()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == howdah_web::openapi::json(),
        "docs/openapi.json is stale: run HOWDAH_WRITE_OPENAPI=1 cargo test -p howdah-web --test description"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_described_is_there_and_asks_who_is_there() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let description = server.send(server.request(Method::GET, "/api/openapi.json")).await.is(200).json();
    assert_eq!(description["openapi"], "3.1.0");
    let mut operations = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path.replace("{id}", "01990000-0000-7000-8000-000000000000");
            let request = || server.request(method.to_uppercase().parse().unwrap(), &path);
            let open = operation["security"].as_array().is_some_and(|it| it.contains(&serde_json::json!({})));
            let anonymous = server.send(request()).await;
            assert_eq!(anonymous.status, if open { 200 } else { 401 }, "{method} {path}");
            let known = server.send(request().bearer_auth(&ada.token)).await;
            let documented = operation["responses"].as_object().unwrap();
            assert!(documented.contains_key(&known.status.to_string()), "{method} {path}: {} is not described", known.status);
            assert_ne!(known.status, 405, "{method} {path}");
            operations += 1;
        }
    }
    assert_eq!(operations, 76);
}

#[test]
fn every_post_that_has_an_effect_may_have_a_key() {
    let asked_anew = ["offerImportFiles", "lookIntoImport", "offerPullFiles", "reportPull", "openBillingPortal", "previewPlan"];
    let description: Value = serde_json::from_str(howdah_web::openapi::json()).unwrap();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let keys = parameters.filter(|it| it["name"] == "Idempotency-Key" && it["in"] == "header").count();
            let is_once = method == "post" && !asked_anew.iter().any(|it| operation["operationId"] == *it);
            assert_eq!(keys, usize::from(is_once), "{method} {path}");
            let answers = operation["responses"].as_object().unwrap();
            let is_marked =
                answers.iter().filter(|(status, _)| status.starts_with('2')).all(|(_, it)| !it["headers"]["Idempotent-Replayed"].is_null());
            assert_eq!(is_marked, is_once, "{method} {path}");
        }
    }
}

/// Every schema says how large things can be, so that nobody has to guess.
#[test]
fn everything_has_a_bound() {
    let description: Value = serde_json::from_str(howdah_web::openapi::json()).unwrap();
    let mut faults = Vec::new();
    look_for_unbounded(&description["components"]["schemas"], "", &mut faults);
    assert_eq!(faults, Vec::<String>::new());
}

fn is_of(schema: &Value, wanted: &str) -> bool {
    schema["type"] == wanted || schema["type"].as_array().is_some_and(|it| it.iter().any(|it| it == wanted))
}

fn look_for_unbounded(schema: &Value, at: &str, faults: &mut Vec<String>) {
    let Some(fields) = schema.as_object() else { return };
    let is_bounded = fields.contains_key("maxLength") || fields.contains_key("enum");
    let is_known_form = schema["format"] == "uuid" || schema["format"] == "date-time";
    if is_of(schema, "string") && !is_bounded && !is_known_form {
        faults.push(format!("{at} is a string without a bound"));
    }
    if is_of(schema, "array") && !fields.contains_key("maxItems") {
        faults.push(format!("{at} is a list without a bound"));
    }
    for (name, inner) in fields {
        match inner {
            Value::Object(_) => look_for_unbounded(inner, &format!("{at}/{name}"), faults),
            Value::Array(items) => items.iter().for_each(|it| look_for_unbounded(it, &format!("{at}/{name}"), faults)),
            _ => {}
        }
    }
}
