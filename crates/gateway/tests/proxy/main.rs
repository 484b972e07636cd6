//! The gateway on a socket, before a small real HTTP server that plays the object store, its bad days included.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod store;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use howdah_gateway::{Bucket, Hosts, Limits, Media, MediaSettings};
use reqwest::redirect::Policy;
use reqwest::{Method, Response};
use tokio::sync::oneshot;

use store::{BODY, Store};

const HOST: &str = "media.social.example";
const KEY: &str = "/accounts/avatars/000/000/001/original/a.png";

/// A running gateway; it ends with the test.
struct Gateway {
    address: SocketAddr,
    http: reqwest::Client,
    store: Store,
    _stop: oneshot::Sender<()>,
}

impl Gateway {
    async fn start() -> Self {
        let store = Store::start().await;
        Self::before(store, Hosts::of([bucket(HOST, "main", "mi-a"), bucket("media.lost.example", "other", "mi-b")])).await
    }

    async fn before(store: Store, hosts: Hosts) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = MediaSettings::new(address, &[format!("main=http://{}", store.address)]).unwrap();
        let short = Duration::from_millis(300);
        settings.limits = Limits { connect: short, first_byte: short, idle: short };
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(howdah_gateway::serve(listener, hosts, settings, async { drop(stopped.await) }));
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).redirect(Policy::none()).no_proxy().build().unwrap();
        Self { address, http, store, _stop: stop }
    }

    async fn ask(&self, method: Method, host: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.http.request(method, format!("http://{}{path}", self.address)).header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.ask(Method::GET, HOST, path, headers).await
    }
}

fn bucket(host: &str, store: &str, name: &str) -> (String, Media) {
    (host.to_owned(), Media::Here(Bucket { store: store.to_owned(), name: name.to_owned() }))
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |it| it.to_str().unwrap())
}

fn assert_hardened(response: &Response) {
    assert_eq!(header(response, "x-content-type-options"), "nosniff");
    assert_eq!(header(response, "content-security-policy"), "default-src 'none'; form-action 'none'");
    assert_eq!(header(response, "access-control-allow-origin"), "*");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_mastodons_headers_and_nothing_of_the_stores_own() {
    let gateway = Gateway::start().await;
    let asked = [("cookie", "session=1"), ("authorization", "Bearer x"), ("x-amz-date", "now"), ("x-forwarded-host", "evil.example")];
    let response = gateway.get(&format!("{KEY}?X-Amz-Signature=1&list-type=2"), &asked).await;
    assert_eq!(response.status(), 200);
    assert_hardened(&response);
    for (name, value) in [
        ("cache-control", "public, max-age=31536000, immutable"),
        ("content-type", "image/png"),
        ("content-length", "26"),
        ("etag", "\"abc\""),
        ("last-modified", "Sat, 01 Aug 2026 00:00:00 GMT"),
        ("accept-ranges", "bytes"),
        ("x-amz-request-id", ""),
        ("x-amz-meta-secret", ""),
        ("server", ""),
        ("set-cookie", ""),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
    assert_eq!(response.text().await.unwrap(), BODY);
    let seen = gateway.store.last_request();
    assert!(seen.starts_with(&format!("GET /mi-a{KEY} HTTP/1.1\r\n")), "{seen}");
    for name in ["cookie", "authorization", "x-amz", "x-forwarded", HOST] {
        assert!(!seen.to_lowercase().contains(name), "{name} was passed on: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_ranges_and_conditions() {
    let gateway = Gateway::start().await;
    let head = gateway.ask(Method::HEAD, HOST, KEY, &[]).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length"), header(&head, "etag")), (200, "26", "\"abc\""));
    assert_eq!(head.bytes().await.unwrap().len(), 0);

    for (range, status, content_range, body) in
        [("bytes=0-4", 206, "bytes 0-4/26", "abcde"), ("bytes=20-", 206, "bytes 20-25/26", "uvwxyz"), ("bytes=99-", 416, "bytes */26", "")]
    {
        let part = gateway.get(KEY, &[("range", range)]).await;
        assert_eq!((part.status().as_u16(), header(&part, "content-range")), (status, content_range), "{range}");
        assert_hardened(&part);
        assert_eq!(part.text().await.unwrap(), body, "{range}");
    }

    let same = gateway.get(KEY, &[("if-none-match", "\"abc\"")]).await;
    assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, "\"abc\""));
    assert_eq!(header(&same, "cache-control"), "public, max-age=31536000, immutable");
    let other = gateway.get(KEY, &[("if-none-match", "\"old\"")]).await;
    assert_eq!(other.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_what_is_not_there_and_what_is_not_done() {
    let gateway = Gateway::start().await;
    for (method, host, path, status) in [
        (Method::GET, "media.SOCIAL.example:443", KEY, 200),
        (Method::GET, "media.other.example", KEY, 404),
        (Method::GET, "127.0.0.1", KEY, 404),
        (Method::GET, HOST, "/backups/dumps/1/original/a.zip", 404),
        (Method::GET, HOST, "/accounts/%2e%2e%2fbackups/a.zip", 404),
        (Method::GET, HOST, "/accounts/..%2fbackups/a.zip", 404),
        (Method::GET, HOST, "/", 404),
        (Method::GET, HOST, "/accounts/refused", 404),
        (Method::GET, HOST, "/accounts/missing", 404),
        (Method::PUT, HOST, KEY, 405),
        (Method::POST, HOST, KEY, 405),
        (Method::DELETE, HOST, KEY, 405),
        (Method::OPTIONS, HOST, KEY, 405),
        (Method::PUT, "media.other.example", KEY, 405),
        (Method::GET, "anything", "/health", 200),
    ] {
        let response = gateway.ask(method.clone(), host, path, &[]).await;
        assert_eq!(response.status(), status, "{method} {host} {path}");
        assert_hardened(&response);
        if status != 200 {
            assert_eq!(header(&response, "cache-control"), "no-store");
            let text = response.text().await.unwrap();
            assert!(text.ends_with(".\n") && !text.contains('<'), "a plain sentence: {text}");
        }
    }
    assert_eq!(gateway.store.count(), 3, "only media objects of known hosts are asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_on_a_bad_day() {
    let gateway = Gateway::start().await;
    for path in ["/accounts/500", "/accounts/503", "/accounts/429", "/accounts/moved", "/accounts/silent", "/accounts/garbage"] {
        let begun = Instant::now();
        let response = gateway.get(path, &[]).await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "30"), "{path}");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(!response.text().await.unwrap().contains("mi-a"), "nothing of the store's own words");
    }
    let lost = gateway.ask(Method::GET, "media.lost.example", KEY, &[]).await;
    assert_eq!((lost.status().as_u16(), header(&lost, "retry-after")), (503, "30"), "a store that is not configured");

    let Gateway { store, .. } = gateway;
    let nobody = store.stop().await;
    let gateway = Gateway::before(nobody, Hosts::of([bucket(HOST, "main", "mi-a")])).await;
    assert_eq!(gateway.get(KEY, &[]).await.status(), 503, "nobody listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_truncated_looks_whole() {
    let gateway = Gateway::start().await;
    for path in ["/accounts/truncated", "/accounts/stalled"] {
        let response = gateway.get(path, &[]).await;
        assert_eq!((response.status().as_u16(), header(&response, "content-length")), (200, "1000"), "{path}");
        let error = response.bytes().await.expect_err(path);
        assert!(error.is_body() || error.is_decode() || error.is_request(), "{path}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_streamed_and_a_slow_reader_holds_nothing_up() {
    let gateway = Gateway::start().await;
    let mut large = gateway.get("/accounts/large", &[]).await;
    assert_eq!(header(&large, "content-length"), store::LARGE.to_string());
    let first = large.chunk().await.unwrap().unwrap().len();
    assert_eq!(gateway.get(KEY, &[]).await.status(), 200);
    assert!(gateway.store.sent() < store::LARGE / 2, "read ahead of a reader that does not read: {}", gateway.store.sent());
    let mut received = first;
    while let Some(chunk) = large.chunk().await.unwrap() {
        received += chunk.len();
    }
    assert_eq!(received, store::LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_server_has_moved_is_led_to_its_media() {
    let moved = |host: &str, to: Option<&str>| (host.to_owned(), Media::Moved(to.map(str::to_owned)));
    let hosts = Hosts::of([moved(HOST, Some("https://files.example.net/birds")), moved("media.unsaid.example", None)]);
    let gateway = Gateway::before(Store::start().await, hosts).await;
    for (method, path, location) in [
        (Method::GET, KEY, "https://files.example.net/birds/accounts/avatars/000/000/001/original/a.png"),
        (Method::HEAD, KEY, "https://files.example.net/birds/accounts/avatars/000/000/001/original/a.png"),
        (Method::GET, "/cache/x/%C3%BC%20.png?v=1", "https://files.example.net/birds/cache/x/%C3%BC%20.png"),
    ] {
        let response = gateway.ask(method.clone(), HOST, path, &[]).await;
        assert_eq!((response.status().as_u16(), header(&response, "location")), (301, location), "{method} {path}");
        assert_eq!(header(&response, "cache-control"), "public, max-age=3600");
        assert_hardened(&response);
    }
    for path in ["/backups/dumps/1/original/a.zip", "/accounts/%2e%2e/backups/a.zip", "//evil.example/accounts/a", "/"] {
        let response = gateway.get(path, &[]).await;
        assert_eq!((response.status().as_u16(), header(&response, "location")), (404, ""), "{path}");
    }
    assert_eq!(gateway.ask(Method::POST, HOST, KEY, &[]).await.status(), 405);
    let unsaid = gateway.ask(Method::GET, "media.unsaid.example", KEY, &[]).await;
    assert_eq!((unsaid.status().as_u16(), header(&unsaid, "retry-after")), (503, "3600"), "nobody is told that it is gone");
    assert_eq!(gateway.store.count(), 0, "there is no bucket any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn not_ready_before_the_first_list() {
    let gateway = Gateway::before(Store::start().await, Hosts::default()).await;
    assert_eq!(gateway.get("/health", &[]).await.status(), 503);
    let response = gateway.get(KEY, &[]).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "30"), "not a 404 that others would keep");
    assert_eq!(gateway.store.count(), 0);
}
