//! From the gate on to web: the request as it came but for what is between two neighbours alone, the answer likewise. Nothing is read
//! ahead of whoever reads.

use std::str::FromStr;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, EXPECT, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{Request, Response, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// As Mastodon's own nginx.conf gives web to answer (UP:dist/nginx.conf, `proxy_read_timeout`), and as long for the request to come in.
const ANSWER_LIMIT: Duration = Duration::from_secs(240);
/// Puma ends a connection that was silent for 20 s: one of ours is not to be met by that.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// Said from neighbour to neighbour (RFC 9110, 7.6.1). `Expect` is answered here.
const BETWEEN_NEIGHBOURS: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
];

/// `host:port` of web, by HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Authority);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not HOST:PORT")]
pub struct NotAnOrigin(String);

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let authority = text.parse::<Authority>().ok().filter(|it| it.port_u16().is_some() && !it.host().is_empty() && !text.contains('@'));
        authority.map(Self).ok_or_else(|| NotAnOrigin(text.to_owned()))
    }
}

/// Web did not answer. Why is in the log: it is nobody else's matter.
pub struct Away;

pub struct Proxy {
    origin: Origin,
    client: Client<HttpConnector, Incoming>,
}

impl Proxy {
    pub fn new(origin: Origin) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .http1_max_buf_size(super::BUFFER)
            .build(connector);
        Self { origin, client }
    }

    pub async fn pass_on(&self, mut request: Request<Incoming>) -> Result<Response<Incoming>, Away> {
        *request.uri_mut() = self.at_origin(request.uri());
        *request.version_mut() = Version::HTTP_11;
        strip(request.headers_mut());
        match tokio::time::timeout(ANSWER_LIMIT, self.client.request(request)).await {
            Ok(Ok(mut response)) => {
                strip(response.headers_mut());
                Ok(response)
            }
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "web does not answer");
                Err(Away)
            }
            Err(_) => {
                tracing::warn!("web did not answer in time");
                Err(Away)
            }
        }
    }

    /// The path and the query as they came: a signature may be about them. The Host header stays, too.
    fn at_origin(&self, asked: &Uri) -> Uri {
        let mut parts = asked.clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.origin.0.clone());
        parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
        Uri::from_parts(parts).unwrap_or_default()
    }
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .filter_map(|it| it.trim().parse().ok())
        .collect();
    for name in BETWEEN_NEIGHBOURS.iter().chain(&named) {
        headers.remove(name);
    }
}
