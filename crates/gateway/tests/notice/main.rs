//! The gate on a socket: for a suspended server, and before a read-only one's web.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod origin;

use std::net::SocketAddr;

use howdah_gateway::notice::{self, NoticeMode};
use reqwest::redirect::Policy;
use reqwest::{Body, Method, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use origin::Origin;

const HOST: &str = "social.example";

/// A running gate; it ends with the test.
struct Gate {
    address: SocketAddr,
    http: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

impl Gate {
    async fn start(mode: NoticeMode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(notice::serve(listener, mode, async { drop(stopped.await) }));
        let http =
            reqwest::Client::builder().timeout(std::time::Duration::from_secs(20)).redirect(Policy::none()).no_proxy().build().unwrap();
        Self { address, http, _stop: stop }
    }

    async fn before(origin: &Origin) -> Self {
        Self::start(NoticeMode::ReadOnly(origin.address.to_string().parse().unwrap())).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("http://{}{path}", self.address)).header("host", HOST).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |it| it.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_suspended_server_it_says_503_and_nothing_else() {
    let gate = Gate::start(NoticeMode::Suspended).await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/.well-known/webfinger?resource=acct:ana@social.example"),
        ("GET", "/.well-known/nodeinfo"),
        ("GET", "/howdah/instance"),
        ("GET", "/health"),
        ("GET", "/users/ana"),
        ("POST", "/inbox"),
        ("POST", "/users/ana/inbox"),
        ("GET", "/api/v1/streaming/user"),
        ("OPTIONS", "/api/v1/statuses"),
        ("DELETE", "/api/v1/statuses/1"),
        ("HEAD", "/@ana"),
    ] {
        let response = gate.ask(method, path, &[], "").await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "3600"), "{method} {path}");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert!(header(&response, "content-security-policy").starts_with("default-src 'none'"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_so_as_it_is_asked() {
    let gate = Gate::start(NoticeMode::Suspended).await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (path, accept, kind, begins) in [
        ("/@ana", browser, "text/html; charset=utf-8", "<!doctype html>"),
        ("/@ana", "*/*", "text/plain; charset=utf-8", "This server is paused."),
        ("/users/ana", "application/activity+json", "text/plain; charset=utf-8", "This server is paused."),
        ("/api/v1/timelines/home", "*/*", "application/json; charset=utf-8", "{\"error\":\"This server is paused."),
        ("/api/v1/timelines/home", browser, "application/json; charset=utf-8", "{\"error\":\"This server is paused."),
    ] {
        let response = gate.ask("GET", path, &[("accept", accept)], "").await;
        assert_eq!(header(&response, "content-type"), kind, "{path} {accept}");
        let text = response.text().await.unwrap();
        assert!(text.starts_with(begins), "{text}");
        if kind.starts_with("application/json") {
            let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(parsed["error"].as_str().is_some_and(|it| it.ends_with('.')), "{text}");
        }
        assert!(!["http:", "https:", "<script", "style="].iter().any(|it| text.contains(it)), "nothing to be fetched: {text}");
    }
    let head = gate.ask("HEAD", "/", &[], "").await;
    assert_eq!(head.bytes().await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_comes_to_web_as_it_was_and_so_does_the_answer() {
    let origin = Origin::start().await;
    let gate = Gate::before(&origin).await;
    let headers = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", HOST),
        ("signature", "keyId=\"a\""),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("te", "trailers"),
    ];
    let response = gate.ask("POST", "/users/ana/inbox?a=%27b%27&c", &headers, "an activity").await;
    assert_eq!((response.status().as_u16(), header(&response, "location")), (302, "https://social.example/x"));
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert_eq!((cookies, header(&response, "etag")), (vec!["a=1", "b=2"], "W/\"1\""));
    for name in ["keep-alive", "x-between"] {
        assert_eq!(header(&response, name), "", "{name} is between web and the gate");
    }
    assert_eq!(response.text().await.unwrap(), "found");
    let (head, body) = origin.requests().remove(0);
    assert!(head.starts_with("POST /users/ana/inbox?a=%27b%27&c HTTP/1.1\r\n"), "{head}");
    for line in [
        "host: social.example",
        "x-forwarded-for: 203.0.113.9",
        "x-forwarded-proto: https",
        "x-forwarded-host: social.example",
        "signature: keyId=\"a\"",
    ] {
        assert!(head.contains(&format!("{line}\r\n")), "{line}: {head}");
    }
    assert!(!["x-hop", "te:"].iter().any(|it| head.contains(it)), "{head}");
    assert_eq!(body, "an activity".len());
    assert_eq!(gate.ask("GET", "/gone", &[], "").await.status(), 410, "what web says is web's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_write_is_refused_and_web_never_sees_it() {
    let origin = Origin::start().await;
    let gate = Gate::before(&origin).await;
    let post = gate.ask("POST", "/api/v1/statuses", &[("authorization", "Bearer x")], "status=hello").await;
    assert_eq!((post.status().as_u16(), header(&post, "retry-after")), (503, "3600"));
    assert_eq!(header(&post, "access-control-allow-origin"), "*");
    let said: serde_json::Value = serde_json::from_str(&post.text().await.unwrap()).unwrap();
    assert!(said["error"].as_str().unwrap().contains("can only be read"), "{said}");
    let form = gate.ask("POST", "/settings/imports", &[("accept", "text/html")], "x").await;
    assert_eq!((form.status().as_u16(), header(&form, "content-type")), (503, "text/html; charset=utf-8"));
    let streaming = gate.ask("GET", "/api/v1/streaming/public", &[], "").await;
    assert_eq!((streaming.status().as_u16(), header(&streaming, "retry-after")), (503, "30"));
    assert_eq!(origin.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_web_is_away_it_is_a_pause() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gate = Gate::start(NoticeMode::ReadOnly(nobody.to_string().parse().unwrap())).await;
    let response = gate.ask("GET", "/@ana", &[], "").await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "30"));
    let origin = Origin::start().await;
    let gate = Gate::before(&origin).await;
    assert_eq!(gate.ask("GET", "/reset", &[], "").await.status(), 503);
    let half = gate.ask("GET", "/truncated", &[], "").await;
    assert_eq!((half.status().as_u16(), header(&half, "content-length")), (200, "1000"));
    assert!(half.bytes().await.is_err(), "what ends early is not taken for whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_stream_both_ways() {
    let origin = Origin::start().await;
    let gate = Gate::before(&origin).await;
    let mut large = gate.ask("GET", "/large", &[], "").await;
    let mut received = large.chunk().await.unwrap().unwrap().len();
    // Another one is answered while this one is not read on.
    assert_eq!(gate.ask("GET", "/other", &[], "").await.status(), 302);
    assert!(origin.sent() < origin::LARGE / 2, "read ahead of a reader that does not read: {}", origin.sent());
    while let Some(chunk) = large.chunk().await.unwrap() {
        received += chunk.len();
    }
    assert_eq!(received, origin::LARGE);

    let upload = vec![b'z'; 16 * 1024 * 1024];
    let size = upload.len();
    assert_eq!(gate.ask("POST", "/admin/custom_emojis", &[], upload).await.status(), 302);
    assert_eq!(origin.requests().last().unwrap().1, size);
}

#[test]
fn an_origin_is_a_host_and_a_port() {
    for (text, is_good) in [
        ("origin:3000", true),
        ("10.0.0.1:3000", true),
        ("[::1]:3000", true),
        ("origin", false),
        ("http://origin:3000", false),
        ("user@origin:3000", false),
        (":3000", false),
        ("", false),
    ] {
        assert_eq!(text.parse::<notice::Origin>().is_ok(), is_good, "{text}");
    }
}
