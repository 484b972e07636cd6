//! A bucket, of any provider of S3's API.
//!
//! Requests are signed by `object_store`'s [`AwsAuthorizer`] and sent by a client of our own, for what its `AmazonS3` can't do here: list a
//! bucket that has a key which is no path (one such ends its listing), tell what a store asks to wait, put an ACL, and have the store check a
//! digest that is known without hashing the bytes again.

mod list;
mod read;
mod write;

use std::time::Duration;

use object_store::{
    aws::{AwsAuthorizer, AwsCredential},
    client::{HttpRequest, HttpRequestBody},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, Method, Request, Response, header,
    header::{HeaderMap, HeaderName},
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

use crate::{
    format::{MediaKey, Sha256Hex},
    media::error::MediaError,
    s3::BucketSettings,
};

pub(super) use list::list;

const CONNECT: Duration = Duration::from_secs(10);
/// A store that says nothing for so long does not answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Of an error's text.
const ERROR_LIMIT: usize = 64 << 10;
/// Idle connections that are kept.
const IDLE: usize = 64;
/// Of an object that was put here: the digest of its bytes, in hexadecimal digits.
const SHA256: HeaderName = HeaderName::from_static("x-amz-meta-howdah-sha256");

#[derive(Debug)]
pub(super) struct S3 {
    /// Ends a request when the store falls silent.
    reader: Client,
    /// Has a time for each request as a whole: a store is silent while it takes a body.
    writer: Client,
    credential: AwsCredential,
    region: String,
    /// The bucket's URL, without a slash at its end.
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
    acl: Option<String>,
}

/// What a request's body is, to its signature.
#[derive(Debug, Clone, Copy)]
enum Payload {
    None,
    Known(Sha256Hex),
    Unsigned,
}

impl S3 {
    pub(super) fn new(settings: BucketSettings) -> Result<Self, MediaError> {
        let bucket = bucket_url(&settings)?;
        let prefix = prefix(&settings.key_prefix)?;
        let service = settings.service;
        let client = || client(service.ca.as_deref());
        Ok(Self {
            reader: client()?.read_timeout(SILENCE).build().map_err(|it| invalid(&it))?,
            writer: client()?.build().map_err(|it| invalid(&it))?,
            credential: AwsCredential {
                key_id: service.access_key_id,
                secret_key: service.secret_access_key.expose_secret().to_owned(),
                token: service.session_token.map(|it| it.expose_secret().to_owned()),
            },
            region: service.region,
            bucket,
            prefix,
            acl: settings.acl,
        })
    }

    fn object(&self, key: &MediaKey) -> String {
        format!("{}/{}{}", self.bucket, encode(&self.prefix, true), encode(key.as_str(), true))
    }

    /// A request with its signature.
    fn request(&self, method: Method, url: &str, headers: HeaderMap, payload: Payload) -> Result<Request, MediaError> {
        let failed = |it: &dyn std::fmt::Display| MediaError::Settings(format!("no request can be made of {url}: {it}"));
        let mut signed = HttpRequest::new(HttpRequestBody::empty());
        *signed.method_mut() = method.clone();
        *signed.uri_mut() = url.parse().map_err(|it| failed(&it))?;
        *signed.headers_mut() = headers;
        let digest = match &payload {
            Payload::Known(digest) => Some(digest.as_bytes().as_slice()),
            Payload::None | Payload::Unsigned => None,
        };
        AwsAuthorizer::new(&self.credential, "s3", &self.region)
            .with_sign_payload(!matches!(payload, Payload::Unsigned))
            .try_authorize(&mut signed, digest)
            .map_err(|it| failed(&it))?;
        let parsed = Url::parse(url).map_err(|it| failed(&it))?;
        // A URL resolves `..`, even when encoded: such a request would be about another object.
        if parsed.as_str() != url {
            return Err(failed(&"its path leads elsewhere"));
        }
        let mut request = Request::new(method, parsed);
        *request.headers_mut() = std::mem::take(signed.headers_mut());
        Ok(request)
    }

    /// The answer, where it is good.
    async fn answered(client: &Client, request: Request, action: &'static str, name: &str) -> Result<Response, MediaError> {
        let failed = |source: reqwest::Error| MediaError::Transport { action, name: name.to_owned(), source: source.without_url() };
        let response = client.execute(request).await.map_err(failed)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        // What can't be read of an error is none the less one.
        let body = limited(response, ERROR_LIMIT).await.ok().flatten().unwrap_or_default();
        Err(MediaError::Answered { action, name: name.to_owned(), status, code: code(&body), retry_after })
    }
}

fn invalid(what: &dyn std::fmt::Display) -> MediaError {
    MediaError::Settings(what.to_string())
}

fn bucket_url(BucketSettings { service, bucket, .. }: &BucketSettings) -> Result<String, MediaError> {
    let amazon = || format!("https://s3.{}.amazonaws.com", service.region);
    let endpoint = match &service.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => Url::parse(&amazon()).map_err(|it| invalid(&it))?,
    };
    let host = match (endpoint.scheme(), endpoint.host_str()) {
        ("http" | "https", Some(host)) => host.to_owned(),
        _ => return Err(invalid(&format!("`{endpoint}` is no address of an object store: it begins with https:// or http://"))),
    };
    let legal = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(legal) || bucket.starts_with('.') {
        return Err(invalid(&format!("`{bucket}` is no bucket's name")));
    }
    let mut url = endpoint;
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    if service.path_style {
        url.set_path(&format!("{path}/{bucket}"));
    } else {
        url.set_host(Some(&format!("{bucket}.{host}"))).map_err(|it| invalid(&it))?;
        url.set_path(&path);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn prefix(text: &str) -> Result<String, MediaError> {
    let text = text.trim_matches('/');
    if text.split('/').any(|it| matches!(it, "." | "..")) || text.chars().any(char::is_control) {
        return Err(invalid(&format!("`{text}` can't stand before keys")));
    }
    Ok(if text.is_empty() { String::new() } else { format!("{text}/") })
}

fn client(ca: Option<&[u8]>) -> Result<reqwest::ClientBuilder, MediaError> {
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .http1_only()
        .pool_max_idle_per_host(IDLE)
        .tcp_nodelay(true)
        // Bytes as they lie there.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        // A redirect would carry a signature to another host.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    Ok(match ca {
        Some(pem) => builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem).map_err(|it| invalid(&it))?),
        None => builder,
    })
}

/// Percent-encodes as the signature's specification wants it: all but unreserved characters.
fn encode(text: &str, keep_slashes: bool) -> String {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    const WITH_SLASHES: &AsciiSet = &UNRESERVED.remove(b'/');
    utf8_percent_encode(text, if keep_slashes { WITH_SLASHES } else { UNRESERVED }).to_string()
}

/// `Retry-After`: seconds, or a time, which is taken against the answer's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok()).map(str::trim);
    let after = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |it| chrono::DateTime::parse_from_rfc2822(it).ok();
    (time(after)? - time(text(header::DATE)?)?).to_std().ok()
}

/// A body; none where it is longer than `limit` bytes.
async fn limited(mut response: Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// An error's code; empty where the body is no such error.
fn code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        code: Option<String>,
    }
    let answer: Option<Answer> = quick_xml::de::from_reader(body).ok();
    let code = answer.and_then(|it| it.code).unwrap_or_default();
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}
