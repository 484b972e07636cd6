//! How a run begins, or is gone on with.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{fd::AsFd as _, unix::fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::StreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tokio::runtime::Handle;

use super::{
    Inner, State, Target, Writer,
    directory::{Directory, JOURNAL},
    objects::Objects,
    tarball::Tarball,
};
use crate::{
    format::{BundlePath, MANIFEST, VERIFY, VERIFY_SIGNATURE},
    place::{
        Place, PlaceError, Prefix, Run,
        earlier::{self, Earlier},
        journal::{self, Journal},
        record::{Record, VERSION},
        resume::Resumed,
    },
};

impl Writer {
    /// Begins a bundle, or goes on with one that `run` began here before it was killed.
    ///
    /// `spool`: a directory for what has to be measured before a pipe can take it; a pipe needs it, nothing else does.
    /// `earlier`: a whole bundle, a tree on the same disk or in the same bucket, whose unchanged media are taken from there ([`Self::keep`]). It may
    /// be the same place: then the bundle there is not whole until this one is finished.
    ///
    /// # Errors
    /// [`PlaceError`]: the place holds something else, another run's bundle, or one that is whole; somebody else writes there now.
    pub async fn open(place: &Place, run: Run, spool: Option<PathBuf>, earlier: Option<&Place>) -> Result<Self, PlaceError> {
        let opened = match place {
            Place::Directory(path) => directory(path.clone(), earlier.is_some_and(|it| same(place, it))).await,
            Place::Prefix(prefix) => objects(prefix, earlier.is_some_and(|it| same(place, it))).await,
            Place::TarFile(path) => tar_file(path.clone()).await,
            Place::Pipe => {
                // Not by way of `Stdout`, which looks for ends of lines in all that passes.
                let output = io::stdout().as_fd().try_clone_to_owned().map_err(PlaceError::io("write", Path::new("the pipe")))?;
                pipe(Box::new(File::from(output)), spool.as_deref())
            }
        };
        Self::begin(place, opened?, run, spool, earlier).await
    }

    /// A tar into whatever takes it, such as a pipe to another process; else as [`Self::open`].
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn into_pipe(to: Box<dyn io::Write + Send>, run: Run, spool: PathBuf) -> Result<Self, PlaceError> {
        let opened = pipe(to, Some(&spool))?;
        Self::begin(&Place::Pipe, opened, run, Some(spool), None).await
    }

    async fn begin(place: &Place, opened: Opened, run: Run, spool: Option<PathBuf>, earlier: Option<&Place>) -> Result<Self, PlaceError> {
        let Opened { target, journal, resumed } = opened;
        let name = place.to_string();
        let run = match resumed.run {
            Some(begun) => match begun.difference(&run) {
                Some((begun, now)) => return Err(PlaceError::OtherRun { place: name, begun, now }),
                None => begun,
            },
            None => {
                journal.note(None, &Record::Run { version: VERSION, run: run.clone() }).await?;
                run
            }
        };
        if let Target::Objects(objects) = &target {
            for (path, id) in resumed.uploads.iter().flat_map(|(path, ids)| ids.iter().map(move |id| (path, id))) {
                objects.abort(path, id).await?;
            }
        }
        let has_manifest = resumed.files.keys().any(|it| it.as_str() == MANIFEST);
        let earlier = match earlier {
            Some(it) => Some(Earlier::open(it, place, same(place, it), has_manifest).await?),
            None => None,
        };
        let file = if let Place::TarFile(path) = place { Some(path.clone()) } else { None };
        let state = Mutex::new(State { files: resumed.files, dump: resumed.dump, done: resumed.done });
        Ok(Self { inner: Arc::new(Inner { name, target, runtime: Handle::current(), file, journal, run, spool, earlier, state }) })
    }
}

impl Place {
    /// Adds a small file to a bundle that is whole, such as `VERIFY.json`, or writes it anew. Not in a tar.
    ///
    /// # Errors
    /// [`PlaceError::NotWhole`], [`PlaceError::InTar`]; others.
    pub async fn add(&self, path: &BundlePath, bytes: Bytes) -> Result<(), PlaceError> {
        let not_whole = || PlaceError::NotWhole { place: self.to_string() };
        match self {
            Self::Directory(root) => {
                let directory = Directory::at(root);
                if !directory.has_manifest() {
                    return Err(not_whole());
                }
                let path = path.clone();
                blocking(move || {
                    directory.write_durably(&path, bytes.len() as u64, bytes.into())?;
                    directory.remove_parts()
                })
                .await
            }
            Self::Prefix(prefix) if prefix.exists(MANIFEST).await? => {
                let at = prefix.at(path.as_str())?;
                prefix.store.put(&at, bytes.into()).await.map(drop).map_err(PlaceError::store("write", &at))
            }
            Self::Prefix(_) => Err(not_whole()),
            Self::TarFile(_) | Self::Pipe => Err(PlaceError::InTar { place: self.to_string() }),
        }
    }

    /// Puts what a check found beside the bundle that it was of, in place of what an earlier one found.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub async fn add_verify(&self, said: Bytes, signature: Option<Bytes>) -> Result<(), PlaceError> {
        let of_it = BundlePath::parse(VERIFY_SIGNATURE)?;
        // First: an earlier one would be of what is not there any more.
        self.take_away(&of_it).await?;
        self.add(&BundlePath::parse(VERIFY)?, said).await?;
        match signature {
            Some(signature) => self.add(&of_it, signature).await,
            None => Ok(()),
        }
    }

    async fn take_away(&self, path: &BundlePath) -> Result<(), PlaceError> {
        match self {
            Self::Directory(root) => Directory::at(root).remove(path),
            Self::Prefix(prefix) => prefix.delete(&prefix.at(path.as_str())?).await,
            Self::TarFile(_) | Self::Pipe => Err(PlaceError::InTar { place: self.to_string() }),
        }
    }
}

struct Opened {
    target: Target,
    journal: Journal,
    resumed: Resumed,
}

fn same(here: &Place, other: &Place) -> bool {
    match (here, other) {
        (Place::Directory(here), Place::Directory(other)) => {
            here == other || fs::canonicalize(here).is_ok_and(|here| fs::canonicalize(other).is_ok_and(|other| here == other))
        }
        (Place::Prefix(here), Place::Prefix(other)) => here.name == other.name,
        _ => false,
    }
}

/// Whether a run can begin in a place; `builds`: on the bundle that is there.
fn may_begin(place: &str, whole: bool, empty: bool, builds: bool) -> Result<(), PlaceError> {
    let place = place.to_owned();
    match (whole, builds, empty) {
        (true, true, _) | (_, false, true) => Ok(()),
        (true, false, _) => Err(PlaceError::Whole { place }),
        (false, true, _) => Err(PlaceError::NotWhole { place }),
        (false, false, false) => Err(PlaceError::Foreign { place }),
    }
}

async fn directory(path: PathBuf, builds: bool) -> Result<Opened, PlaceError> {
    blocking(move || {
        let place = path.display().to_string();
        let directory = Directory::create(&path)?;
        let may_begin = || may_begin(&place, directory.has_manifest(), directory.is_empty()?, builds);
        let journal = path.join(JOURNAL);
        if !journal.exists() {
            may_begin()?;
        }
        let journal = Journal::in_file(&journal, &place)?;
        let mut resumed = Resumed::read(&journal, None, &place)?;
        if resumed.run.is_none() {
            may_begin()?;
            earlier::forget(&path)?;
        }
        resumed.files.retain(|path, facts| directory.holds(path, facts.bytes));
        resumed.dump = resumed.dump.filter(|it| resumed.files.contains_key(&it.path));
        directory.clear_parts()?;
        Ok(Opened { target: Target::Directory(directory), journal, resumed })
    })
    .await
}

async fn objects(prefix: &Prefix, builds: bool) -> Result<Opened, PlaceError> {
    let journal = Journal::in_bucket(prefix).await?;
    let place = prefix.name.clone();
    let (mut journal, resumed) = blocking(move || Resumed::read(&journal, None, &place).map(|it| (journal, it))).await?;
    if resumed.run.is_none() {
        // Of a run that was killed while it removed its journal, its bundle being whole: the first part goes first.
        journal.remove().await?;
        journal = Journal::in_bucket(prefix).await?;
        may_begin(&prefix.name, prefix.exists(MANIFEST).await?, is_empty(prefix).await?, builds)?;
        earlier::forget_objects(prefix).await?;
    }
    Ok(Opened { target: Target::Objects(Objects::new(prefix.clone())), journal, resumed })
}

/// Whether nothing lies below it but a journal.
async fn is_empty(prefix: &Prefix) -> Result<bool, PlaceError> {
    let root = Some(&prefix.root).filter(|it| !it.as_ref().is_empty());
    let mut listed = prefix.store.list(root);
    while let Some(found) = listed.next().await {
        let found = found.map_err(PlaceError::store("list", &prefix.root))?;
        if !prefix.relative(&found.location).starts_with(journal::FOLDER) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn tar_file(path: PathBuf) -> Result<Opened, PlaceError> {
    blocking(move || {
        let place = path.display().to_string();
        let mut beside = path.clone().into_os_string();
        beside.push(".journal");
        let beside = PathBuf::from(beside);
        let length = fs::metadata(&path).map_or(0, |it| it.len());
        if length > 0 && !beside.exists() {
            return Err(PlaceError::Exists { place });
        }
        let journal = Journal::in_file(&beside, &place)?;
        let resumed = Resumed::read(&journal, Some(length), &place)?;
        if resumed.run.is_none() && length > 0 {
            return Err(PlaceError::Exists { place });
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let tar = Tarball::in_file(file.map_err(PlaceError::io("open", &path))?, resumed.end, &path)?;
        Ok(Opened { target: Target::Tar(tar), journal, resumed })
    })
    .await
}

fn pipe(to: Box<dyn io::Write + Send>, spool: Option<&Path>) -> Result<Opened, PlaceError> {
    let journal = Journal::nameless(nameless(spool.ok_or(PlaceError::NeedsSpool)?)?);
    Ok(Opened { target: Target::Tar(Tarball::in_pipe(to)), journal, resumed: Resumed::default() })
}

/// A file that has no name any more, and goes with the process whatever ends it.
pub(super) fn nameless(folder: &Path) -> Result<File, PlaceError> {
    for number in 0_u32.. {
        let path = folder.join(format!(".howdah-spool.{number}"));
        match OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(&path) {
            // Another's, or one of a run that was killed just there.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                let made = made.and_then(|file| fs::remove_file(&path).map(|()| file));
                return made.map_err(PlaceError::io("make a file in the spool", folder));
            }
        }
    }
    Err(PlaceError::NeedsSpool)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, PlaceError> + Send + 'static) -> Result<T, PlaceError> {
    tokio::task::spawn_blocking(work).await?
}
