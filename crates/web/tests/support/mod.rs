//! The real server on the real use cases and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses its part")]

pub mod billing;
pub mod browser;

use howdah_app::App;
use howdah_testkit::app::{Somebody, TestApp};
use howdah_web::{Settings, bind};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub struct Server {
    pub url: String,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|it| it.to_str().unwrap())
    }

    /// It is a problem with this reason, in the right form.
    #[track_caller]
    pub fn is_problem(&self, status: u16, reason: &str) -> &Self {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!((self.status, body["status"].as_u64(), body["reason"].as_str()), (status, Some(status.into()), Some(reason)), "{body}");
        assert!(body["type"].as_str().unwrap().starts_with("urn:howdah:problem:") && !body["detail"].as_str().unwrap().is_empty());
        self
    }

    /// It was given before, to `first`.
    #[track_caller]
    pub fn is_again(&self, first: &Self) -> &Self {
        assert_eq!((self.status, &self.text), (first.status, &first.text));
        assert_eq!((first.header("idempotent-replayed"), self.header("idempotent-replayed")), (None, Some("true")));
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// Limits that no test reaches by chance.
pub fn settings() -> Settings {
    let rate = |it| howdah_web::Rate { burst: it, per_second: it };
    let plenty = rate(std::num::NonZeroU32::new(100_000).unwrap());
    Settings { address_rate: plenty, token_rate: plenty, ..Settings::at("127.0.0.1:0".parse().unwrap()) }
}

impl Server {
    pub fn of(app: App, settings: &Settings) -> Self {
        let bound = bind(app, settings).unwrap();
        let url = format!("http://{}", bound.addresses()[0]);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(bound.run(async move {
            let _ = stopped.await;
        }));
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(20)).build().unwrap();
        Self { url, client, stop: Some(stop), running }
    }

    pub async fn new() -> (TestApp, Self) {
        let test = TestApp::new().await;
        let server = Self::of(test.app.clone(), &settings());
        (test, server)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub async fn get(&self, who: &Somebody, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(&who.token)).await
    }

    pub async fn post(&self, who: &Somebody, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).bearer_auth(&who.token).json(body)).await
    }

    pub async fn put(&self, who: &Somebody, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).bearer_auth(&who.token).json(body)).await
    }

    /// A POST with an `Idempotency-Key`; without a body where that is null.
    pub async fn once(&self, who: &Somebody, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(&who.token).header("Idempotency-Key", key);
        self.send(if body.is_null() { request } else { request.json(body) }).await
    }

    pub async fn delete(&self, who: &Somebody, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).bearer_auth(&who.token)).await
    }

    /// Launches a server; its URL and its operation's.
    pub async fn launch(&self, who: &Somebody, domain: &str) -> (String, String) {
        let answer = self.post(who, "/api/v1/instances", &new_instance(domain)).await;
        let body = answer.is(202).json();
        (body["url"].as_str().unwrap().to_owned(), body["operation"]["url"].as_str().unwrap().to_owned())
    }

    /// Stops it as it is stopped in earnest.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.running).await.unwrap().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

pub fn new_instance(domain: &str) -> Value {
    json!({"domain": domain, "plan": "small", "owner": {"username": "ada", "email": "ada@birds.example"}})
}
