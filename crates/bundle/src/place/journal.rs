//! The journal: a line for each thing that was finished. What is not in it was not done.
//!
//! In a file it is appended to at once: that outlives the process. Should the machine go down, lines may be there whose files are not; a file whose
//! size on disk isn't the noted one is written anew. In a bucket, lines about media are gathered for a few seconds; all others are put at once.
//! What a killed run had sent may still arrive there while the next one writes: so each run's parts have names of their own, and only those count
//! that were there when it began, and its own.

use std::{
    fs::{File, OpenOptions, TryLockError},
    hash::{BuildHasher as _, RandomState},
    io::{self, BufRead, BufReader, Read, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _, path::Path as ObjectPath};
use tokio::{runtime::Handle, sync::Mutex, time::Instant};

use super::{
    PlaceError, Prefix,
    record::{Record, line},
};

/// Of a line; the longest is the dump's, with its tables.
const LONGEST: u64 = 4 << 20;
/// A part in a bucket is put when it has so many lines about media, or when its first is so old.
const LINES: u32 = 500;
const AGE: Duration = Duration::from_secs(5);
/// Of a part in a bucket, in bytes: many times what is ever put.
const PART: u64 = 16 << 20;

pub(super) enum Journal {
    File(FileJournal),
    Bucket(BucketJournal),
}

pub(super) struct FileJournal {
    file: Arc<File>,
    /// None for one that has no name any more, and goes with the process.
    path: Option<PathBuf>,
}

pub(super) struct BucketJournal {
    prefix: Prefix,
    /// Of this run's parts.
    mark: u64,
    before: Vec<ObjectPath>,
    next: Mutex<Next>,
}

/// The part that is gathered.
struct Next {
    own: Vec<ObjectPath>,
    number: u32,
    lines: Vec<u8>,
    count: u32,
    since: Option<Instant>,
}

impl Journal {
    /// Opened to be written by this process alone.
    pub(super) fn in_file(path: &Path, place: &str) -> Result<Self, PlaceError> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(PlaceError::io("open", path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self::File(FileJournal { file: Arc::new(file), path: Some(path.to_owned()) })),
            Err(TryLockError::WouldBlock) => Err(PlaceError::Busy { place: place.to_owned() }),
            Err(TryLockError::Error(source)) => Err(PlaceError::io("lock", path)(source)),
        }
    }

    /// For a pipe, which can't be resumed: in a file without a name.
    pub(super) fn nameless(file: File) -> Self {
        Self::File(FileJournal { file: Arc::new(file), path: None })
    }

    pub(super) async fn in_bucket(prefix: &Prefix) -> Result<Self, PlaceError> {
        let before = parts(prefix).await?;
        let number = before.last().map_or(0, number) + 1;
        let next = Next { own: Vec::new(), number, lines: Vec::new(), count: 0, since: None };
        let mark = RandomState::new().hash_one(number);
        Ok(Self::Bucket(BucketJournal { prefix: prefix.clone(), mark, before, next: Mutex::new(next) }))
    }

    pub(super) async fn note(&self, end: Option<u64>, record: &Record) -> Result<(), PlaceError> {
        let line = line(end, record);
        match self {
            Self::File(it) => (&*it.file).write_all(&line).map_err(|source| it.failed("write", source)),
            Self::Bucket(it) => it.note(&line, !matches!(record, Record::Media(_) | Record::Kept(_))).await,
        }
    }

    /// Everything that was noted is where it outlives this process.
    pub(super) async fn flush(&self) -> Result<(), PlaceError> {
        match self {
            Self::File(_) => Ok(()),
            Self::Bucket(it) => it.put(&mut *it.next.lock().await).await,
        }
    }

    /// From the first one on. Blocking.
    pub(super) fn lines(&self) -> Result<Lines<'_>, PlaceError> {
        let source = match self {
            Self::File(it) => Source::File(it, BufReader::with_capacity(64 * 1024, At { file: it.file.clone(), at: 0 })),
            Self::Bucket(it) => {
                let mut parts = it.before.clone();
                parts.extend_from_slice(&it.next.blocking_lock().own);
                parts.reverse();
                Source::Bucket { prefix: &it.prefix, parts, part: io::Cursor::new(Bytes::new()) }
            }
        };
        Ok(Lines { source, line: Vec::new(), read: 0 })
    }

    /// Drops what comes after so many bytes: a line that was torn, and what no longer holds. Parts in a bucket are whole or not there.
    pub(super) fn truncate(&self, length: u64) -> Result<(), PlaceError> {
        match self {
            Self::File(it) => it.file.set_len(length).map_err(|source| it.failed("shorten", source)),
            Self::Bucket(_) => Ok(()),
        }
    }

    pub(super) async fn remove(&self) -> Result<(), PlaceError> {
        match self {
            Self::File(FileJournal { path: Some(path), .. }) => std::fs::remove_file(path).map_err(PlaceError::io("remove", path)),
            Self::File(_) => Ok(()),
            Self::Bucket(it) => {
                for part in parts(&it.prefix).await? {
                    it.prefix.delete(&part).await?;
                }
                Ok(())
            }
        }
    }
}

impl FileJournal {
    fn failed(&self, doing: &'static str, source: io::Error) -> PlaceError {
        PlaceError::io(doing, self.path.as_deref().unwrap_or(Path::new("the journal")))(source)
    }
}

impl BucketJournal {
    async fn note(&self, line: &[u8], at_once: bool) -> Result<(), PlaceError> {
        let mut next = self.next.lock().await;
        next.lines.extend_from_slice(line);
        next.count += 1;
        let since = *next.since.get_or_insert_with(Instant::now);
        if at_once || next.count >= LINES || since.elapsed() >= AGE { self.put(&mut next).await } else { Ok(()) }
    }

    /// What could not be put is put with what follows.
    async fn put(&self, next: &mut Next) -> Result<(), PlaceError> {
        if next.lines.is_empty() {
            return Ok(());
        }
        let path = self.prefix.at(&format!("{FOLDER}/{:010}-{:016x}.ndjson", next.number, self.mark))?;
        let put = self.prefix.store.put(&path, next.lines.clone().into()).await;
        put.map_err(PlaceError::store("write", &path))?;
        next.own.push(path);
        (next.number, next.count, next.since) = (next.number + 1, 0, None);
        next.lines.clear();
        Ok(())
    }
}

/// Of the journal's parts in a bucket.
pub(super) const FOLDER: &str = ".journal";

/// In order.
async fn parts(prefix: &Prefix) -> Result<Vec<ObjectPath>, PlaceError> {
    let folder = prefix.at(FOLDER)?;
    let listed = prefix.store.list(Some(&folder)).map_ok(|it| it.location).try_collect::<Vec<_>>().await;
    let mut parts = listed.map_err(PlaceError::store("list", &folder))?;
    parts.retain(|it| number(it) > 0);
    parts.sort_unstable_by(|one, other| (number(one), one).cmp(&(number(other), other)));
    Ok(parts)
}

fn number(part: &ObjectPath) -> u32 {
    part.filename().and_then(|it| it.split_once('-')).and_then(|it| it.0.parse().ok()).unwrap_or(0)
}

/// A file that is read from where this reader stands, whoever else writes to it.
struct At {
    file: Arc<File>,
    at: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

pub(super) struct Lines<'a> {
    source: Source<'a>,
    line: Vec<u8>,
    read: u64,
}

enum Source<'a> {
    File(&'a FileJournal, BufReader<At>),
    Bucket { prefix: &'a Prefix, parts: Vec<ObjectPath>, part: io::Cursor<Bytes> },
}

impl Lines<'_> {
    /// The next whole line. Blocking.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, PlaceError> {
        loop {
            self.line.clear();
            match &mut self.source {
                Source::File(journal, reader) => {
                    reader.take(LONGEST).read_until(b'\n', &mut self.line).map_err(|source| journal.failed("read", source))?;
                }
                Source::Bucket { prefix, parts, part } => {
                    // Whole lines lie in memory: reading them can't fail.
                    let whole = part.read_until(b'\n', &mut self.line).is_ok_and(|it| it > 0);
                    if !whole && let Some(next) = parts.pop() {
                        *part = io::Cursor::new(Handle::current().block_on(get(prefix, &next))?);
                        continue;
                    }
                }
            }
            if self.line.last() != Some(&b'\n') {
                return Ok(None);
            }
            self.read += self.line.len() as u64;
            return Ok(Some(&self.line));
        }
    }

    /// How many bytes the lines have that were given so far.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }
}

async fn get(prefix: &Prefix, path: &ObjectPath) -> Result<Bytes, PlaceError> {
    let failed = || PlaceError::store("read", path);
    let found = prefix.store.get(path).await.map_err(failed())?;
    if found.meta.size > PART {
        return Err(PlaceError::Unreadable { place: prefix.name.clone() });
    }
    found.bytes().await.map_err(failed())
}
