//! GET of an object.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use reqwest::{
    Method, Response, StatusCode, header,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use sha2::{Digest, Sha256};

use super::{Payload, S3, SHA256};
use crate::{
    format::{FileFacts, MediaKey, Sha256Hex},
    media::{
        error::MediaError,
        listed::Listed,
        store::{Attributes, Opened},
    },
};

const ACTION: &str = "reading";
/// The longest value of a header that is taken along.
const LONGEST_HEADER: usize = 1024;

impl S3 {
    pub(in crate::media::store) async fn open(&self, key: &MediaKey) -> Result<Opened, MediaError> {
        let response = self.get(key, HeaderMap::new()).await?;
        let Some(bytes) = response.content_length() else { return Err(senseless(key, "it doesn't say how long the file is")) };
        let headers = response.headers();
        Ok(Opened {
            attributes: self.attributes(key, headers),
            bytes,
            etag: text(headers, &header::ETAG),
            modified: text(headers, &header::LAST_MODIFIED)
                .and_then(|it| DateTime::parse_from_rfc2822(&it).ok())
                .map(|it| it.with_timezone(&Utc)),
            stream: stream(key, response),
        })
    }

    pub(in crate::media::store) async fn open_from(
        &self,
        key: &MediaKey,
        from: u64,
        etag: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, MediaError>>, MediaError> {
        let mut headers = HeaderMap::new();
        let etag = HeaderValue::from_str(etag).map_err(|_| senseless(key, "its ETag is none"))?;
        headers.insert(header::IF_MATCH, etag);
        headers.insert(header::RANGE, HeaderValue::try_from(format!("bytes={from}-")).map_err(|_| senseless(key, "no range of it"))?);
        let response = self.get(key, headers).await?;
        let range = text(response.headers(), &header::CONTENT_RANGE).unwrap_or_default();
        if response.status() != StatusCode::PARTIAL_CONTENT || !range.starts_with(&format!("bytes {from}-")) {
            return Err(senseless(key, "it gave another part than was asked for"));
        }
        Ok(stream(key, response))
    }

    /// A file that is held whole: its bytes are hashed as they come.
    pub(in crate::media::store) async fn read(&self, listed: &Listed) -> Result<(Attributes, Bytes, Sha256Hex), MediaError> {
        let length = |found| MediaError::Length { name: listed.key.to_string(), expected: listed.bytes, found };
        let mut response = self.get(&listed.key, HeaderMap::new()).await?;
        if let Some(bytes) = response.content_length().filter(|it| *it != listed.bytes) {
            return Err(length(bytes));
        }
        let attributes = self.attributes(&listed.key, response.headers());
        let mut hasher = Sha256::new();
        let mut bytes = Vec::with_capacity(usize::try_from(listed.bytes).unwrap_or(0));
        while let Some(chunk) = response.chunk().await.map_err(|it| broken(&listed.key, it))? {
            if bytes.len() as u64 + chunk.len() as u64 > listed.bytes {
                return Err(length(bytes.len() as u64 + chunk.len() as u64));
            }
            hasher.update(&chunk);
            bytes.extend_from_slice(&chunk);
        }
        if bytes.len() as u64 != listed.bytes {
            return Err(length(bytes.len() as u64));
        }
        Ok((attributes, bytes.into(), hasher.into()))
    }

    /// One HEAD. Metadata and bytes are of one PUT, whose body was held against this digest before its last byte was sent: whoever wrote the
    /// object since has taken the metadata away, too.
    pub(in crate::media::store) async fn holds(&self, key: &MediaKey, facts: FileFacts) -> bool {
        let Ok(request) = self.request(Method::HEAD, &self.object(key), HeaderMap::new(), Payload::None) else { return false };
        let Ok(response) = Self::answered(&self.reader, request, ACTION, key.as_str()).await else { return false };
        let headers = response.headers();
        text(headers, &header::CONTENT_LENGTH) == Some(facts.bytes.to_string()) && text(headers, &SHA256) == Some(facts.sha256.to_string())
    }

    async fn get(&self, key: &MediaKey, headers: HeaderMap) -> Result<Response, MediaError> {
        let request = self.request(Method::GET, &self.object(key), headers, Payload::None)?;
        Self::answered(&self.reader, request, ACTION, key.as_str()).await
    }

    fn attributes(&self, key: &MediaKey, headers: &HeaderMap) -> Attributes {
        Attributes {
            content_type: text(headers, &header::CONTENT_TYPE),
            cache_control: text(headers, &header::CACHE_CONTROL),
            acl: self.acl_of(key),
        }
    }

    /// A GET doesn't tell an object's ACL, and asking for it would be a request more: it is what Mastodon gives its objects, archives of
    /// accounts excepted, which are nobody else's.
    pub(super) fn acl_of(&self, key: &MediaKey) -> Option<String> {
        let acl = self.acl.as_ref()?;
        Some(if key.as_str().starts_with("backups/") { "private".to_owned() } else { acl.clone() })
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= LONGEST_HEADER && !value.is_empty()).then(|| value.to_owned())
}

fn stream(key: &MediaKey, response: Response) -> BoxStream<'static, Result<Bytes, MediaError>> {
    let key = key.clone();
    response.bytes_stream().map_err(move |it| broken(&key, it)).boxed()
}

fn broken(key: &MediaKey, source: reqwest::Error) -> MediaError {
    MediaError::Transport { action: ACTION, name: key.to_string(), source: source.without_url() }
}

fn senseless(key: &MediaKey, why: &str) -> MediaError {
    MediaError::Answer { action: ACTION, name: key.to_string(), why: why.to_owned() }
}
