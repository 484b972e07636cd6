//! How requests go to Stripe: one client and one limiter for all of them, a bound on time and on what comes back, and no POST
//! without an idempotency key.
//!
//! async-stripe's own client opens a connection for each request, has no bound on an answer, and of one that is no JSON of Stripe's
//! (a proxy's page) it doesn't tell the status, which here decides whether it is tried again.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use stripe_client_core::{RequestBuilder, StripeMethod};

use crate::operation::Key;
use crate::{API_VERSION, BillingError, Settings};

const STRIPE: &str = "https://api.stripe.com";
/// Far above any page of a list.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Stripe's own limits, a second, in live mode.
const ALL: NonZeroU32 = NonZeroU32::new(100).expect("not zero");
const ENDPOINT: NonZeroU32 = NonZeroU32::new(25).expect("not zero");
/// What is POSTed and changes nothing. A key would bring an old answer back.
const CHANGES_NOTHING: &[&str] = &["/invoices/create_preview"];

#[derive(Clone)]
pub(crate) struct Transport(Arc<Inner>);

enum Inner {
    Http(Box<Http>),
    #[cfg(feature = "in-process")]
    InProcess(Box<crate::in_process::Counterpart>),
}

struct Http {
    client: reqwest::Client,
    base: String,
    secret: SecretString,
    all: DefaultDirectRateLimiter,
    endpoints: DefaultKeyedRateLimiter<String>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = match &*self.0 {
            Inner::Http(http) => &http.base,
            #[cfg(feature = "in-process")]
            Inner::InProcess(_) => "in process",
        };
        f.debug_struct("Transport").field("base", &base).finish_non_exhaustive()
    }
}

impl Transport {
    pub fn new(settings: &Settings) -> Result<Self, BillingError> {
        let mut headers = HeaderMap::new();
        headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
        if let Some(account) = &settings.account {
            let account = HeaderValue::from_str(account).map_err(|_| BillingError::Setup("the account is no id".to_owned()))?;
            headers.insert("stripe-account", account);
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("howdah/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| BillingError::Setup(error.to_string()))?;
        let base = settings.base_url.as_ref().map_or(STRIPE, |it| it.as_str()).trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Inner::Http(Box::new(Http {
            client,
            base,
            secret: settings.secret_key.clone(),
            all: RateLimiter::direct(Quota::per_second(ALL)),
            endpoints: RateLimiter::keyed(Quota::per_second(ENDPOINT)),
        })))))
    }

    #[cfg(feature = "in-process")]
    pub fn in_process(counterpart: Box<crate::in_process::Counterpart>) -> Self {
        Self(Arc::new(Inner::InProcess(counterpart)))
    }

    /// Sends it, once, when the limits allow.
    pub async fn send(&self, request: RequestBuilder, key: Option<Key>) -> Result<Bytes, BillingError> {
        let endpoint = endpoint(&request.path);
        let needs_key = matches!(request.method, StripeMethod::Post) && !CHANGES_NOTHING.contains(&request.path.as_str());
        if needs_key && key.is_none() {
            return Err(BillingError::Unkeyed { endpoint });
        }
        let path = request.path.clone();
        let answered = match &*self.0 {
            Inner::Http(http) => http.send(&endpoint, request, key).await?,
            #[cfg(feature = "in-process")]
            Inner::InProcess(counterpart) => in_process(counterpart, &endpoint, request, key)?,
        };
        match answered {
            Answer { status: 200..300, body, .. } => Ok(body),
            Answer { status: status @ 500.., replayed: true, .. } => Err(BillingError::Kept { endpoint, status }),
            Answer { status, body, .. } => Err(refusal(status, endpoint, &path, &body)),
        }
    }
}

impl Http {
    async fn send(&self, endpoint: &String, request: RequestBuilder, key: Option<Key>) -> Result<Answer, BillingError> {
        self.endpoints.until_key_ready(endpoint).await;
        self.all.until_ready().await;
        let mut sent = self.client.request(method(request.method), self.url(&request)).bearer_auth(self.secret.expose_secret());
        if let Some(key) = key {
            sent = sent.header("idempotency-key", key.0);
        }
        if let Some(body) = request.body {
            sent = sent.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        answer(endpoint, sent).await
    }

    fn url(&self, request: &RequestBuilder) -> String {
        let query = request.query.as_ref().filter(|it| !it.is_empty()).map(|it| format!("?{it}")).unwrap_or_default();
        format!("{}/v1{}{query}", self.base, request.path)
    }
}

#[cfg(feature = "in-process")]
fn in_process(
    counterpart: &crate::in_process::Counterpart,
    endpoint: &str,
    request: RequestBuilder,
    key: Option<Key>,
) -> Result<Answer, BillingError> {
    use crate::in_process::Sent;
    let is_posted = matches!(request.method, StripeMethod::Post);
    let sent = Sent {
        method: method(request.method).to_string(),
        path: format!("/v1{}", request.path),
        form: if is_posted { request.body } else { request.query }.unwrap_or_default(),
        key: key.map(|it| it.0),
    };
    let lost = || BillingError::Unreachable { endpoint: endpoint.to_owned(), status: None, source: None };
    counterpart(&sent).map(|it| Answer { status: it.status, replayed: it.replayed, body: it.body }).ok_or_else(lost)
}

fn method(method: StripeMethod) -> reqwest::Method {
    match method {
        StripeMethod::Get => reqwest::Method::GET,
        StripeMethod::Post => reqwest::Method::POST,
        StripeMethod::Delete => reqwest::Method::DELETE,
    }
}

/// The resource without ids: what limits are counted by, and what logs and errors may say.
fn endpoint(path: &str) -> String {
    let mut segments = path.split('/').filter(|it| !it.is_empty());
    let first = segments.next().unwrap_or_default();
    match first {
        "checkout" | "billing_portal" => format!("/{first}/{}", segments.next().unwrap_or_default()),
        _ => format!("/{first}"),
    }
}

struct Answer {
    status: u16,
    /// As it was answered to the same key before.
    replayed: bool,
    body: Bytes,
}

async fn answer(endpoint: &str, request: reqwest::RequestBuilder) -> Result<Answer, BillingError> {
    let failed = |error: reqwest::Error| BillingError::Unreachable {
        endpoint: endpoint.to_owned(),
        status: None,
        source: Some(error.without_url()),
    };
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let replayed = response.headers().get("idempotent-replayed").is_some_and(|it| it == "true");
    let id = response.headers().get("request-id").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    tracing::debug!(endpoint, status, request_id = id, "Stripe answered");
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(BillingError::unreadable(endpoint, "the answer is longer than 16 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, replayed, body: body.freeze() })
}

#[derive(Deserialize)]
struct Failure {
    error: Detail,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
    param: Option<String>,
}

/// What an answer that is no success says.
fn refusal(status: u16, endpoint: String, path: &str, body: &[u8]) -> BillingError {
    let detail = serde_json::from_slice::<Failure>(body).map(|it| it.error);
    let Ok(detail) = detail else {
        return match status {
            429 => BillingError::RateLimited { endpoint },
            404 => BillingError::Missing { object: path.chars().take(200).collect() },
            _ => BillingError::Unreachable { endpoint, status: Some(status), source: None },
        };
    };
    let kind = detail.kind.unwrap_or_default();
    let is_plain = detail.code.is_none();
    let code = detail.code.unwrap_or_else(|| kind.clone());
    let message: String = detail.message.unwrap_or_default().chars().take(500).collect();
    match (status, kind.as_str(), code.as_str()) {
        (429, _, _) | (409, _, _) | (_, _, "lock_timeout" | "idempotency_key_in_use") => BillingError::RateLimited { endpoint },
        (500.., _, _) => BillingError::Unreachable { endpoint, status: Some(status), source: None },
        (402, _, _) | (_, "card_error", _) => BillingError::Card { code, decline_code: detail.decline_code, message },
        (_, _, "resource_missing") => BillingError::Missing { object: missing(path, detail.param.as_deref(), message) },
        (404, _, _) if is_plain => BillingError::Missing { object: missing(path, detail.param.as_deref(), message) },
        _ => BillingError::Refused { endpoint, code, message, param: detail.param },
    }
}

/// Stripe names what is missing in its message alone (`No such customer: 'cus_…'`), and not always.
fn missing(path: &str, param: Option<&str>, message: String) -> String {
    let named = message.strip_prefix("No such ").map(str::to_owned);
    named.unwrap_or_else(|| format!("{path} ({})", param.unwrap_or(&message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> BillingError {
        refusal(status, "/customers".to_owned(), "/customers/cus_1", body.as_bytes())
    }

    #[test]
    fn endpoints_hold_no_ids() {
        for (path, expected) in [
            ("/customers/cus_1", "/customers"),
            ("/invoices/in_1/pay", "/invoices"),
            ("/checkout/sessions/cs_1", "/checkout/sessions"),
            ("/billing_portal/sessions", "/billing_portal/sessions"),
            ("", "/"),
        ] {
            assert_eq!(endpoint(path), expected);
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let error = |fields: &str| format!(r#"{{"error": {{{fields}}}}}"#);
        assert!(matches!(refused(429, ""), BillingError::RateLimited { .. }));
        assert!(matches!(refused(409, &error(r#""type": "idempotency_error""#)), BillingError::RateLimited { .. }));
        assert!(matches!(refused(400, &error(r#""code": "lock_timeout""#)), BillingError::RateLimited { .. }));
        assert!(matches!(refused(502, "<html>"), BillingError::Unreachable { status: Some(502), .. }));
        assert!(matches!(refused(500, &error(r#""type": "api_error""#)), BillingError::Unreachable { status: Some(500), .. }));
        assert!(matches!(refused(302, ""), BillingError::Unreachable { status: Some(302), .. }), "no redirect is followed");
        assert!(matches!(refused(404, ""), BillingError::Missing { object } if object == "/customers/cus_1"));
        let missing = error(r#""type": "invalid_request_error", "code": "resource_missing", "message": "No such customer: 'cus_1'""#);
        assert!(matches!(refused(400, &missing), BillingError::Missing { object } if object == "customer: 'cus_1'"));
        let nothing_to_come = error(r#""type": "invalid_request_error", "code": "invoice_upcoming_none""#);
        assert!(matches!(refused(404, &nothing_to_come), BillingError::Refused { code, .. } if code == "invoice_upcoming_none"));
        assert!(matches!(refused(404, &error(r#""type": "invalid_request_error""#)), BillingError::Missing { .. }));
        let card = error(r#""type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds", "message": "No""#);
        let BillingError::Card { code, decline_code, message } = refused(402, &card) else { panic!("a card's error") };
        assert_eq!((code.as_str(), decline_code.as_deref(), message.as_str()), ("card_declined", Some("insufficient_funds"), "No"));
        let wrong = error(r#""type": "invalid_request_error", "param": "email", "message": "Invalid email""#);
        let BillingError::Refused { code, param, .. } = refused(400, &wrong) else { panic!("a refusal") };
        assert_eq!((code.as_str(), param.as_deref()), ("invalid_request_error", Some("email")));
        assert!(matches!(refused(401, &error("")), BillingError::Refused { .. }));
    }

    #[test]
    fn only_what_may_succeed_later_passes() {
        assert!(refused(503, "").passes() && refused(429, "").passes());
        assert!(!refused(404, "").passes() && !refused(402, r#"{"error": {}}"#).passes());
    }
}
