//! ListObjectsV2, page after page.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use reqwest::{Method, header::HeaderMap};
use serde::Deserialize;

use super::{Payload, S3, encode, limited};
use crate::{
    format::MediaKey,
    media::{
        error::{Kind, MediaError},
        listed::{Entry, Listed, Skipped, WhySkipped},
    },
};

const ACTION: &str = "listing";
/// A page of 1,000 keys of 1 KiB each, every byte of them escaped, fits.
const PAGE_LIMIT: usize = 8 << 20;
const TRIES: u32 = 8;
const WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(120);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    contents: Vec<Content>,
    /// Every page has it: a page of something else is no empty listing.
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    key: String,
    size: u64,
    last_modified: Option<DateTime<Utc>>,
    #[serde(rename = "ETag")]
    e_tag: Option<String>,
}

pub(in crate::media::store) fn list(s3: &Arc<S3>, prefix: &str) -> BoxStream<'static, Result<Entry, MediaError>> {
    let state = (Arc::clone(s3), prefix.to_owned(), Some(None));
    let pages = stream::try_unfold(state, |(s3, prefix, token)| async move {
        let Some(token) = token else { return Ok::<_, MediaError>(None) };
        let page: Page = s3.page_in_the_end(&prefix, token.as_deref()).await?;
        let next = page.next(&prefix, token.as_deref())?;
        let entries = stream::iter(page.entries(&s3.prefix));
        Ok(Some((entries, (s3, prefix, next.map(Some)))))
    });
    pages.try_flatten().boxed()
}

impl S3 {
    async fn page_in_the_end(&self, prefix: &str, token: Option<&str>) -> Result<Page, MediaError> {
        let mut wait = WAIT;
        for _ in 1..TRIES {
            match self.page(prefix, token).await {
                Err(error) if matches!(error.kind(), Kind::Throttled | Kind::Passing) => {
                    tracing::debug!(prefix, %error, "a page of the listing is asked for again");
                    tokio::time::sleep(error.retry_after().map_or(wait, |it| it.min(LONGEST_WAIT))).await;
                    wait *= 2;
                }
                settled => return settled,
            }
        }
        self.page(prefix, token).await
    }

    async fn page(&self, prefix: &str, token: Option<&str>) -> Result<Page, MediaError> {
        let senseless = |why: String| MediaError::Answer { action: ACTION, name: prefix.to_owned(), why };
        // In the order that the signature wants.
        let token = token.map(|it| format!("continuation-token={}&", encode(it, false))).unwrap_or_default();
        let whole = encode(&format!("{}{prefix}", self.prefix), false);
        let url = format!("{}/?{token}encoding-type=url&list-type=2&max-keys=1000&prefix={whole}", self.bucket);
        let request = self.request(Method::GET, &url, HeaderMap::new(), Payload::None)?;
        let response = Self::answered(&self.reader, request, ACTION, prefix).await?;
        let broken = |source| MediaError::Transport { action: ACTION, name: prefix.to_owned(), source };
        let body = limited(response, PAGE_LIMIT).await.map_err(broken)?.ok_or_else(|| senseless("it is too long".to_owned()))?;
        quick_xml::de::from_reader(body.as_slice()).map_err(|it| senseless(it.to_string()))
    }
}

impl Page {
    /// The next page's token; none after the last one.
    fn next(&self, prefix: &str, token: Option<&str>) -> Result<Option<String>, MediaError> {
        let senseless = |why: &str| MediaError::Answer { action: ACTION, name: prefix.to_owned(), why: why.to_owned() };
        match &self.next_continuation_token {
            Some(next) if Some(next.as_str()) == token => Err(senseless("it goes round in a circle")),
            Some(next) if self.is_truncated => Ok(Some(next.clone())),
            None if self.is_truncated => Err(senseless("it doesn't say how to go on")),
            _ => Ok(None),
        }
    }

    fn entries(self, prefix: &str) -> Vec<Result<Entry, MediaError>> {
        let encoded = self.encoding_type.as_deref() == Some("url");
        self.contents.into_iter().filter_map(|it| it.entry(prefix, encoded)).map(Ok).collect()
    }
}

impl Content {
    /// None for what stands for a folder.
    fn entry(self, prefix: &str, encoded: bool) -> Option<Entry> {
        let whole = if encoded { decoded(&self.key) } else { Some(self.key.clone()) };
        let skipped = |name: &str, why| Some(Entry::Skipped(Skipped::new(name, self.size, why)));
        let Some(whole) = whole else { return skipped(&self.key, WhySkipped::NotUtf8) };
        // A store that lists what it was not asked for: its other keys are none of ours.
        let key = whole.strip_prefix(prefix)?;
        if key.ends_with('/') && self.size == 0 {
            return None;
        }
        match MediaKey::parse(key) {
            Ok(key) => Some(Entry::File(Listed { key, bytes: self.size, etag: self.e_tag, modified: self.last_modified })),
            Err(why) => skipped(key, WhySkipped::Name(why)),
        }
    }
}

/// As in a URL's query; none where it is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
