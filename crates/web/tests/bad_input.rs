//! Whatever is sent, the answer is a problem that says what is wrong, and never our fault.

mod support;

use chrono::TimeDelta;
use howdah_app::Scope;
use reqwest::Method;
use serde_json::json;
use support::{Server, new_instance, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_is_a_problem() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let (instance, _) = server.launch(&ada, "birds.example").await;

    for path in ["/api", "/api/v1", "/api/v1/nothing", "/api/v2/instances", "/api/v1/instances/", "/api/%ff%fe", "/api/v1/instances/a/b/c"]
    {
        server.get(&ada, path).await.is_problem(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::PUT, "/api/v1/instances", "GET, HEAD, POST"),
        (Method::PATCH, instance.as_str(), "GET, HEAD, DELETE"),
        (Method::OPTIONS, "/api/v1/plans", "GET, HEAD"),
        (Method::TRACE, "/api/v1/account", "GET, HEAD"),
        (Method::DELETE, "/health", "GET, HEAD"),
    ] {
        let answer = server.send(server.request(method, path).bearer_auth(&ada.token)).await;
        assert_eq!(answer.is_problem(405, "method_not_allowed").header("allow"), Some(allow));
    }

    let post = || server.request(Method::POST, "/api/v1/instances").bearer_auth(&ada.token);
    let json = |body: &str| post().header("Content-Type", "application/json").body(body.to_owned());
    server.send(post().body("{}")).await.is_problem(415, "not_json");
    server.send(post().header("Content-Type", "text/plain").body("{}")).await.is_problem(415, "not_json");
    server.send(json(&"x".repeat(65 * 1024))).await.is_problem(413, "body_too_large");
    for malformed in ["", "{", "{]", "nul", "\u{1}", r#"{"domain":"a\u0000b"}"#] {
        server.send(json(malformed)).await.is_problem(400, "malformed");
    }
    server.send(post().header("Content-Type", "application/json").body(vec![b'"', 0xff, b'"'])).await.is_problem(400, "malformed");
    let mut unknown_field = new_instance("cats.example");
    unknown_field["colour"] = json!("red");
    let mut wrong_type = new_instance("cats.example");
    wrong_type["domain"] = json!(7);
    server.send(json(&"[".repeat(60_000))).await.is_problem(422, "invalid");
    for unfit in [json!({}), json!([]), json!(null), json!("x"), unknown_field, wrong_type] {
        server.post(&ada, "/api/v1/instances", &unfit).await.is_problem(422, "invalid");
    }
    for query in ["limit=0", "limit=1000", "limit=ten", "cursor=garbage", "cursor=", "fleet=perhaps", "limit=1&limit=2"] {
        server.get(&ada, &format!("/api/v1/instances?{query}")).await.is_problem(400, "malformed");
    }
    for key in ["", "a\tb", &"k".repeat(256)] {
        let request = post().header("Idempotency-Key", key).json(&new_instance("cats.example"));
        server.send(request).await.is_problem(400, "malformed");
    }
}

/// The whole answer, so that nothing tells one from another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_expired_and_revoked_tokens_are_one_answer() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let short = test.token(&ada.email, &[Scope::Read], TimeDelta::hours(1)).await;
    let made = server.post(&ada, "/api/v1/tokens", &json!({"name": "ci", "scopes": ["read"]})).await.is(201).json();
    let (revoked, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    let account = |token: &str| server.request(Method::GET, "/api/v1/account").bearer_auth(token);
    server.send(account(revoked)).await.is(200);
    server.delete(&ada, &format!("/api/v1/tokens/{id}")).await.is(204);
    server.delete(&ada, &format!("/api/v1/tokens/{id}")).await.is_problem(404, "not_found");
    test.clock.advance(TimeDelta::hours(2));

    let missing = server.send(server.request(Method::GET, "/api/v1/account")).await;
    assert!(missing.is_problem(401, "unauthenticated").header("www-authenticate").is_some());
    for token in [revoked, short.as_str(), "howdah_unknown", "x", "", &"howdah_".repeat(500)] {
        assert_eq!(server.send(account(token)).await.text, missing.text);
    }
    for header in ["Basic YTpi", "Bearer", "bearer  ", "Token x", "\u{e9}"] {
        let request = server.request(Method::GET, "/api/v1/account").header("Authorization", header.as_bytes());
        assert_eq!(server.send(request).await.text, missing.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_anothers_does_not_exist() {
    let (test, server) = Server::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@cats.example").await);
    let (instance, operation) = server.launch(&ada, "birds.example").await;
    let ids =
        |it: &str| [it.rsplit('/').next().unwrap().to_owned(), "01990000-0000-7000-8000-000000000000".to_owned(), "not-an-id".to_owned()];
    for (method, prefix, id, suffix) in [
        (Method::GET, "instances", &instance, ""),
        (Method::DELETE, "instances", &instance, ""),
        (Method::GET, "instances", &instance, "/operations"),
        (Method::POST, "instances", &instance, "/close"),
        (Method::POST, "instances", &instance, "/close/now"),
        (Method::POST, "instances", &instance, "/undo"),
        (Method::POST, "instances", &instance, "/owner-link"),
        (Method::POST, "instances", &instance, "/address/look"),
        (Method::POST, "instances", &instance, "/owner-link/new"),
        (Method::GET, "operations", &operation, ""),
        (Method::GET, "operations", &operation, "/events"),
    ] {
        let mut bodies = Vec::new();
        for id in ids(id) {
            let request = server.request(method.clone(), &format!("/api/v1/{prefix}/{id}{suffix}")).bearer_auth(&eve.token);
            bodies.push(server.send(request).await.is_problem(404, "not_found").text.clone());
        }
        assert!(bodies.windows(2).all(|it| it[0] == it[1]), "{prefix}{suffix}: {bodies:?}");
    }
    server.get(&ada, &instance).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_can_do_what_its_scopes_say() {
    let (test, server) = Server::new().await;
    let mut ada = test.customer("ada@birds.example").await;
    let (instance, _) = server.launch(&ada, "birds.example").await;
    ada.token = test.token(&ada.email, &[Scope::Read], TimeDelta::hours(1)).await;
    server.get(&ada, &instance).await.is(200);
    server.post(&ada, &format!("{instance}/close"), &json!({})).await.is_problem(403, "scope_missing");
    server.post(&ada, "/api/v1/instances", &new_instance("cats.example")).await.is_problem(403, "scope_missing");
    let wider = json!({"name": "wider", "scopes": ["read", "write"]});
    server.post(&ada, "/api/v1/tokens", &wider).await.is_problem(403, "scope_missing");
    ada.token = test.token(&ada.email, &[Scope::Write], TimeDelta::hours(1)).await;
    server.get(&ada, &instance).await.is_problem(403, "scope_missing");
    server.post(&ada, "/api/v1/tokens", &wider).await.is_problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_shown_once() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    let make = || {
        let request = server.request(Method::POST, "/api/v1/tokens").bearer_auth(&ada.token).header("Idempotency-Key", "token-1");
        server.send(request.json(&json!({"name": "ci", "scopes": ["read"], "expires_at": "2026-12-20T12:00:00Z"})))
    };
    let (first, second) = (make().await.is(201).json(), make().await.is(201).json());
    assert_eq!(first["id"], second["id"]);
    assert!(first["token"].as_str().unwrap().starts_with("howdah_"));
    assert!(second["token"].is_null());
    let listed = server.get(&ada, "/api/v1/tokens").await;
    listed.is(200);
    assert!(!listed.text.contains(first["token"].as_str().unwrap()));
    for wrong in [
        json!({"name": "", "scopes": ["read"]}),
        json!({"name": "a\u{1}b", "scopes": ["read"]}),
        json!({"name": "x", "scopes": []}),
        json!({"name": "x", "scopes": ["fly"]}),
        json!({"name": "x", "scopes": ["operate"]}),
        json!({"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"name": "x", "scopes": ["read"], "expires_at": "+262000-01-01T00:00:00Z"}),
    ] {
        server.post(&ada, "/api/v1/tokens", &wrong).await.is_problem(422, "invalid");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_much_is_told_to_wait() {
    let test = howdah_testkit::app::TestApp::new().await;
    let (ada, eve) = (test.customer("ada@birds.example").await, test.customer("eve@cats.example").await);
    let few = howdah_web::Rate { burst: std::num::NonZeroU32::new(3).unwrap(), per_second: std::num::NonZeroU32::MIN };
    let server = Server::of(test.app.clone(), &howdah_web::Settings { token_rate: few, ..settings() });
    for _ in 0..3 {
        server.get(&ada, "/api/v1/account").await.is(200);
    }
    let refused = server.get(&ada, "/api/v1/account").await;
    assert_eq!(refused.is_problem(429, "rate_limited").header("retry-after"), Some("1"));
    server.get(&eve, "/api/v1/account").await.is(200);

    let server = Server::of(test.app.clone(), &howdah_web::Settings { address_rate: few, trusts_forwarded: true, ..settings() });
    let from = |address: &str| server.request(Method::GET, "/api/v1/plans").header("X-Forwarded-For", format!("203.0.113.9, {address}"));
    for _ in 0..3 {
        server.send(from("192.0.2.1")).await.is(200);
    }
    server.send(from("192.0.2.1")).await.is_problem(429, "rate_limited");
    server.send(from("192.0.2.2")).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_headers_that_protect_it() {
    let (test, server) = Server::new().await;
    let ada = test.customer("ada@birds.example").await;
    for path in ["/api/v1/account", "/api/v1/plans", "/api/openapi.json", "/health", "/ready", "/api/nothing", "/api/v1/instances?limit=x"]
    {
        let answer = server.get(&ada, path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("server"), None, "{path}");
    }
    let head = server.send(server.request(Method::HEAD, "/api/v1/plans")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}
