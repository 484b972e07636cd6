//! Where the media lies: a folder or a bucket.

mod disk;
mod s3;
mod tally;

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

use tally::Tally;

use super::{
    error::MediaError,
    listed::{Entry, Listed},
};
use crate::{
    format::{FileFacts, MediaKey, Sha256Hex},
    s3::BucketSettings,
};

/// Where a server's media lies, and how to get at it.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    Disk {
        /// `public/system`, or what `PAPERCLIP_ROOT_PATH` names: the folder that holds `accounts` and `media_attachments`.
        root: PathBuf,
    },
    S3(Box<BucketSettings>),
}

/// What an object store answers with beside the bytes. A disk keeps none of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub acl: Option<String>,
}

/// The bytes of a file.
pub enum Body {
    Whole(Bytes),
    /// Ends with an error where it doesn't come to `bytes`.
    Stream {
        bytes: u64,
        stream: BoxStream<'static, Result<Bytes, MediaError>>,
    },
}

impl Body {
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        match self {
            Self::Whole(content) => content.len() as u64,
            Self::Stream { bytes, .. } => *bytes,
        }
    }
}

/// What is known of a body's SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    Unknown,
    /// It has to have this one.
    Expected(Sha256Hex),
    /// It has this one: whoever gives it has just hashed these bytes.
    Computed(Sha256Hex),
}

/// An answer to one GET.
pub struct Opened {
    pub attributes: Attributes,
    pub bytes: u64,
    pub etag: Option<String>,
    pub modified: Option<DateTime<Utc>>,
    /// It may end early or run over: [`super::copy_all`] counts.
    pub stream: BoxStream<'static, Result<Bytes, MediaError>>,
}

/// A store of media. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Store(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Disk(Arc<disk::Disk>),
    S3(Arc<s3::S3>),
}

impl Store {
    /// Nothing is asked of a bucket yet; a folder has to be there.
    ///
    /// # Errors
    /// [`MediaError::Root`], [`MediaError::Settings`].
    pub fn open_up(settings: StoreSettings) -> Result<Self, MediaError> {
        match settings {
            StoreSettings::Disk { root } => disk::Disk::new(root).map(|it| Self(Inner::Disk(Arc::new(it)))),
            StoreSettings::S3(settings) => s3::S3::new(*settings).map(|it| Self(Inner::S3(Arc::new(it)))),
        }
    }

    /// All that lies below `prefix`, such as `accounts/avatars/`, in no particular order. From the listing alone: no HEAD of a file. Where a
    /// page of it fails for a passing reason it is asked for again, a bounded number of times; an error ends the stream.
    #[must_use]
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<Entry, MediaError>> {
        match &self.0 {
            Inner::Disk(disk) => disk::list(disk, prefix),
            Inner::S3(s3) => s3::list(s3, prefix),
        }
    }

    /// Opens a file: one GET.
    ///
    /// # Errors
    /// [`MediaError`], of any [`super::Kind`].
    pub async fn open(&self, key: &MediaKey) -> Result<Opened, MediaError> {
        match &self.0 {
            Inner::Disk(disk) => disk::open(disk, key).await,
            Inner::S3(s3) => s3.open(key).await,
        }
    }

    /// Reads a small file whole: no more than the listing told, and no less.
    pub(super) async fn read(&self, listed: &Listed) -> Result<(Attributes, Bytes, Sha256Hex), MediaError> {
        match &self.0 {
            Inner::Disk(disk) => disk::read(disk, listed).await,
            Inner::S3(s3) => s3.read(listed).await,
        }
    }

    /// The rest of a file that still is what `etag` names.
    pub(super) async fn open_from(
        &self,
        key: &MediaKey,
        from: u64,
        etag: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, MediaError>>, MediaError> {
        match &self.0 {
            // A disk's files have no etag: nobody asks.
            Inner::Disk(_) => Err(MediaError::Ended(format!("{key} can't be read from its {from}th byte on"))),
            Inner::S3(s3) => s3.open_from(key, from, etag).await,
        }
    }

    /// Writes a file, over one that may be there. An object store is told the digest, where it is known, and checks it too. A body that is
    /// shorter, longer or other than told leaves nothing behind. What comes without a content type and is put into a bucket gets that of its
    /// extension, and Mastodon's `Cache-Control`.
    ///
    /// # Errors
    /// [`MediaError`], of any [`super::Kind`].
    pub async fn put(&self, key: &MediaKey, attributes: &Attributes, digest: Digest, body: Body) -> Result<FileFacts, MediaError> {
        match &self.0 {
            Inner::Disk(disk) => disk::put(disk, key, digest, body).await,
            Inner::S3(s3) => s3.put(key, attributes, digest, body).await,
        }
    }

    /// Whether exactly this file lies there, by the digest that it was [put](Self::put) with. No, where that can't be told: a folder keeps none.
    pub async fn holds(&self, key: &MediaKey, facts: FileFacts) -> bool {
        match &self.0 {
            Inner::Disk(_) => false,
            Inner::S3(s3) => s3.holds(key, facts).await,
        }
    }

    /// Returns when what was put outlives a power cut.
    ///
    /// # Errors
    /// [`MediaError::Disk`].
    pub async fn flush(&self) -> Result<(), MediaError> {
        match &self.0 {
            Inner::Disk(disk) => disk::flush(disk).await,
            Inner::S3(_) => Ok(()),
        }
    }
}
