//! A file's bytes on their way in, counted and hashed.

use std::io::{self, Write};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream::BoxStream};
use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncRead, runtime::Handle};

use super::PlaceError;
use crate::format::{BundlePath, FileFacts, MediaFile, MediaKey, Sha256Hex};

/// A media file as the source's store told it: all of a [`MediaFile`] but its digest. From a listing, the middle three are not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub key: MediaKey,
    pub bytes: u64,
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub acl: Option<String>,
    pub etag: Option<String>,
    pub modified: Option<DateTime<Utc>>,
}

impl Media {
    #[must_use]
    pub fn with_digest(self, sha256: Sha256Hex) -> MediaFile {
        let Self { key, bytes, content_type, cache_control, acl, etag, modified } = self;
        MediaFile { key, bytes, sha256, content_type, cache_control, acl, etag, modified }
    }
}

/// A file's bytes.
pub enum Body {
    /// In memory. With its digest, where whoever read it has hashed it already; else it is hashed here.
    Whole(Bytes, Option<Sha256Hex>),
    /// As they come; hashed as they pass.
    Chunks(BoxStream<'static, io::Result<Bytes>>),
}

impl Body {
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::Chunks(tokio_util::io::ReaderStream::with_capacity(reader, 64 * 1024).boxed())
    }

    /// The next chunk, and none after the last.
    pub(super) async fn next(&mut self, path: &BundlePath) -> Result<Option<Bytes>, PlaceError> {
        match self {
            Self::Whole(bytes, _) => Ok(Some(std::mem::take(bytes)).filter(|it| !it.is_empty())),
            Self::Chunks(chunks) => chunks.next().await.transpose().map_err(|source| PlaceError::Body { path: path.clone(), source }),
        }
    }

    /// Copies it all. Blocking.
    pub(super) fn pour(
        mut self,
        path: &BundlePath,
        said: u64,
        to: &mut impl Write,
        failed: impl Fn(io::Error) -> PlaceError,
    ) -> Result<FileFacts, PlaceError> {
        let mut meter = Meter::new(path, Some(said), &self);
        let runtime = Handle::current();
        while let Some(chunk) = runtime.block_on(self.next(path))? {
            meter.take(&chunk)?;
            to.write_all(&chunk).map_err(&failed)?;
        }
        meter.end()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes, None)
    }
}

/// Counts and hashes a file's bytes as they pass, and holds them to what was said.
pub(super) struct Meter<'a> {
    path: &'a BundlePath,
    said: Option<u64>,
    bytes: u64,
    digest: Hashed,
}

enum Hashed {
    Before(Sha256Hex),
    Here(Sha256),
}

impl<'a> Meter<'a> {
    pub(super) fn new(path: &'a BundlePath, said: Option<u64>, body: &Body) -> Self {
        let digest = match body {
            Body::Whole(_, Some(sha256)) => Hashed::Before(*sha256),
            _ => Hashed::Here(Sha256::new()),
        };
        Self { path, said, bytes: 0, digest }
    }

    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), PlaceError> {
        self.bytes += chunk.len() as u64;
        match self.said {
            Some(said) if self.bytes > said => Err(self.length(said, true)),
            _ => {
                if let Hashed::Here(hasher) = &mut self.digest {
                    hasher.update(chunk);
                }
                Ok(())
            }
        }
    }

    pub(super) fn end(self) -> Result<FileFacts, PlaceError> {
        match self.said {
            Some(said) if self.bytes < said => Err(self.length(said, false)),
            _ => {
                let sha256 = match self.digest {
                    Hashed::Before(sha256) => sha256,
                    Hashed::Here(hasher) => hasher.into(),
                };
                Ok(FileFacts { bytes: self.bytes, sha256 })
            }
        }
    }

    fn length(&self, said: u64, longer: bool) -> PlaceError {
        PlaceError::Length { path: self.path.clone(), said, longer }
    }
}
