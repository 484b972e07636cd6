//! An earlier bundle that a new one builds on: what its source still lists unchanged is not read again.
//!
//! Its inventory is read twice: at the start, to know its files (8 bytes each), and at the end, to copy the lines of those that were kept. In a
//! bucket it is listed once besides: what is gone from there, or has another size, is read anew from the source. (An object's `etag` is no digest
//! where it came in parts or is encrypted there, so that it tells nothing more: `howdah bundle verify` reads every byte.)
//! Where the new bundle lies in the same place, the old manifest and inventory are moved below `.earlier/` first: from then on nobody takes for
//! whole what lies there, and a run that was killed still finds them.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
};

use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tokio::runtime::Handle;
use tokio_util::io::SyncIoBridge;

use super::{
    Place, PlaceError, Prefix,
    done::State,
    keys::Keys,
    reader::{Bundle, read_small},
    writer::{into_place, remove_folder},
};
use crate::format::{BundlePath, INVENTORY, MANIFEST, MEDIA, Manifest, MediaFile, SIGNATURE, Sha256Hex, VERIFY, VERIFY_SIGNATURE, VERSION};

/// Where its manifest and inventory lie while a bundle in the same place builds on it.
const MOVED: &str = ".earlier";
/// Of a manifest, and of an inventory's line, in bytes.
const MANIFEST_LIMIT: u64 = 16 << 20;
const LINE_LIMIT: u64 = 64 << 10;
/// What S3 copies in one request.
const COPY_LIMIT: u64 = 5 << 30;

pub(super) struct Earlier {
    from: From,
    name: String,
    manifest: Manifest,
    files: Keys,
    /// Its objects and their sizes, as its bucket lists them.
    objects: Keys,
}

enum From {
    /// In the place where the new bundle is made.
    Here(Place),
    Directory {
        from: PathBuf,
        to: PathBuf,
    },
    Prefix {
        from: Prefix,
        to: Prefix,
    },
}

pub(super) enum Brought {
    Not,
    /// It was where it belongs already.
    LiesHere,
    Here,
}

impl Earlier {
    /// `has_manifest`: whether the new bundle has its own already.
    pub(super) async fn open(earlier: &Place, here: &Place, same: bool, has_manifest: bool) -> Result<Self, PlaceError> {
        let name = earlier.to_string();
        let from = match (earlier, here) {
            (Place::Directory(_) | Place::Prefix(_), _) if same => {
                move_away(here, has_manifest).await?;
                From::Here(here.clone())
            }
            (Place::Directory(from), Place::Directory(to)) => From::Directory { from: from.clone(), to: to.clone() },
            (Place::Prefix(from), Place::Prefix(to)) if from.same_bucket(to) => From::Prefix { from: from.clone(), to: to.clone() },
            _ => {
                let problem = "it is no tree on this machine's disk or in the same bucket as the new one".to_owned();
                return Err(PlaceError::Earlier { place: name, problem });
            }
        };
        let manifest = manifest(&from, &name).await?;
        let objects = listed(&from).await?;
        tokio::task::spawn_blocking(move || {
            let mut earlier = Self { from, name, manifest, files: Keys::default(), objects };
            let mut files = Keys::default();
            earlier.each(|file| {
                let state = State::from(&file);
                let hash = files.hash(&state);
                files.insert(hash);
                Ok(())
            })?;
            earlier.files = files;
            Ok(earlier)
        })
        .await?
    }

    pub(super) fn has(&self, state: State<'_>) -> bool {
        state.stamped() && self.files.contains(self.files.hash(&state))
    }

    pub(super) const fn lies_here(&self) -> bool {
        matches!(self.from, From::Here(_))
    }

    /// What it has beside its media, and may have.
    pub(super) fn other_files(&self) -> impl Iterator<Item = BundlePath> {
        let more = [SIGNATURE, VERIFY, VERIFY_SIGNATURE].into_iter().filter_map(|it| BundlePath::parse(it).ok());
        self.manifest.files.keys().cloned().chain(more).collect::<Vec<_>>().into_iter()
    }

    /// Puts its file of so many bytes where the new bundle has it.
    pub(super) async fn bring(&self, path: &BundlePath, bytes: u64) -> Result<Brought, PlaceError> {
        match &self.from {
            From::Here(Place::Directory(root)) => {
                let lies = fs::symlink_metadata(root.join(path.as_str())).is_ok_and(|it| it.is_file() && it.len() == bytes);
                Ok(if lies { Brought::LiesHere } else { Brought::Not })
            }
            From::Here(_) => Ok(if self.lists(path, bytes) { Brought::LiesHere } else { Brought::Not }),
            From::Directory { from, to } => {
                let (from, to) = (from.join(path.as_str()), to.join(path.as_str()));
                tokio::task::spawn_blocking(move || link(&from, &to, bytes)).await?
            }
            From::Prefix { .. } if bytes > COPY_LIMIT || !self.lists(path, bytes) => Ok(Brought::Not),
            From::Prefix { from, to } => {
                let to = to.at(path.as_str())?;
                match from.store.copy(&from.at(path.as_str())?, &to).await {
                    Ok(()) => Ok(Brought::Here),
                    Err(object_store::Error::NotFound { .. }) => Ok(Brought::Not),
                    Err(other) => Err(PlaceError::store("copy the earlier bundle's file to", &to)(other)),
                }
            }
        }
    }

    fn lists(&self, path: &BundlePath, bytes: u64) -> bool {
        self.objects.contains(self.objects.hash(&(path.as_str(), bytes)))
    }

    /// Its inventory, a line at a time; at the end, whether it was the manifest's. Blocking.
    pub(super) fn each(&self, mut each: impl FnMut(MediaFile) -> Result<(), PlaceError>) -> Result<(), PlaceError> {
        let wrong = |problem: &str| PlaceError::Earlier { place: self.name.clone(), problem: problem.to_owned() };
        let said = self.manifest.files.iter().find(|(path, _)| path.as_str() == INVENTORY).map(|it| it.1.sha256);
        let mut reader = BufReader::with_capacity(64 * 1024, Hashing { from: self.inventory()?, hasher: sha2::Digest::new() });
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line);
            if read.map_err(PlaceError::io("read", Path::new(INVENTORY)))? == 0 {
                break;
            }
            each(serde_json::from_slice(&line).map_err(|it| wrong(&format!("a line of its {INVENTORY} can't be read: {it}")))?)?;
        }
        if said == Some(Sha256Hex::from(reader.into_inner().hasher)) {
            Ok(())
        } else {
            Err(wrong("its INVENTORY.ndjson is not the one that its manifest names; verify it, or make the bundle anew"))
        }
    }

    fn inventory(&self) -> Result<Box<dyn Read>, PlaceError> {
        let file = |path: PathBuf| fs::File::open(&path).map(|it| Box::new(it) as Box<dyn Read>).map_err(PlaceError::io("open", &path));
        match &self.from {
            From::Here(Place::Directory(root)) => file(moved(root, INVENTORY)),
            From::Directory { from, .. } => file(from.join(INVENTORY)),
            From::Here(Place::Prefix(prefix)) => object(prefix, &format!("{MOVED}/{}", last(INVENTORY))),
            From::Prefix { from, .. } => object(from, INVENTORY),
            From::Here(_) => Err(PlaceError::NotWhole { place: self.name.clone() }),
        }
    }

    /// Removes what was moved away, when the new bundle is whole.
    pub(super) async fn forget(&self) -> Result<(), PlaceError> {
        match &self.from {
            From::Here(Place::Directory(root)) => forget(root),
            From::Here(Place::Prefix(prefix)) => forget_objects(prefix).await,
            _ => Ok(()),
        }
    }
}

/// None of a folder's, which is looked into file by file.
async fn listed(from: &From) -> Result<Keys, PlaceError> {
    let mut objects = Keys::default();
    let (From::Here(Place::Prefix(prefix)) | From::Prefix { from: prefix, .. }) = from else { return Ok(objects) };
    let root = prefix.at(MEDIA)?;
    let mut listed = prefix.store.list(Some(&root));
    while let Some(found) = listed.try_next().await.map_err(PlaceError::store("list", &root))? {
        let hash = objects.hash(&(prefix.relative(&found.location), found.size));
        objects.insert(hash);
    }
    Ok(objects)
}

/// Removes what was moved away for a bundle that was finished since.
pub(super) fn forget(root: &Path) -> Result<(), PlaceError> {
    remove_folder(&root.join(MOVED))
}

pub(super) async fn forget_objects(prefix: &Prefix) -> Result<(), PlaceError> {
    for name in [MANIFEST, INVENTORY] {
        prefix.delete(&prefix.at(&format!("{MOVED}/{}", last(name)))?).await?;
    }
    Ok(())
}

struct Hashing<R> {
    from: R,
    hasher: sha2::Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        sha2::Digest::update(&mut self.hasher, &buffer[..read]);
        Ok(read)
    }
}

/// Blocking.
fn object(prefix: &Prefix, name: &str) -> Result<Box<dyn Read>, PlaceError> {
    let path = prefix.at(name)?;
    let found = Handle::current().block_on(prefix.store.get(&path)).map_err(PlaceError::store("read", &path))?;
    Ok(Box::new(SyncIoBridge::new(super::reader::chunks(found))))
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn moved(root: &Path, name: &str) -> PathBuf {
    root.join(MOVED).join(last(name))
}

async fn manifest(from: &From, name: &str) -> Result<Manifest, PlaceError> {
    let wrong = |problem: String| PlaceError::Earlier { place: name.to_owned(), problem };
    let path = BundlePath::parse(MANIFEST)?;
    let bytes = match from {
        From::Here(Place::Directory(root)) => {
            let path = moved(root, MANIFEST);
            fs::read(&path).map_err(PlaceError::io("read", &path))?
        }
        From::Here(Place::Prefix(prefix)) => {
            let path = prefix.at(&format!("{MOVED}/{MANIFEST}"))?;
            let read = async { prefix.store.get(&path).await?.bytes().await };
            read.await.map_err(PlaceError::store("read", &path))?.to_vec()
        }
        From::Directory { from, .. } => read_small(&Bundle::directory(from), &path, MANIFEST_LIMIT).await?,
        From::Prefix { from, .. } => read_small(&Bundle::prefix(from.clone()), &path, MANIFEST_LIMIT).await?,
        From::Here(_) => return Err(PlaceError::NotWhole { place: name.to_owned() }),
    };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|it| wrong(format!("its MANIFEST.json can't be read: {it}")))?;
    if manifest.format == VERSION {
        Ok(manifest)
    } else {
        Err(wrong(format!("it is of version {} of the format, and only version {VERSION} is known", manifest.format)))
    }
}

/// Each step may have been done before, by a run that was killed after it.
async fn move_away(place: &Place, has_manifest: bool) -> Result<(), PlaceError> {
    match place {
        Place::Directory(root) => {
            for name in [INVENTORY, MANIFEST] {
                let (from, to) = (root.join(name), moved(root, name));
                if !to.exists() {
                    into_place(&to, || fs::rename(&from, &to)).map_err(PlaceError::io("move away", &from))?;
                }
            }
        }
        Place::Prefix(prefix) => {
            for name in [INVENTORY, MANIFEST] {
                let to = format!("{MOVED}/{}", last(name));
                if !prefix.exists(&to).await? {
                    let from = prefix.at(name)?;
                    prefix.store.copy(&from, &prefix.at(&to)?).await.map_err(PlaceError::store("move away", &from))?;
                }
            }
            if !has_manifest {
                prefix.delete(&prefix.at(MANIFEST)?).await?;
            }
        }
        Place::TarFile(_) | Place::Pipe => {}
    }
    Ok(())
}

/// Both bundles have the file then; neither ever changes one in place. Blocking.
fn link(from: &Path, to: &Path, bytes: u64) -> Result<Brought, PlaceError> {
    let whole = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.is_file() && it.len() == bytes);
    if !whole(from) {
        return Ok(Brought::Not);
    }
    let linked = into_place(to, || match fs::hard_link(from, to) {
        // A run before, which was killed before it could note it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(to).and_then(|()| fs::hard_link(from, to)),
        other => other,
    });
    match linked {
        Ok(()) => Ok(Brought::Here),
        // On another disk, or another user's, or one that knows no links: it is read from there, and copied like any other file.
        Err(error) => {
            tracing::debug!(from = %from.display(), %error, "a file of the earlier bundle can't be linked, and is copied");
            copy(from, to, bytes)
        }
    }
}

fn copy(from: &Path, to: &Path, bytes: u64) -> Result<Brought, PlaceError> {
    let mut temporary = to.as_os_str().to_owned();
    temporary.push(".part");
    let temporary = PathBuf::from(temporary);
    let copied = fs::copy(from, &temporary).and_then(|copied| {
        if copied == bytes {
            fs::rename(&temporary, to).map(|()| Brought::Here)
        } else {
            fs::remove_file(&temporary).map(|()| Brought::Not)
        }
    });
    copied.map_err(PlaceError::io("copy", from))
}
