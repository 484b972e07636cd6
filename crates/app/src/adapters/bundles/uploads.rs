//! Uploads in parts (multipart uploads of S3): begun, looked at, made whole, given up. The store keeps what of one is there; nothing else does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::{AT_ONCE, S3Bundles, error};
use crate::ports::bundles::{BundlesError, Upload, UploadedPart};

/// These requests are sent at once.
const VALID: Duration = Duration::from_secs(300);
/// A listing of a thousand parts fits.
const ANSWER: usize = 4 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    upload_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Uploads {
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
    #[serde(default, rename = "Upload")]
    uploads: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    upload_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parts {
    #[serde(default)]
    is_truncated: bool,
    next_part_number_marker: Option<String>,
    #[serde(default, rename = "Part")]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    part_number: u32,
    #[serde(rename = "ETag")]
    etag: String,
    size: u64,
}

impl S3Bundles {
    pub(super) async fn upload_of(&self, key: &str) -> Result<Upload, BundlesError> {
        // Of two that were begun at the same moment all take the same one.
        let before = self.uploads_below(key).await?.into_iter().filter(|it| it.key == key).map(|it| it.upload_id).min();
        let id = match before {
            Some(id) => id,
            None => parse::<Begun>(&self.ask(&Method::POST, key, &[("uploads", "")], None).await?)?.upload_id,
        };
        let parts = self.parts(key, &id).await?;
        Ok(Upload { key: key.to_owned(), id, parts })
    }

    async fn parts(&self, key: &str, id: &str) -> Result<BTreeMap<u32, UploadedPart>, BundlesError> {
        let mut found = BTreeMap::new();
        let mut after = "0".to_owned();
        loop {
            let query = [("part-number-marker", after.as_str()), ("uploadId", id)];
            let page: Parts = parse(&self.ask(&Method::GET, key, &query, None).await?)?;
            found.extend(page.parts.into_iter().map(|it| (it.part_number, UploadedPart { bytes: it.size, etag: it.etag })));
            match page.next_part_number_marker.filter(|next| page.is_truncated && *next != after) {
                Some(next) => after = next,
                None => return Ok(found),
            }
        }
    }

    pub(super) async fn made_whole(&self, upload: &Upload) -> Result<(), BundlesError> {
        let mut body = "<CompleteMultipartUpload>".to_owned();
        for (number, part) in &upload.parts {
            let etag = quick_xml::escape::escape(&part.etag);
            write!(body, "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>").map_err(error)?;
        }
        body.push_str("</CompleteMultipartUpload>");
        let answer = self.ask(&Method::POST, &upload.key, &[("uploadId", &upload.id)], Some(body)).await?;
        // A store may answer 200 before it knows, and say what failed then.
        match answer.contains("<Error>") {
            true => Err(BundlesError(format!("the store could not make {} of its parts", upload.key))),
            false => Ok(()),
        }
    }

    pub(super) async fn bytes_of_parts(&self, prefix: &str) -> Result<u64, BundlesError> {
        let uploads = self.uploads_below(&format!("{prefix}/")).await?;
        let parts = stream::iter(uploads).map(async |it| self.parts(&it.key, &it.upload_id).await).buffer_unordered(AT_ONCE);
        let sum = |sum: u64, parts: BTreeMap<u32, UploadedPart>| async move {
            Ok(parts.values().fold(sum, |sum, part| sum.saturating_add(part.bytes)))
        };
        parts.try_fold(0, sum).await
    }

    pub(super) async fn abort_below(&self, prefix: &str) -> Result<(), BundlesError> {
        let uploads = self.uploads_below(&format!("{prefix}/")).await?;
        let aborted = stream::iter(uploads.into_iter().map(Ok));
        aborted
            .try_for_each_concurrent(AT_ONCE, async |it| {
                self.ask(&Method::DELETE, &it.key, &[("uploadId", &it.upload_id)], None).await.map(drop)
            })
            .await
    }

    async fn uploads_below(&self, prefix: &str) -> Result<Vec<Listed>, BundlesError> {
        let mut found = Vec::new();
        let mut after: Option<(String, String)> = None;
        loop {
            // Of a thousand whose names are long and escaped the answer would be longer than any is read.
            let mut query = vec![("uploads", ""), ("prefix", prefix), ("max-uploads", "100")];
            if let Some((key, id)) = &after {
                query.extend([("key-marker", key.as_str()), ("upload-id-marker", id.as_str())]);
            }
            let page: Uploads = parse(&self.ask(&Method::GET, "", &query, None).await?)?;
            // Not every store heeds the prefix.
            found.extend(page.uploads.into_iter().filter(|it| it.key.starts_with(prefix)));
            let next = page.next_key_marker.zip(page.next_upload_id_marker).filter(|it| page.is_truncated && after.as_ref() != Some(it));
            match next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// What it answers, as text. What is to be given up and is not there is given up.
    async fn ask(&self, method: &Method, key: &str, query: &[(&str, &str)], body: Option<String>) -> Result<String, BundlesError> {
        let url = self.links.link(method, key, query, None, VALID)?;
        // A link is a key: no error shows it.
        let failed = |it: reqwest::Error| error(it.without_url());
        let mut answer = self.client.request(method.clone(), url).body(body.unwrap_or_default()).send().await.map_err(failed)?;
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if text.len() + chunk.len() > ANSWER {
                return Err(BundlesError("an answer is longer than any should be".to_owned()));
            }
            text.extend_from_slice(&chunk);
        }
        match answer.status() {
            status if status.is_success() => String::from_utf8(text).map_err(error),
            StatusCode::NOT_FOUND if *method == Method::DELETE => Ok(String::new()),
            status => Err(BundlesError(format!("it answered {status} about an upload in parts"))),
        }
    }
}

fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, BundlesError> {
    quick_xml::de::from_str(text).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stores_answer() {
        let none: Uploads =
            parse("<ListMultipartUploadsResult><Bucket>b</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>").unwrap();
        assert!(none.uploads.is_empty() && !none.is_truncated);
        let parts: Parts = parse(
            "<ListPartsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Key>k</Key><NextPartNumberMarker>2</NextPartNumberMarker>\
             <IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><ETag>&#34;a&#34;</ETag><Size>5</Size></Part>\
             <Part><PartNumber>2</PartNumber><ETag>&quot;b&quot;</ETag><Size>6</Size></Part></ListPartsResult>",
        )
        .unwrap();
        assert_eq!(
            parts.parts.iter().map(|it| (it.part_number, it.size, it.etag.as_str())).collect::<Vec<_>>(),
            [(1, 5, "\"a\""), (2, 6, "\"b\"")]
        );
        assert!(parts.is_truncated && parts.next_part_number_marker.as_deref() == Some("2"));
        let begun: Begun = parse("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>").unwrap();
        assert_eq!(begun.upload_id, "u");
    }
}
