//! Copying: files are read, as many at a time as the store bears, hashed while their bytes pass, and handed to a sink.
//!
//! Small files are held whole, so that a sink gets nothing that isn't complete; large ones pass through, and their stream goes on where a
//! connection broke. What is held is bounded in all. A file whose bytes are not as many as the listing said is never called good.

mod pace;
mod passing;

use std::{
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    error::{Kind, MediaError},
    listed::Listed,
    store::{Attributes, Body, Store},
};
use crate::format::{MediaFile, Sha256Hex};
use pace::Pace;

const KIB: u32 = 1024;

/// A file on its way to a sink.
pub struct Incoming {
    pub listed: Listed,
    pub attributes: Attributes,
    /// Of a file that comes whole; of a stream it is known when the stream has ended.
    pub sha256: Option<Sha256Hex>,
    pub body: Body,
}

/// What became of a file.
#[derive(Debug)]
pub enum Copied {
    /// The sink has it.
    File(MediaFile),
    /// It was listed, and was gone when it was to be read.
    Missing(Listed),
    /// It can't be had: the store won't give it, or gives other bytes than it lists, again and again.
    Failed { listed: Listed, error: MediaError },
}

/// How much at a time, and how often again.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests at a time, to begin with.
    pub start: usize,
    /// Requests at a time, at most.
    pub most: usize,
    /// The largest file that is held whole.
    pub small: u64,
    /// Bytes that are held in all.
    pub held: u32,
    /// Tries a file.
    pub tries: u32,
    /// So many files that fail, one after another, and it is no matter of a file any more.
    pub failures: u32,
    /// The first wait before another try; each next one is twice as long.
    pub wait: Duration,
    /// The longest one.
    pub longest_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: 8,
            most: 64,
            small: 1 << 20,
            held: 24 << 20,
            tries: 8,
            failures: 16,
            wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(20),
        }
    }
}

impl Limits {
    /// Between a half and the whole of what doubles with each attempt.
    fn wait(&self, attempt: u32) -> Duration {
        let wait = self.wait.saturating_mul(1 << (attempt - 1).min(16)).min(self.longest_wait);
        let random = RandomState::new().hash_one(attempt) % 1024;
        wait / 2 + wait.mul_f64(random as f64 / 2048.0)
    }
}

/// Copies the files that `wanted` names from `source` into `sink`, and says of each what became of it, in the order in which they end.
///
/// `sink` is called for many files at a time, and may be called again for a file whose first try failed: it must leave nothing of a file whose
/// body ended in an error. Where it gives an error that is worth another try, as a [`Store`]'s may be, the file is read and given to it again.
/// [`MediaError::Sink`] and others that are [`Kind::Fatal`] end the stream, as does an error of `wanted`, or too many files that fail one after
/// another. Files that are under way are given up when the stream is dropped.
pub fn copy_all<W, F, R>(source: &Store, limits: Limits, wanted: W, sink: F) -> impl Stream<Item = Result<Copied, MediaError>>
where
    W: Stream<Item = Result<Listed, MediaError>>,
    F: Fn(Incoming) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), MediaError>> + Send,
{
    let copier = Arc::new(Copier {
        source: source.clone(),
        sink,
        pace: Pace::new(limits.start, limits.most),
        room: Semaphore::new((limits.held / KIB) as usize),
        failures: AtomicU32::new(0),
        limits,
    });
    let run = Run { copier, wanted: Some(Box::pin(wanted)), tasks: JoinSet::new() };
    stream::try_unfold(run, |mut run| async move { Ok(run.next().await?.map(|it| (it, run))) })
}

struct Run<W, F> {
    copier: Arc<Copier<F>>,
    /// None when it has ended.
    wanted: Option<Pin<Box<W>>>,
    tasks: JoinSet<Result<Copied, MediaError>>,
}

impl<W, F, R> Run<W, F>
where
    W: Stream<Item = Result<Listed, MediaError>>,
    F: Fn(Incoming) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), MediaError>> + Send,
{
    async fn next(&mut self) -> Result<Option<Copied>, MediaError> {
        loop {
            let wanted = self.wanted.as_mut().filter(|_| self.tasks.len() < self.copier.limits.most);
            let listed = match wanted {
                None => match self.tasks.join_next().await {
                    None => return Ok(None),
                    Some(ended) => return outcome(ended).map(Some),
                },
                Some(wanted) => tokio::select! {
                    biased;
                    Some(ended) = self.tasks.join_next() => return outcome(ended).map(Some),
                    listed = wanted.next() => listed.transpose()?,
                },
            };
            match listed {
                None => self.wanted = None,
                Some(listed) => {
                    let copier = Arc::clone(&self.copier);
                    self.tasks.spawn(async move { copier.copy(listed).await });
                }
            }
        }
    }
}

fn outcome(ended: Result<Result<Copied, MediaError>, tokio::task::JoinError>) -> Result<Copied, MediaError> {
    ended.unwrap_or_else(|error| Err(MediaError::Ended(error.to_string())))
}

struct Copier<F> {
    source: Store,
    sink: F,
    pace: Pace,
    /// KiB.
    room: Semaphore,
    /// Files that were given up since one was copied.
    failures: AtomicU32,
    limits: Limits,
}

/// At which end it failed.
enum Failure {
    Source(MediaError),
    Sink(MediaError),
}

impl<F, R> Copier<F>
where
    F: Fn(Incoming) -> R + Send + Sync,
    R: Future<Output = Result<(), MediaError>> + Send,
{
    /// One file, until it is copied, known to be gone, or tried often enough.
    async fn copy(&self, listed: Listed) -> Result<Copied, MediaError> {
        for attempt in 1.. {
            let turn = self.pace.turn().await;
            let failure = match self.attempt(&listed).await {
                Ok(file) => {
                    turn.went_well();
                    self.failures.store(0, Ordering::Relaxed);
                    return Ok(Copied::File(file));
                }
                Err(failure) => failure,
            };
            let error = match failure {
                Failure::Source(error) if error.kind() == Kind::Gone => return Ok(Copied::Missing(listed)),
                Failure::Source(error) | Failure::Sink(error) => error,
            };
            match error.kind() {
                Kind::Fatal => return Err(error),
                Kind::Gone | Kind::Final => return self.give_up(listed, error),
                Kind::Throttled | Kind::Passing => {}
            }
            if error.kind() == Kind::Throttled {
                turn.was_too_much(error.retry_after());
            }
            drop(turn);
            if attempt >= self.limits.tries {
                return self.give_up(listed, error);
            }
            tracing::debug!(key = %listed.key, attempt, %error, "a file is tried again");
            tokio::time::sleep(self.limits.wait(attempt)).await;
        }
        Err(MediaError::Ended("a file was tried without end".to_owned()))
    }

    fn give_up(&self, listed: Listed, error: MediaError) -> Result<Copied, MediaError> {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= self.limits.failures {
            return Err(MediaError::Unreachable { failures, last: Box::new(error) });
        }
        Ok(Copied::Failed { listed, error })
    }

    async fn attempt(&self, listed: &Listed) -> Result<MediaFile, Failure> {
        if listed.bytes <= self.limits.small { self.whole(listed).await } else { self.passing(listed).await }
    }

    async fn whole(&self, listed: &Listed) -> Result<MediaFile, Failure> {
        let _room = self.room(listed.bytes).await;
        let (attributes, bytes, sha256) = self.source.read(listed).await.map_err(Failure::Source)?;
        let file = described(listed, &attributes, sha256);
        let incoming = Incoming { listed: listed.clone(), attributes, sha256: Some(sha256), body: Body::Whole(bytes) };
        (self.sink)(incoming).await.map_err(Failure::Sink)?;
        Ok(file)
    }

    async fn passing(&self, listed: &Listed) -> Result<MediaFile, Failure> {
        let _room = self.room(passing::HELD).await;
        let opened = self.source.open(&listed.key).await.map_err(Failure::Source)?;
        if opened.bytes != listed.bytes {
            return Err(Failure::Source(length(listed, opened.bytes)));
        }
        let attributes = opened.attributes.clone();
        let (stream, end) = passing::pass(self.source.clone(), self.limits.clone(), listed.clone(), opened);
        let body = Body::Stream { bytes: listed.bytes, stream };
        let sunk = (self.sink)(Incoming { listed: listed.clone(), attributes: attributes.clone(), sha256: None, body }).await;
        // A sink that fails because its body does tells only so: why, the stream knows.
        let sha256 = match (end.take(), sunk) {
            (passing::End::Failed(error), _) => return Err(Failure::Source(error)),
            (_, Err(error)) => return Err(Failure::Sink(error)),
            (passing::End::Whole(sha256), Ok(())) => sha256,
            (passing::End::Unread(read), Ok(())) => return Err(Failure::Sink(not_taken(listed, read))),
        };
        Ok(described(listed, &attributes, sha256))
    }

    async fn room(&self, bytes: u64) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let all = (self.limits.held / KIB).max(1);
        let kib = u32::try_from(bytes.div_ceil(u64::from(KIB))).unwrap_or(all).clamp(1, all);
        // It is never closed.
        self.room.acquire_many(kib).await.ok()
    }
}

fn length(listed: &Listed, found: u64) -> MediaError {
    MediaError::Length { name: listed.key.to_string(), expected: listed.bytes, found }
}

fn not_taken(listed: &Listed, read: u64) -> MediaError {
    let why = format!("only {read} of its {} bytes were taken", listed.bytes);
    MediaError::Sink { name: listed.key.to_string(), source: why.into() }
}

fn described(listed: &Listed, attributes: &Attributes, sha256: Sha256Hex) -> MediaFile {
    MediaFile {
        key: listed.key.clone(),
        bytes: listed.bytes,
        sha256,
        content_type: attributes.content_type.clone(),
        cache_control: attributes.cache_control.clone(),
        acl: attributes.acl.clone(),
        etag: listed.etag.clone(),
        modified: listed.modified,
    }
}
