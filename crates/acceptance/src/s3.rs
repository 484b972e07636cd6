//! Requests to the object store as one of its users, or as nobody: to see what is refused.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use reqwest::Method;

use crate::stack::S3;

/// Somebody who sends requests to a store.
pub struct Somebody {
    http: reqwest::Client,
    store: S3,
    credentials: Option<Credentials>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.status, 401 | 403)
    }
}

impl Somebody {
    /// Without keys: nobody in particular.
    pub fn new(store: &S3, keys: Option<(&str, &str)>) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().build()?;
        let credentials = keys.map(|(access, secret)| Credentials::new(access, secret, None, None, "test"));
        Ok(Self { http, store: store.clone(), credentials })
    }

    /// `path` with its query, as it goes over the wire.
    pub async fn s3(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        self.send("s3", method, path, headers, body).await
    }

    /// A call of the IAM API; `form` as it goes over the wire.
    pub async fn iam(&self, form: &str) -> Result<Answer> {
        let form = format!("Version=2010-05-08&{form}");
        self.send("iam", Method::POST, "/", &[("content-type", "application/x-www-form-urlencoded")], &form).await
    }

    async fn send(&self, service: &str, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        let url = format!("{}{path}", self.store.endpoint);
        let mut request = self.http.request(method.clone(), &url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(credentials) = &self.credentials {
            let mut settings = SigningSettings::default();
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            let identity = credentials.clone().into();
            let parameters = v4::SigningParams::builder()
                .identity(&identity)
                .region(&self.store.region)
                .name(service)
                .time(SystemTime::now())
                .settings(settings)
                .build()?
                .into();
            let signable =
                SignableRequest::new(method.as_str(), url.as_str(), headers.iter().copied(), SignableBody::Bytes(body.as_bytes()))?;
            let (headers, _) = sign(signable, &parameters)?.into_parts().0.into_parts();
            for header in &headers {
                request = request.header(header.name(), header.value());
            }
        }
        let response = request.send().await.with_context(|| format!("{method} {url}"))?;
        Ok(Answer { status: response.status().as_u16(), body: response.text().await? })
    }
}
