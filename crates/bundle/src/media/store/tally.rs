//! Bytes on their way into a store: counted, hashed, and held against what was told of them.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};
use sha2::{Digest as _, Sha256};

use super::Digest;
use crate::{
    format::{FileFacts, MediaKey, Sha256Hex},
    media::error::MediaError,
};

impl Digest {
    pub(super) const fn told(self) -> Option<Sha256Hex> {
        match self {
            Self::Unknown => None,
            Self::Expected(digest) | Self::Computed(digest) => Some(digest),
        }
    }

    /// The digest of `content`, which has to be what was told.
    pub(super) fn check(self, key: &MediaKey, content: &[u8]) -> Result<Sha256Hex, MediaError> {
        match self {
            Self::Computed(digest) => Ok(digest),
            Self::Unknown => Ok(Sha256Hex::of(content)),
            Self::Expected(digest) if digest == Sha256Hex::of(content) => Ok(digest),
            Self::Expected(_) => Err(MediaError::Digest { name: key.to_string() }),
        }
    }
}

/// What a stream came to.
pub(super) struct Tally(Arc<Mutex<Result<Option<FileFacts>, MediaError>>>);

struct Counted {
    key: MediaKey,
    bytes: u64,
    digest: Digest,
    stream: BoxStream<'static, Result<Bytes, MediaError>>,
    hasher: Sha256,
    passed: u64,
    end: Arc<Mutex<Result<Option<FileFacts>, MediaError>>>,
}

impl Tally {
    /// `stream`, which ends in an error before its last bytes were given where it isn't what was told.
    pub(super) fn over(
        key: &MediaKey,
        bytes: u64,
        digest: Digest,
        stream: BoxStream<'static, Result<Bytes, MediaError>>,
    ) -> (BoxStream<'static, Result<Bytes, MediaError>>, Self) {
        let end = Arc::new(Mutex::new(Ok(None)));
        let counted = Counted { key: key.clone(), bytes, digest, stream, hasher: Sha256::new(), passed: 0, end: Arc::clone(&end) };
        let stream = stream::unfold(Some(counted), |counted| async {
            let mut counted = counted?;
            match counted.next().await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some(counted))),
                Ok(None) => None,
                Err(error) => Some((Err(counted.failed(error)), None)),
            }
        });
        (stream.boxed(), Self(end))
    }

    /// What was written, where it was: for `written`, what the store made of the stream. Where the stream itself ended in an error, that one
    /// is the cause.
    pub(super) fn settle(&self, key: &MediaKey, written: Result<(), MediaError>) -> Result<FileFacts, MediaError> {
        let end = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), Ok(None))?;
        written?;
        let why = || MediaError::Answer { action: "writing", name: key.to_string(), why: "it was taken before it was whole".to_owned() };
        end.ok_or_else(why)
    }
}

impl Counted {
    async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        let chunk = self.stream.next().await.transpose()?;
        let length = chunk.as_ref().map_or(0, Bytes::len) as u64;
        self.passed += length;
        if self.passed > self.bytes || chunk.is_none() && self.passed < self.bytes {
            return Err(MediaError::Length { name: self.key.to_string(), expected: self.bytes, found: self.passed });
        }
        if let Some(chunk) = &chunk {
            self.hasher.update(chunk);
        }
        // All bytes have come: they have to be the right ones. Of an empty file, the stream's end is where that is known.
        if self.passed == self.bytes && (length > 0 || self.bytes == 0) {
            self.ended()?;
        }
        Ok(chunk)
    }

    fn ended(&self) -> Result<(), MediaError> {
        let sha256 = Sha256Hex::from(self.hasher.clone());
        if matches!(self.digest, Digest::Expected(expected) if expected != sha256) {
            return Err(MediaError::Digest { name: self.key.to_string() });
        }
        self.end(Ok(Some(FileFacts { bytes: self.bytes, sha256 })));
        Ok(())
    }

    fn failed(&self, error: MediaError) -> MediaError {
        let told = MediaError::Ended(error.to_string());
        self.end(Err(error));
        told
    }

    fn end(&self, end: Result<Option<FileFacts>, MediaError>) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}
