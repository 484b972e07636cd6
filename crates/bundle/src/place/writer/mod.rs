//! Writing a bundle: what all places have in common. Files go to a [`Target`], notes of them to the journal, and what they say to [`State`].

mod directory;
mod inventory;
mod objects;
mod open;
mod stream;
mod tarball;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::runtime::Handle;

use self::{directory::Directory, objects::Objects, tarball::Tarball};
pub use self::{inventory::Inventory, stream::Stream};
use super::{
    Body, FinishedDump, Media, PlaceError, Run,
    done::Done,
    earlier::{Brought, Earlier},
    journal::Journal,
    reader::Bundle,
    record::{KeptMedia, Record},
};
use crate::format::{BundlePath, FileFacts, MANIFEST, MediaFile, Sha256Hex};

pub(super) use directory::{into_place, remove_folder};

/// Writes a bundle; many tasks may share one by reference. A tree takes many files at once, a tar one after the other.
///
/// A future of its methods that is dropped halfway leaves nothing half-written under a file's name.
pub struct Writer {
    inner: Arc<Inner>,
}

struct Inner {
    /// As a person writes the place.
    name: String,
    target: Target,
    /// Of whoever opened it.
    runtime: Handle,
    /// The tar, if it is in a file.
    file: Option<PathBuf>,
    journal: Journal,
    run: Run,
    /// For what has to be measured before a pipe takes it.
    spool: Option<PathBuf>,
    earlier: Option<Earlier>,
    state: Mutex<State>,
}

enum Target {
    Directory(Directory),
    Objects(Objects),
    Tar(Tarball),
}

/// What is finished.
struct State {
    files: BTreeMap<BundlePath, FileFacts>,
    dump: Option<FinishedDump>,
    done: Done,
}

impl Writer {
    /// As the run was first begun: its time is the bundle's start.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.inner.run
    }

    /// What is finished here, before and in this run: all but media. The dump is among them.
    #[must_use]
    pub fn files(&self) -> BTreeMap<BundlePath, FileFacts> {
        self.inner.state().files.clone()
    }

    /// The dump, if it is finished: then it is not made again.
    #[must_use]
    pub fn dump(&self) -> Option<FinishedDump> {
        self.inner.state().dump.clone()
    }

    /// A small file that was written before, to go on from.
    ///
    /// # Errors
    /// [`PlaceError::Missing`] for one that is not among [`Self::files`]; others.
    pub async fn read_back(&self, path: &BundlePath, limit: u64) -> Result<Vec<u8>, PlaceError> {
        let missing = || PlaceError::Missing { place: self.inner.name.clone(), path: path.clone() };
        if !self.inner.state().files.contains_key(path) {
            return Err(missing());
        }
        self.inner.unfinished().await?.ok_or_else(missing)?.read_small(path, limit).await
    }

    /// Writes a file that is not media. In a tree, again over one that is there; in a tar a file is written once, and only the same again is taken.
    ///
    /// # Errors
    /// [`PlaceError::Twice`]; others.
    pub async fn write_small(&self, path: &BundlePath, bytes: Bytes) -> Result<FileFacts, PlaceError> {
        let facts = FileFacts { bytes: bytes.len() as u64, sha256: Sha256Hex::of(&bytes) };
        if let Target::Tar(_) = self.inner.target {
            let before = self.inner.state().files.get(path).copied();
            match before {
                Some(same) if same == facts => return Ok(facts),
                Some(_) => return Err(PlaceError::Twice { path: path.clone() }),
                None => {}
            }
        }
        let body = Body::Whole(bytes, Some(facts.sha256));
        let record = Record::File { path: path.clone(), facts };
        self.inner.write(path.clone(), facts.bytes, body, None, move |_| record).await
    }

    /// Whether this file, as the source lists it now, need not be read: it was written before the run was killed, or lies in the earlier bundle and
    /// was put here from there (which may take a copy's time: ask for many at once). Unchanged is what has the same size and the same `etag`, or
    /// without one the same time. In a tar, which can't be changed, whatever has its key.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn keep(&self, media: &Media) -> Result<bool, PlaceError> {
        let path = media.key.path()?;
        let state = media.into();
        let (kept, written) = {
            let done = &self.inner.state().done;
            match self.inner.target {
                Target::Tar(_) => (done.wrote(&media.key), false),
                _ => (done.kept(state), done.has(state)),
            }
        };
        let whole = || match &self.inner.target {
            Target::Directory(directory) => directory.holds(&path, media.bytes),
            Target::Objects(_) | Target::Tar(_) => true,
        };
        if kept || written && whole() {
            return Ok(true);
        }
        let Some(earlier) = self.inner.earlier.as_ref().filter(|it| it.has(state)) else { return Ok(false) };
        match earlier.bring(&path, media.bytes).await? {
            Brought::Not => return Ok(false),
            Brought::LiesHere => {}
            Brought::Here => {
                let Media { key, bytes, etag, modified, .. } = media.clone();
                self.inner.journal.note(None, &Record::Kept(KeptMedia { key, bytes, etag, modified })).await?;
            }
        }
        self.inner.state().done.note_kept(state);
        Ok(true)
    }

    /// Writes a media file, and notes it. A body that is shorter or longer than said, or breaks off, is an error that leaves nothing behind (but in
    /// a pipe, into which nothing more is written then).
    ///
    /// # Errors
    /// [`PlaceError::Length`], [`PlaceError::Body`], where the source failed; [`PlaceError::Twice`]; others.
    pub async fn write_media(&self, media: Media, body: Body) -> Result<MediaFile, PlaceError> {
        let path = media.key.path()?;
        if matches!(self.inner.target, Target::Tar(_)) && self.inner.state().done.wrote(&media.key) {
            return Err(PlaceError::Twice { path });
        }
        let noted = media.clone();
        let record = move |facts: FileFacts| Record::Media(noted.with_digest(facts.sha256));
        let facts = self.inner.write(path, media.bytes, body, Some(media.clone()), record).await?;
        Ok(media.with_digest(facts.sha256))
    }

    /// Makes the bundle whole, after its manifest and signature: all that was written is on disk, and the journal is gone.
    ///
    /// # Errors
    /// [`PlaceError::NoManifest`]; others.
    pub async fn finish(self) -> Result<(), PlaceError> {
        let inner = self.inner;
        if !inner.state().files.keys().any(|it| it.as_str() == MANIFEST) {
            return Err(PlaceError::NoManifest);
        }
        let inner = tokio::task::spawn_blocking(move || inner.complete().map(|()| inner)).await??;
        inner.journal.remove().await?;
        match &inner.earlier {
            Some(earlier) => earlier.forget().await,
            None => Ok(()),
        }
    }
}

impl Inner {
    /// Nothing that holds it can fail halfway.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(
        self: &Arc<Self>,
        path: BundlePath,
        said: u64,
        body: Body,
        media: Option<Media>,
        record: impl FnOnce(FileFacts) -> Record + Send + 'static,
    ) -> Result<FileFacts, PlaceError> {
        let tar = match &self.target {
            Target::Objects(objects) => {
                let facts = objects.write(&path, said, body, media.as_ref(), &self.journal).await?;
                self.note(None, record(facts)).await?;
                return Ok(facts);
            }
            Target::Tar(tar) => Some(tar.lock().await),
            Target::Directory(_) => None,
        };
        let inner = self.clone();
        let modified = media.and_then(|it| it.modified).unwrap_or(self.run.started_at).timestamp();
        // To its end, with its note, even if nobody waits for it any more.
        tokio::task::spawn_blocking(move || {
            let Some(mut tar) = tar else {
                let facts = inner.write_file(&path, said, body)?;
                return inner.runtime.block_on(inner.note(None, record(facts))).map(|()| facts);
            };
            let failed = |it| PlaceError::io("write", Path::new(&inner.name))(it);
            let (facts, end) = tar.member(&path, said, modified, |mut to| body.pour(&path, said, &mut to, failed))?;
            inner.runtime.block_on(inner.note(Some(end), record(facts)))?;
            tar.settle(end);
            Ok(facts)
        })
        .await?
    }

    /// The manifest says that all else is there: so it goes to disk after all else.
    fn write_file(&self, path: &BundlePath, said: u64, body: Body) -> Result<FileFacts, PlaceError> {
        let Target::Directory(directory) = &self.target else { return Err(PlaceError::Broken) };
        if path.as_str() == MANIFEST {
            directory.sync()?;
            return directory.write_durably(path, said, body);
        }
        directory.write(path, said, body)
    }

    async fn note(&self, end: Option<u64>, record: Record) -> Result<(), PlaceError> {
        self.journal.note(end, &record).await?;
        let mut state = self.state();
        match record {
            Record::File { path, facts } => drop(state.files.insert(path, facts)),
            Record::Dump(dump) => {
                state.files.insert(dump.path.clone(), dump.file);
                state.dump = Some(dump);
            }
            Record::Media(file) => state.done.note(&file),
            Record::Run { .. } | Record::Kept(_) | Record::Upload { .. } => {}
        }
        Ok(())
    }

    /// Blocking.
    fn complete(&self) -> Result<(), PlaceError> {
        match &self.target {
            Target::Directory(directory) => directory.sync().and_then(|()| directory.remove_parts()),
            Target::Tar(tar) => self.runtime.block_on(tar.lock()).finish(),
            Target::Objects(_) => Ok(()),
        }
    }

    /// The unfinished bundle, to be read; none in a pipe.
    async fn unfinished(&self) -> Result<Option<Bundle>, PlaceError> {
        match (&self.target, &self.file) {
            (Target::Directory(directory), _) => Ok(Some(Bundle::directory(directory.root()))),
            (Target::Objects(objects), _) => Ok(Some(Bundle::prefix(objects.prefix.clone()))),
            (Target::Tar(tar), Some(file)) => {
                let length = tar.lock().await.end();
                Bundle::unfinished_tar(file, length).await.map(Some)
            }
            (Target::Tar(_), None) => Ok(None),
        }
    }
}
