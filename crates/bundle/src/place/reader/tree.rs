//! A tree in a directory, in which links are not followed, or below a prefix in a bucket.

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{GetOptions, GetRange, ObjectStore as _};
use rustix::{
    fs::{Mode, OFlags, open, openat},
    io::Errno,
};

use super::{Opened, chunks};
use crate::{
    format::BundlePath,
    place::{PlaceError, Prefix},
};

/// No bundle's folders lie deeper in each other.
const DEPTH: usize = 64;

#[derive(Clone)]
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) async fn open(&self, path: &BundlePath, offset: u64) -> Result<Opened, PlaceError> {
        let (root, path) = (self.clone(), path.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let (mut file, bytes) = root.file(&path)?;
            file.seek(SeekFrom::Start(offset)).map_err(PlaceError::io("read", &root.0.join(path.as_str())))?;
            Ok::<_, PlaceError>((file, bytes))
        });
        let (file, bytes) = opened.await??;
        Ok(Opened { bytes, body: Box::pin(tokio::fs::File::from_std(file)) })
    }

    /// Part by part, so that no link on the way leads elsewhere, whoever changes the tree meanwhile.
    fn file(&self, path: &BundlePath) -> Result<(File, u64), PlaceError> {
        let failed = |errno: Errno| match errno {
            Errno::NOENT => PlaceError::Missing { place: self.0.display().to_string(), path: path.clone() },
            Errno::LOOP | Errno::NOTDIR => PlaceError::Special { path: path.to_string() },
            other => PlaceError::io("open", &self.0.join(path.as_str()))(other.into()),
        };
        let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut at = open(&self.0, folder, Mode::empty()).map_err(failed)?;
        let (folders, name) = path.as_str().rsplit_once('/').map_or((None, path.as_str()), |(folders, name)| (Some(folders), name));
        for part in folders.into_iter().flat_map(|it| it.split('/')) {
            at = openat(&at, part, folder | OFlags::NOFOLLOW, Mode::empty()).map_err(failed)?;
        }
        // A pipe's other end is not waited for.
        let only = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&at, name, only, Mode::empty()).map_err(failed)?);
        let metadata = file.metadata().map_err(PlaceError::io("open", &self.0.join(path.as_str())))?;
        if metadata.is_file() { Ok((file, metadata.len())) } else { Err(PlaceError::Special { path: path.to_string() }) }
    }

    pub(super) fn list(&self) -> BoxStream<'static, Result<(BundlePath, u64), PlaceError>> {
        let (to, from) = tokio::sync::mpsc::channel(256);
        let root = self.0.clone();
        tokio::task::spawn_blocking(move || {
            // Nobody listens any more: then nothing more is told.
            let _ = walk(&root, Path::new(""), 0, &|it| to.blocking_send(it).map_err(drop));
        });
        futures::stream::unfold(from, async |mut from| from.recv().await.map(|it| (it, from))).boxed()
    }
}

type Told<'a> = &'a dyn Fn(Result<(BundlePath, u64), PlaceError>) -> Result<(), ()>;

fn walk(root: &Path, below: &Path, depth: usize, tell: Told<'_>) -> Result<(), ()> {
    let path = root.join(below);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) => return tell(Err(PlaceError::io("list", &path)(error))),
    };
    for entry in entries {
        let found = entry.and_then(|it| it.metadata().map(|metadata| (below.join(it.file_name()), metadata)));
        let (below, metadata) = match found {
            Ok(found) => found,
            Err(error) => {
                tell(Err(PlaceError::io("list", &path)(error)))?;
                continue;
            }
        };
        let name = below.to_string_lossy();
        if metadata.is_dir() && depth < DEPTH {
            // What a writer keeps for itself.
            if !(depth == 0 && name.starts_with('.')) {
                walk(root, &below, depth + 1, tell)?;
            }
        } else if metadata.is_file() {
            if !(depth == 0 && name.starts_with('.')) {
                tell(BundlePath::parse(&name).map(|it| (it, metadata.len())).map_err(PlaceError::Path))?;
            }
        } else {
            tell(Err(PlaceError::Special { path: name.into_owned() }))?;
        }
    }
    Ok(())
}

pub(super) async fn object(prefix: &Prefix, path: &BundlePath, offset: u64) -> Result<Opened, PlaceError> {
    let at = prefix.at(path.as_str())?;
    // An empty object has no range that could be asked for.
    let options = GetOptions { range: (offset > 0).then_some(GetRange::Offset(offset)), ..GetOptions::default() };
    match prefix.store.get_opts(&at, options).await {
        Ok(found) => Ok(Opened { bytes: found.meta.size, body: Box::pin(chunks(found)) }),
        Err(object_store::Error::NotFound { .. }) => Err(PlaceError::Missing { place: prefix.name.clone(), path: path.clone() }),
        Err(other) => Err(PlaceError::store("read", &at)(other)),
    }
}

pub(super) fn objects(prefix: &Prefix) -> BoxStream<'static, Result<(BundlePath, u64), PlaceError>> {
    let root = Some(&prefix.root).filter(|it| !it.as_ref().is_empty());
    let prefix = prefix.clone();
    let listed = prefix.clone().store.list(root);
    let named = listed.map(move |found| {
        let found = found.map_err(PlaceError::store("list", &prefix.root))?;
        let name = prefix.relative(&found.location);
        // What a writer keeps for itself.
        Ok(if name.starts_with('.') { None } else { Some((BundlePath::parse(name)?, found.size)) })
    });
    named.try_filter_map(async |it| Ok(it)).boxed()
}
