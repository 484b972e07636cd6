//! Files whose size is not known before they are written.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Seek as _, Write},
    path::Path,
    sync::Arc,
};

use object_store::Attributes;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::{Inner, Target, Writer, directory::Part, objects::Upload, open::nameless, tarball};
use crate::{
    format::{BundlePath, DumpFacts, FileFacts, TableFacts},
    place::{FinishedDump, PlaceError, record::Record, tar},
};

/// A file whose size is not known before, such as the dump. It is written and finished from a thread that may block (`spawn_blocking`, or one of
/// its own), best in pieces of 64 KiB and more. Dropped without being finished, nothing of it stays.
pub struct Stream {
    inner: Arc<Inner>,
    path: BundlePath,
    hasher: Sha256,
    bytes: u64,
    sink: Sink,
}

enum Sink {
    File(Part),
    Object {
        upload: Option<Box<Upload>>,
        part: Vec<u8>,
    },
    /// Its header is filled in at the end.
    Member(OwnedMutexGuard<tarball::State>),
    /// It goes into the pipe at the end.
    Spool(File, OwnedMutexGuard<tarball::State>),
}

impl Writer {
    /// Begins a file whose size is not known before. In a tar nothing else can be written until it is finished or dropped.
    ///
    /// # Errors
    /// [`PlaceError::Twice`]; others.
    pub async fn stream(&self, path: &BundlePath) -> Result<Stream, PlaceError> {
        let inner = &self.inner;
        let sink = match &inner.target {
            Target::Directory(directory) => Sink::File(directory.begin()?),
            Target::Objects(_) => Sink::Object { upload: None, part: Vec::new() },
            Target::Tar(_) if inner.state().files.contains_key(path) => return Err(PlaceError::Twice { path: path.clone() }),
            Target::Tar(tar) => {
                let mut state = tar.lock().await;
                match &inner.spool {
                    Some(spool) if state.is_pipe() => Sink::Spool(nameless(spool)?, state),
                    _ => {
                        state.begin(&tar::header(path, 0, 0))?;
                        Sink::Member(state)
                    }
                }
            }
        };
        Ok(Stream { inner: inner.clone(), path: path.clone(), hasher: Sha256::new(), bytes: 0, sink })
    }
}

impl Stream {
    /// What was written until now.
    #[must_use]
    pub fn written(&self) -> FileFacts {
        FileFacts { bytes: self.bytes, sha256: self.hasher.clone().into() }
    }

    /// # Errors
    /// [`PlaceError`].
    pub fn finish(self) -> Result<FileFacts, PlaceError> {
        let path = self.path.clone();
        self.end(|facts| Record::File { path, facts })
    }

    /// As [`Self::finish`], and notes with the dump what it holds. A run that is killed after this does not make it again.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn finish_dump(self, dump: DumpFacts, tables: BTreeMap<String, TableFacts>) -> Result<FileFacts, PlaceError> {
        let path = self.path.clone();
        self.end(|file| Record::Dump(FinishedDump { path, file, dump, tables }))
    }

    fn end(self, record: impl FnOnce(FileFacts) -> Record) -> Result<FileFacts, PlaceError> {
        let Self { inner, path, hasher, bytes, sink } = self;
        let facts = FileFacts { bytes, sha256: hasher.into() };
        let modified = inner.run.started_at.timestamp();
        let note = |end| inner.runtime.block_on(inner.note(end, record(facts)));
        match sink {
            Sink::File(part) => {
                part.file.sync_all().map_err(PlaceError::io("sync", &part.path))?;
                let Target::Directory(directory) = &inner.target else { return Err(PlaceError::Broken) };
                part.place(&directory.join(&path))?;
                note(None)?;
            }
            Sink::Object { upload, part } => {
                inner.runtime.block_on(last_part(&inner, &path, upload, part))?;
                note(None)?;
            }
            Sink::Member(mut state) => {
                let end = state.fill_in(&path, bytes, modified)?;
                note(Some(end))?;
                state.settle(end);
            }
            Sink::Spool(mut file, mut state) => {
                let failed = |it| PlaceError::io("copy from the spool", Path::new(path.as_str()))(it);
                let (_, end) = state.member(&path, bytes, modified, |to| {
                    file.rewind().map_err(failed)?;
                    io::copy(&mut (&file).take(bytes), to).map_err(failed).map(|_| facts)
                })?;
                note(Some(end))?;
                state.settle(end);
            }
        }
        Ok(facts)
    }
}

async fn last_part(inner: &Inner, path: &BundlePath, upload: Option<Box<Upload>>, part: Vec<u8>) -> Result<(), PlaceError> {
    let Target::Objects(objects) = &inner.target else { return Err(PlaceError::Broken) };
    let Some(mut upload) = upload else { return objects.put(path, part.into(), Attributes::default()).await };
    let sent = async {
        upload.part(part.into()).await?;
        upload.complete().await
    };
    let sent = sent.await;
    if sent.is_err() {
        upload.abort().await;
    }
    sent
}

/// Gathers a part, and begins to send it when it is full.
fn take_part(
    inner: &Inner,
    path: &BundlePath,
    upload: &mut Option<Box<Upload>>,
    part: &mut Vec<u8>,
    mut bytes: &[u8],
) -> Result<(), PlaceError> {
    let Target::Objects(objects) = &inner.target else { return Err(PlaceError::Broken) };
    while !bytes.is_empty() {
        let size = upload.as_ref().map_or(Ok(Upload::FIRST), |it| it.part_size())?;
        let (now, later) = bytes.split_at(bytes.len().min(size - part.len()));
        // Never more than a part takes, and no more than twice what is there.
        if part.capacity() - part.len() < now.len() {
            part.reserve_exact((size - part.len()).min(part.len() + now.len()));
        }
        part.extend_from_slice(now);
        bytes = later;
        if part.len() == size {
            let upload = match upload {
                Some(it) => it,
                None => upload.insert(Box::new(inner.runtime.block_on(objects.upload(path, Attributes::default(), &inner.journal))?)),
            };
            inner.runtime.block_on(upload.part(std::mem::take(part).into()))?;
        }
    }
    Ok(())
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::File(part) => part.file.write_all(bytes)?,
            Sink::Object { upload, part } => take_part(&self.inner, &self.path, upload, part, bytes)?,
            Sink::Member(state) => state.write_all(bytes)?,
            Sink::Spool(file, _) => file.write_all(bytes)?,
        }
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
