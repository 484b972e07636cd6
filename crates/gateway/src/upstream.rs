//! Requests to the object stores: without keys, without the client's query or cookies, for one object of one bucket.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use reqwest::redirect::Policy;
use url::Url;

use crate::hosts::Bucket;
use crate::object_path::ObjectPath;
use crate::settings::{Limits, MediaSettings};

/// What of the client's request goes on to the store.
const ASKED: [HeaderName; 6] = [RANGE, IF_RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
/// What of the store's answer goes on to the client. Its length is said by the body.
pub(crate) const ANSWERED: [HeaderName; 6] = [CONTENT_TYPE, CONTENT_RANGE, CONTENT_ENCODING, ACCEPT_RANGES, ETAG, LAST_MODIFIED];

/// One worker's way to the stores: its connections are driven by that worker, so it has its own.
pub(crate) struct Upstream {
    http: reqwest::Client,
    stores: BTreeMap<String, Url>,
    first_byte: Duration,
}

/// Why there is no answer of the store's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("the object store `{0}` is not one of this gateway's")]
    Unknown(String),
    #[error("the object store `{0}` did not answer in time")]
    Slow(String),
    #[error("the object store `{store}` is away")]
    Away {
        store: String,
        #[source]
        source: reqwest::Error,
    },
}

impl Upstream {
    pub(crate) fn new(settings: &MediaSettings) -> Result<Self, reqwest::Error> {
        let Limits { connect, first_byte, idle } = settings.limits;
        let http = reqwest::Client::builder()
            .connect_timeout(connect)
            .read_timeout(idle)
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .build()?;
        Ok(Self { http, stores: settings.object_stores.clone(), first_byte })
    }

    pub(crate) async fn fetch(
        &self,
        method: reqwest::Method,
        bucket: &Bucket,
        path: &ObjectPath,
        asked: &HeaderMap,
    ) -> Result<reqwest::Response, UpstreamError> {
        let store = &bucket.store;
        let endpoint = self.stores.get(store).ok_or_else(|| UpstreamError::Unknown(store.clone()))?;
        let mut request = self.http.request(method, format!("{endpoint}{}/{}", bucket.name, path.as_str()));
        for name in &ASKED {
            if let Some(value) = asked.get(name) {
                request = request.header(name.as_str(), value.as_bytes());
            }
        }
        match tokio::time::timeout(self.first_byte, request.send()).await {
            Ok(answer) => answer.map_err(|source| UpstreamError::Away { store: store.clone(), source }),
            Err(_) => Err(UpstreamError::Slow(store.clone())),
        }
    }
}
