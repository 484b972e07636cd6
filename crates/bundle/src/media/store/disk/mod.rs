//! A folder. Every step of a path is opened on its own and none of them through a symbolic link, so that what an upload or a neighbour put
//! there leads nowhere else, not even when it is put there in between.

mod put;
mod walk;

use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream, stream::BoxStream};
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open as open_path, openat};
use tokio::sync::mpsc;

use super::{Attributes, Body, Digest, Opened, Tally};
use crate::{
    format::{FileFacts, MediaKey, Sha256Hex},
    media::{
        error::MediaError,
        listed::{Entry, Listed},
    },
};

/// Of a large file, at a time.
const CHUNK: u64 = 256 << 10;
/// Chunks that are read ahead.
const AHEAD: usize = 1;

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

#[derive(Debug)]
pub(super) struct Disk {
    root: OwnedFd,
}

impl Disk {
    /// The root itself may be a link: whoever names it means where it leads.
    pub(super) fn new(root: PathBuf) -> Result<Self, MediaError> {
        let failed = |it: rustix::io::Errno| MediaError::Root { root: root.display().to_string(), source: it.into() };
        let root = open_path(&root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(failed)?;
        Ok(Self { root })
    }

    /// The folder that a key's file lies in, and the file's name in it.
    fn folder<'a>(&self, key: &'a MediaKey) -> io::Result<(OwnedFd, &'a str)> {
        let (folders, name) = split(key);
        let mut at: Option<OwnedFd> = None;
        for folder in folders.split('/') {
            let within = at.as_ref().unwrap_or(&self.root);
            at = Some(openat(within, folder, OFlags::PATH | FOLDER, Mode::empty())?);
        }
        at.map(|it| (it, name)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// A regular file's content and what is known of it.
    fn file(&self, key: &MediaKey) -> io::Result<(File, Stat)> {
        let (folder, name) = self.folder(key)?;
        // Without waiting: a pipe that lies there would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&folder, name, flags, Mode::empty())?);
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok((file, stat))
    }

    fn read(&self, listed: &Listed) -> Result<(Attributes, Bytes, Sha256Hex), MediaError> {
        let failed = |it| on_disk(&listed.key, it);
        let (file, stat) = self.file(&listed.key).map_err(failed)?;
        let length = |found| MediaError::Length { name: listed.key.to_string(), expected: listed.bytes, found };
        if size(&stat) != listed.bytes {
            return Err(length(size(&stat)));
        }
        // One byte more, to see that there is none.
        let mut bytes = Vec::with_capacity(usize::try_from(listed.bytes + 1).unwrap_or(0));
        let read = file.take(listed.bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
        if read as u64 != listed.bytes {
            return Err(length(read as u64));
        }
        let sha256 = Sha256Hex::of(&bytes);
        Ok((Attributes::default(), bytes.into(), sha256))
    }
}

fn split(key: &MediaKey) -> (&str, &str) {
    key.as_str().rsplit_once('/').unwrap_or(("", key.as_str()))
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn modified(stat: &Stat) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(stat.st_mtime, u32::try_from(stat.st_mtime_nsec).ok()?)
}

fn on_disk(key: &MediaKey, source: io::Error) -> MediaError {
    MediaError::Disk { name: key.to_string(), source }
}

/// Runs what waits for the disk where it may wait.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, MediaError> + Send + 'static) -> Result<T, MediaError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|it| Err(MediaError::Ended(it.to_string())))
}

pub(super) fn list(disk: &Arc<Disk>, prefix: &str) -> BoxStream<'static, Result<Entry, MediaError>> {
    let (send, receive) = mpsc::channel(2);
    let (disk, prefix) = (Arc::clone(disk), prefix.to_owned());
    tokio::task::spawn_blocking(move || walk::walk(&disk.root, &prefix, &send));
    let portions = stream::unfold(receive, |mut receive| async { receive.recv().await.map(|it| (it, receive)) });
    portions.flat_map(|portion: Vec<_>| stream::iter(portion)).boxed()
}

pub(super) async fn read(disk: &Arc<Disk>, listed: &Listed) -> Result<(Attributes, Bytes, Sha256Hex), MediaError> {
    let (disk, listed) = (Arc::clone(disk), listed.clone());
    aside(move || disk.read(&listed)).await
}

pub(super) async fn open(disk: &Arc<Disk>, key: &MediaKey) -> Result<Opened, MediaError> {
    let (disk, key) = (Arc::clone(disk), key.clone());
    aside(move || {
        let (file, stat) = disk.file(&key).map_err(|it| on_disk(&key, it))?;
        let (send, receive) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || chunks(file, &key, &send));
        let stream = stream::unfold(receive, |mut receive| async { receive.recv().await.map(|it| (it, receive)) }).boxed();
        Ok(Opened { attributes: Attributes::default(), bytes: size(&stat), etag: None, modified: modified(&stat), stream })
    })
    .await
}

/// Reads until the end, or until nobody listens.
fn chunks(mut file: File, key: &MediaKey, send: &mpsc::Sender<Result<Bytes, MediaError>>) {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK as usize);
        let read = match file.by_ref().take(CHUNK).read_to_end(&mut chunk) {
            Ok(0) => return,
            Ok(_) => Ok(Bytes::from(chunk)),
            Err(error) => Err(on_disk(key, error)),
        };
        let failed = read.is_err();
        if send.blocking_send(read).is_err() || failed {
            return;
        }
    }
}

pub(super) async fn put(disk: &Arc<Disk>, key: &MediaKey, digest: Digest, body: Body) -> Result<FileFacts, MediaError> {
    match body {
        Body::Whole(content) => {
            let (disk, key) = (Arc::clone(disk), key.clone());
            aside(move || put::whole(&disk.root, &key, digest, &content)).await
        }
        Body::Stream { bytes, stream } => {
            let (stream, tally) = Tally::over(key, bytes, digest, stream);
            put::streamed(disk, key, stream, tally).await
        }
    }
}

pub(super) async fn flush(disk: &Arc<Disk>) -> Result<(), MediaError> {
    let disk = Arc::clone(disk);
    let failed = |it: rustix::io::Errno| MediaError::Disk { name: "what was written".to_owned(), source: it.into() };
    aside(move || {
        // A handle of its own: one that only names a folder can't be synced.
        let root = openat(&disk.root, ".", OFlags::RDONLY | FOLDER, Mode::empty()).map_err(failed)?;
        rustix::fs::syncfs(&root).map_err(failed)
    })
    .await
}
