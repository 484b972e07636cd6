//! How a bundle gets here, as it goes over the wire: file by file, or pulled from where it lies.

use chrono::{DateTime, Utc};
use howdah_app::imports::{Announced, Offered, PartLink, PullFrom, PullReport, PullView, Put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::v1::bucket::NewBucket;

/// Files of a bundle that are about to be brought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFiles {
    #[schema(min_items = 1, max_items = 1000)]
    files: Vec<NewFile>,
    /// SHA-256 of the bundle's `PREFLIGHT.json`, in hexadecimal: by it what lies there of another bundle is told from this one's, and deleted but
    /// for media. Without it a file of the same size is taken for this one.
    #[serde(default)]
    #[schema(max_length = 64)]
    preflight_sha256: Option<String>,
}

impl NewFiles {
    /// Of which bundle, and which.
    pub fn announced(self) -> (Option<String>, Vec<Announced>) {
        (self.preflight_sha256, self.files.into_iter().map(Into::into).collect())
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFile {
    /// Inside the bundle: `media/accounts/avatars/…`.
    #[schema(max_length = 1024)]
    path: String,
    #[schema(minimum = 0)]
    bytes: u64,
}

impl From<NewFile> for Announced {
    fn from(NewFile { path, bytes }: NewFile) -> Self {
        Self { path, bytes }
    }
}

/// Where each file is to be PUT, in the order in which they were announced.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferedFiles {
    #[schema(max_items = 1000)]
    files: Vec<OfferedFile>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OfferedFile {
    #[schema(max_length = 1024)]
    path: String,
    /// For a quarter of an hour, without an account, for as many bytes as were announced. None, and no parts: the file is there already, of
    /// this size.
    #[schema(max_length = 4096)]
    url: Option<String>,
    /// Of a large file, those of its parts that are not there, or some of them. Announce it again once they are: then it says which are next,
    /// or that it is there.
    #[schema(max_items = 1000)]
    parts: Option<Vec<OfferedPart>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OfferedPart {
    /// In the file.
    offset: u64,
    bytes: u64,
    #[schema(max_length = 4096)]
    url: String,
}

impl From<Offered> for OfferedFile {
    fn from(Offered { path, put }: Offered) -> Self {
        let part = |PartLink { offset, bytes, url }: PartLink| OfferedPart { offset, bytes, url: url.into() };
        let (url, parts) = match put {
            Put::There => (None, None),
            Put::Whole(url) => (Some(url.into()), None),
            Put::Parts(parts) => (None, Some(parts.into_iter().map(part).collect())),
        };
        Self { path, url, parts }
    }
}

impl From<Vec<Offered>> for OfferedFiles {
    fn from(offered: Vec<Offered>) -> Self {
        Self { files: offered.into_iter().map(Into::into).collect() }
    }
}

/// Where a bundle lies: a URL, or a bucket.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPull {
    /// Of its tar: `https://…`, at port 443 or from 1024 on, without a user's name in it. What follows the `?` may be a key: it is sealed, and
    /// forgotten once the pull has ended.
    #[serde(default)]
    #[schema(max_length = 2000)]
    url: Option<String>,
    #[serde(default)]
    bucket: Option<NewBucket>,
}

impl NewPull {
    /// `None` where it names none, or two.
    pub fn from(self) -> Option<PullFrom> {
        match (self.url, self.bucket) {
            (Some(url), None) => Some(PullFrom::Url(url.into())),
            (None, Some(bucket)) => Some(PullFrom::Bucket(Box::new(bucket.into()))),
            _ => None,
        }
    }
}

/// A bundle that is fetched from where it lies.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pull {
    /// Where it lies, without keys.
    #[schema(max_length = 2000)]
    source: String,
    /// `queued`, `running`, `done` or `failed`.
    #[schema(max_length = 20)]
    state: String,
    /// That have arrived.
    files: u64,
    bytes: u64,
    told_at: Option<DateTime<Utc>>,
    /// Why it broke off.
    #[schema(max_length = 1000)]
    sentence: Option<String>,
    begun_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<PullView> for Pull {
    fn from(PullView { source, state, files, bytes, told_at, sentence, begun_at, ended_at }: PullView) -> Self {
        Self { source, state, files, bytes, told_at, sentence, begun_at, ended_at }
    }
}

/// What the run of a pull says of itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPullReport {
    /// All of it is there.
    is_done: bool,
    files: u64,
    bytes: u64,
    /// Why it broke off.
    #[serde(default)]
    #[schema(max_length = 4000)]
    sentence: Option<String>,
}

impl From<NewPullReport> for PullReport {
    fn from(NewPullReport { is_done, files, bytes, sentence }: NewPullReport) -> Self {
        Self { is_done, files, bytes, sentence }
    }
}

/// It was heard.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heard {
    /// More is wanted of it.
    pub goes_on: bool,
}
