//! A large file's stream: counted, hashed, and taken up again where its connection broke.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};
use sha2::{Digest, Sha256};

use super::super::{
    error::{Kind, MediaError},
    listed::Listed,
    store::{Opened, Store},
};
use super::Limits;
use crate::format::Sha256Hex;

/// What a stream may hold at a time, in bytes.
pub(super) const HELD: u64 = 1 << 20;
/// Times that a stream is taken up again.
const RESUMES: u32 = 5;

/// How a stream ended.
pub(super) enum End {
    Whole(Sha256Hex),
    Failed(MediaError),
    /// Nobody read it to its end; so many bytes were.
    Unread(u64),
}

/// Tells how it ended, when it has.
pub(super) struct Ending(Arc<Mutex<End>>);

impl Ending {
    pub(super) fn take(&self) -> End {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), End::Unread(0))
    }
}

struct Passing {
    store: Store,
    limits: Limits,
    listed: Listed,
    etag: Option<String>,
    stream: BoxStream<'static, Result<Bytes, MediaError>>,
    hasher: Sha256,
    passed: u64,
    resumes: u32,
    ending: Arc<Mutex<End>>,
}

/// `opened` as a stream that gives exactly the bytes that were listed, or ends in an error.
pub(super) fn pass(
    store: Store,
    limits: Limits,
    listed: Listed,
    opened: Opened,
) -> (BoxStream<'static, Result<Bytes, MediaError>>, Ending) {
    let ending = Arc::new(Mutex::new(End::Unread(0)));
    let passing = Passing {
        store,
        limits,
        listed,
        etag: opened.etag,
        stream: opened.stream,
        hasher: Sha256::new(),
        passed: 0,
        resumes: 0,
        ending: Arc::clone(&ending),
    };
    let stream = stream::unfold(Some(passing), |passing| async {
        let mut passing = passing?;
        match passing.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(passing))),
            Ok(None) => None,
            Err(told) => Some((Err(told), None)),
        }
    });
    (stream.boxed(), Ending(ending))
}

impl Passing {
    async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        loop {
            let error = match self.stream.next().await {
                Some(Ok(bytes)) if self.passed + bytes.len() as u64 <= self.listed.bytes => {
                    self.passed += bytes.len() as u64;
                    self.hasher.update(&bytes);
                    self.end(End::Unread(self.passed));
                    if self.passed == self.listed.bytes {
                        let sha256 = std::mem::take(&mut self.hasher).into();
                        self.end(End::Whole(sha256));
                    }
                    return Ok(Some(bytes));
                }
                None if self.passed == self.listed.bytes => return Ok(None),
                Some(Ok(bytes)) => self.length(self.passed + bytes.len() as u64),
                None => self.length(self.passed),
                Some(Err(error)) => error,
            };
            self.resume(error).await?;
        }
    }

    /// Goes on after `error`, or gives it up.
    async fn resume(&mut self, error: MediaError) -> Result<(), MediaError> {
        let too_long = matches!(error, MediaError::Length { found, expected, .. } if found > expected);
        let again = !too_long && self.resumes < RESUMES && matches!(error.kind(), Kind::Passing | Kind::Throttled);
        let Some(etag) = self.etag.as_deref().filter(|_| again) else { return Err(self.failed(error)) };
        self.resumes += 1;
        tokio::time::sleep(self.limits.wait(self.resumes)).await;
        tracing::debug!(key = %self.listed.key, from = self.passed, %error, "a file is taken up again");
        match self.store.open_from(&self.listed.key, self.passed, etag).await {
            Ok(stream) => self.stream = stream,
            Err(later) if matches!(later.kind(), Kind::Passing | Kind::Throttled) => {
                self.stream = stream::once(async { Err(later) }).boxed()
            }
            Err(later) if matches!(later.kind(), Kind::Gone | Kind::Fatal) => return Err(self.failed(later)),
            // It has changed meanwhile: from the beginning, then.
            Err(_) => return Err(self.failed(error)),
        }
        Ok(())
    }

    fn length(&self, found: u64) -> MediaError {
        super::length(&self.listed, found)
    }

    fn failed(&self, error: MediaError) -> MediaError {
        let told = MediaError::Ended(error.to_string());
        self.end(End::Failed(error));
        told
    }

    fn end(&self, end: End) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}
