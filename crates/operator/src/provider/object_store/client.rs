//! Signed requests (AWS Signature Version 4) to an object store, path-style, and its answers.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::ObjectStoreError;

/// A listing of 1,000 keys of 1 KiB each, every byte of them escaped, fits.
const ANSWER_LIMIT: usize = 8 << 20;

#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: Url,
    region: String,
}

#[derive(Debug, Clone)]
pub(super) struct Keys(Credentials);

impl Keys {
    pub(super) fn new(access_key: &str, secret_key: &SecretString) -> Self {
        Self(Credentials::new(access_key, secret_key.expose_secret(), None, None, "howdah"))
    }
}

/// One request. `action` and `name` are for the error: what was to be done to which bucket or user.
pub(super) struct Request<'a> {
    pub action: &'static str,
    pub name: &'a str,
    pub keys: &'a Keys,
    pub service: Service,
    pub method: Method,
    pub bucket: Option<&'a str>,
    pub key: Option<&'a str>,
    pub query: &'a [(&'a str, &'a str)],
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Service {
    S3,
    Iam,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Iam => "iam",
        }
    }
}

impl<'a> Request<'a> {
    /// A request about a bucket as a whole.
    pub(super) fn bucket(action: &'static str, keys: &'a Keys, method: Method, bucket: &'a str) -> Self {
        Self {
            action,
            name: bucket,
            keys,
            service: Service::S3,
            method,
            bucket: Some(bucket),
            key: None,
            query: &[],
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A call of the IAM API about a user.
    pub(super) fn iam(action: &'static str, keys: &'a Keys, user: &'a str, form: &[(&str, &str)]) -> Self {
        let form: Vec<_> = [("Version", "2010-05-08"), ("UserName", user)].iter().chain(form).map(pair).collect();
        Self {
            action,
            name: user,
            keys,
            service: Service::Iam,
            method: Method::POST,
            bucket: None,
            key: None,
            query: &[],
            headers: vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())],
            body: form.join("&").into_bytes(),
        }
    }
}

impl Client {
    pub(super) fn new(endpoint: Url, region: String) -> Result<Self, ObjectStoreError> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            // A redirect would carry a signature to another host, and a proxy of the machine's has no part in it.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(ObjectStoreError::Client)?;
        Ok(Self { http, endpoint, region })
    }

    pub(super) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Sends it; the body of an answer 2xx, an error else.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<Vec<u8>, ObjectStoreError> {
        let (action, name) = (request.action, request.name.to_owned());
        let failed = |source| ObjectStoreError::Request { action, name: name.clone(), source };
        let url = self.url(&request)?;
        let signature = self.signature(&request, &url)?;
        let mut builder = self.http.request(request.method, url).body(request.body);
        for (header, value) in request.headers.into_iter().chain(signature) {
            builder = builder.header(header, value);
        }
        let mut response = builder.send().await.map_err(failed)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > ANSWER_LIMIT {
                return Err(ObjectStoreError::TooLong { action, name });
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        Err(ObjectStoreError::Refused { action, name, status: status.as_u16(), code: code(&body) })
    }

    fn url(&self, request: &Request<'_>) -> Result<Url, ObjectStoreError> {
        let path: Vec<_> = request.bucket.into_iter().chain(request.key).map(|it| encode(it, true)).collect();
        let path = format!("/{}", path.join("/"));
        let mut url = self.endpoint.clone();
        url.set_path(&path);
        // A URL resolves `..`, even when encoded: such a request would be about another object, or another bucket.
        if url.path() != path {
            return Err(ObjectStoreError::Key { name: request.name.to_owned(), key: request.key.unwrap_or_default().to_owned() });
        }
        if !request.query.is_empty() {
            url.set_query(Some(&request.query.iter().map(pair).collect::<Vec<_>>().join("&")));
        }
        Ok(url)
    }

    fn signature(&self, request: &Request<'_>, url: &Url) -> Result<Vec<(&'static str, String)>, ObjectStoreError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| ObjectStoreError::Sign {
            action: request.action,
            name: request.name.to_owned(),
            source,
        };
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = request.keys.0.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(request.service.name())
            // The machine's time: the store compares it with its own.
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|source| failed(source.into()))?
            .into();
        let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new(request.method.as_str(), url.as_str(), headers, SignableBody::Bytes(&request.body))
            .map_err(|source| failed(source.into()))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|source| failed(source.into()))?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }
}

/// The body of an answer as `T`.
pub(super) fn parse<T: for<'de> Deserialize<'de>>(action: &'static str, name: &str, body: &[u8]) -> Result<T, ObjectStoreError> {
    quick_xml::de::from_reader(body).map_err(|source| ObjectStoreError::Answer { action, name: name.to_owned(), source })
}

/// `Error/Code` (S3) or `ErrorResponse/Error/Code` (IAM); empty where the body is neither (an answer to HEAD, a proxy's page).
fn code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        code: Option<String>,
        error: Option<Inner>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Inner {
        code: Option<String>,
    }
    let answer: Option<Answer> = quick_xml::de::from_reader(body).ok();
    let code = answer.and_then(|it| it.code.or_else(|| it.error.and_then(|inner| inner.code))).unwrap_or_default();
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

fn pair((name, value): &(&str, &str)) -> String {
    format!("{}={}", encode(name, false), encode(value, false))
}

/// Percent-encodes as the signature's specification wants it: all but unreserved characters.
fn encode(text: &str, keep_slashes: bool) -> String {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    const WITH_SLASHES: &AsciiSet = &UNRESERVED.remove(b'/');
    utf8_percent_encode(text, if keep_slashes { WITH_SLASHES } else { UNRESERVED }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_either_api() {
        assert_eq!(code(b"<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>m</Message></Error>"), "NoSuchBucket");
        assert_eq!(
            code(b"<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code></Error><RequestId>1</RequestId></ErrorResponse>"),
            "NoSuchEntity"
        );
        assert_eq!(code(b""), "");
        assert_eq!(code(b"<html>bad gateway"), "");
        assert_eq!(code(b"<Error><Code>&lt;script&gt;</Code></Error>"), "script");
    }

    #[test]
    fn a_key_cannot_lead_out_of_its_bucket() {
        let client = Client::new(Url::parse("http://store").expect("a URL"), "r".to_owned()).expect("a client");
        let keys = Keys::new("a", &SecretString::from("s"));
        for (key, path) in [
            ("accounts/a b+c.png", Some("/mi-a/accounts/a%20b%2Bc.png")),
            ("a//b", Some("/mi-a/a//b")),
            ("a%2e%2e/b", Some("/mi-a/a%252e%252e/b")),
            ("q?x#y", Some("/mi-a/q%3Fx%23y")),
            ("a\\..\\b", Some("/mi-a/a%5C..%5Cb")),
            ("../mi-b/x", None),
            ("a/../../mi-b/x", None),
            ("a/.", None),
        ] {
            let request = Request { key: Some(key), ..Request::bucket("read", &keys, Method::GET, "mi-a") };
            assert_eq!(client.url(&request).ok().map(|url| url.path().to_owned()).as_deref(), path, "{key}");
        }
    }
}
