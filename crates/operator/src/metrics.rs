//! What Prometheus is told, and the small server that tells it.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use crate::error::Cause;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    code: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CauseLabels {
    cause: &'static str,
}

/// Requests to the API server, by method and answer.
#[derive(Clone, Default)]
pub struct ApiMetrics {
    requests: Family<RequestLabels, Counter>,
}

impl ApiMetrics {
    pub fn request(&self, method: &Method, code: StatusCode) {
        self.requests.get_or_create(&RequestLabels { method: method.to_string(), code: code.as_u16() }).inc();
    }
}

pub struct Metrics {
    pub api: ApiMetrics,
    reconciles: Counter,
    durations: Histogram,
    errors: Family<CauseLabels, Counter>,
    leading: Gauge,
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("howdah_operator");
        let api = ApiMetrics::default();
        let reconciles = Counter::default();
        let durations = Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let errors = Family::default();
        let leading = Gauge::default();
        registry.register("api_requests", "Requests to the API server", api.requests.clone());
        registry.register("reconciles", "Reconciliations begun", reconciles.clone());
        registry.register("reconcile_seconds", "How long a reconciliation took", durations.clone());
        registry.register("reconcile_errors", "Reconciliations that failed, by cause", errors.clone());
        registry.register("leading", "1 while this operator holds the lease", leading.clone());
        Self { api, reconciles, durations, errors, leading, registry }
    }
}

impl Metrics {
    pub fn reconciled(&self, took: Duration) {
        self.reconciles.inc();
        self.durations.observe(took.as_secs_f64());
    }

    pub fn failed(&self, cause: Cause) {
        self.errors.get_or_create(&CauseLabels { cause: cause.as_str() }).inc();
    }

    pub fn leads(&self, leads: bool) {
        self.leading.set(i64::from(leads));
    }

    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

/// Where a text is served, and what kind of text it is.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub path: &'static str,
    pub content_type: &'static str,
}

const METRICS: Page = Page { path: "/metrics", content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8" };

/// Serves `/metrics`, as `text` says it, and `/healthz` while the process lives, until it is dropped.
pub async fn serve<Told>(listener: TcpListener, text: impl Fn() -> Told + Clone + Send + Sync + 'static)
where
    Told: Future<Output = String> + Send + 'static,
{
    serve_page(listener, METRICS, text).await
}

/// The same, of another page.
pub async fn serve_page<Told>(listener: TcpListener, page: Page, text: impl Fn() -> Told + Clone + Send + Sync + 'static)
where
    Told: Future<Output = String> + Send + 'static,
{
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, say: the next accept may work.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let text = text.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let text = text.clone();
                async move { Ok::<_, std::convert::Infallible>(answer(page, request.uri().path(), text).await) }
            });
            let server = Builder::new(TokioExecutor::new());
            let served = server.serve_connection(TokioIo::new(stream), answer);
            let _ended = tokio::time::timeout(Duration::from_secs(60), served).await;
        });
    }
}

async fn answer<Told: Future<Output = String>>(page: Page, path: &str, text: impl Fn() -> Told) -> Response<String> {
    let (status, kind, body) = match path {
        path if path == page.path => (StatusCode::OK, page.content_type, text().await),
        "/healthz" => (StatusCode::OK, "text/plain", "ok".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "not found".to_owned()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}
