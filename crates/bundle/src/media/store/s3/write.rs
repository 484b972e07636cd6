//! PUT of an object: one request, whatever its size, as its size is known.

use std::time::Duration;

use reqwest::{
    Body as RequestBody, Method, header,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use super::{super::Tally, Payload, S3, SHA256};
use crate::{
    format::{FileFacts, MediaKey},
    media::{
        error::MediaError,
        store::{Attributes, Body, Digest},
    },
};

const ACTION: &str = "writing";
/// The largest object that S3 takes in one request.
const LARGEST: u64 = 5 << 30;
/// A request may take so long, and a second more for each so many bytes.
const PATIENCE: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 64 << 10;
const ACL: HeaderName = HeaderName::from_static("x-amz-acl");
/// Mastodon's own, for every object.
const CACHE_CONTROL: &str = "public, max-age=315576000, immutable";

impl S3 {
    pub(in crate::media::store) async fn put(
        &self,
        key: &MediaKey,
        attributes: &Attributes,
        digest: Digest,
        body: Body,
    ) -> Result<FileFacts, MediaError> {
        let bytes = body.bytes();
        if bytes > LARGEST {
            let why = "it takes no more than 5 GiB in one request; copy this file with the store's own tool".to_owned();
            return Err(MediaError::Answer { action: ACTION, name: key.to_string(), why });
        }
        let headers = self.headers(key, attributes, digest, bytes)?;
        match body {
            Body::Whole(content) => {
                let sha256 = digest.check(key, &content)?;
                self.send(key, headers, Payload::Known(sha256), bytes, content.into()).await?;
                Ok(FileFacts { bytes, sha256 })
            }
            Body::Stream { bytes, stream } => {
                let payload = digest.told().map_or(Payload::Unsigned, Payload::Known);
                let (stream, tally) = Tally::over(key, bytes, digest, stream);
                let sent = self.send(key, headers, payload, bytes, RequestBody::wrap_stream(stream)).await;
                tally.settle(key, sent)
            }
        }
    }

    async fn send(&self, key: &MediaKey, headers: HeaderMap, payload: Payload, bytes: u64, body: RequestBody) -> Result<(), MediaError> {
        let mut request = self.request(Method::PUT, &self.object(key), headers, payload)?;
        *request.timeout_mut() = Some(PATIENCE + Duration::from_secs(bytes / SLOWEST));
        *request.body_mut() = Some(body);
        Self::answered(&self.writer, request, ACTION, key.as_str()).await.map(drop)
    }

    fn headers(&self, key: &MediaKey, attributes: &Attributes, digest: Digest, bytes: u64) -> Result<HeaderMap, MediaError> {
        let senseless =
            |_| MediaError::Answer { action: ACTION, name: key.to_string(), why: "an attribute of it is no header's value".to_owned() };
        let content_type = attributes.content_type.as_deref().unwrap_or_else(|| content_type(key));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).map_err(senseless)?);
        let cache_control = attributes.cache_control.as_deref().unwrap_or(CACHE_CONTROL);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_str(cache_control).map_err(senseless)?);
        if let Some(sha256) = digest.told() {
            headers.insert(SHA256, HeaderValue::from_str(&sha256.to_string()).map_err(senseless)?);
        }
        // What this store's objects may be decides this store; but what was nobody else's stays so.
        if let Some(acl) = self.acl_of(key) {
            let acl = if attributes.acl.as_deref() == Some("private") { "private" } else { &acl };
            headers.insert(ACL, HeaderValue::from_str(acl).map_err(senseless)?);
        }
        Ok(headers)
    }
}

/// Of what comes from a disk, which knows none: by its extension, of those that Mastodon gives.
fn content_type(key: &MediaKey) -> &'static str {
    let extension = key.as_str().rsplit_once('.').map(|(_, it)| it.to_ascii_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "svg" => "image/svg+xml",
        "ico" => "image/vnd.microsoft.icon",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "aac" => "audio/aac",
        "m4a" => "audio/mp4",
        "3gp" => "audio/3gpp",
        "wma" => "audio/x-ms-wma",
        "csv" => "text/csv",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        _ => "application/octet-stream",
    }
}
