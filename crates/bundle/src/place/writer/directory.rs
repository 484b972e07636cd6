//! A tree in a directory: files 0600, folders 0700; each is written under a temporary name and renamed when it is whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    format::{BundlePath, FileFacts, MANIFEST},
    place::{Body, PlaceError},
};

pub(in crate::place) const JOURNAL: &str = ".journal.ndjson";
/// Of files that are being written.
const PARTS: &str = ".part";

pub(in crate::place) struct Directory {
    root: PathBuf,
    parts: AtomicU64,
}

impl Directory {
    /// Makes it, if it isn't there.
    pub(in crate::place) fn create(root: &Path) -> Result<Self, PlaceError> {
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(PlaceError::io("create", root))?;
        // It may be somebody else's, who let us write into it: what we write there is readable for us alone all the same.
        let _ = fs::set_permissions(root, fs::Permissions::from_mode(0o700));
        Ok(Self { root: root.to_owned(), parts: AtomicU64::new(0) })
    }

    /// Of a bundle that is there.
    pub(in crate::place) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), parts: AtomicU64::new(0) }
    }

    /// Removes what a run that was killed was writing, and makes room for this one's.
    pub(in crate::place) fn clear_parts(&self) -> Result<(), PlaceError> {
        let parts = self.root.join(PARTS);
        remove_folder(&parts)?;
        DirBuilder::new().mode(0o700).create(&parts).map_err(PlaceError::io("create", &parts))
    }

    pub(in crate::place) fn has_manifest(&self) -> bool {
        self.root.join(MANIFEST).exists()
    }

    /// Whether nothing lies in it but a journal.
    pub(in crate::place) fn is_empty(&self) -> Result<bool, PlaceError> {
        let mut entries = fs::read_dir(&self.root).map_err(PlaceError::io("list", &self.root))?;
        Ok(entries.all(|it| it.is_ok_and(|it| it.file_name() == JOURNAL)))
    }

    pub(in crate::place) fn root(&self) -> &Path {
        &self.root
    }

    pub(in crate::place) fn join(&self, path: &BundlePath) -> PathBuf {
        self.root.join(path.as_str())
    }

    /// Whether a file of just this size lies there.
    pub(in crate::place) fn holds(&self, path: &BundlePath, bytes: u64) -> bool {
        fs::symlink_metadata(self.join(path)).is_ok_and(|it| it.is_file() && it.len() == bytes)
    }

    /// Blocking.
    pub(in crate::place) fn write(&self, path: &BundlePath, said: u64, body: Body) -> Result<FileFacts, PlaceError> {
        let mut part = self.begin()?;
        let temporary = part.path.clone();
        let facts = body.pour(path, said, &mut part.file, |it| PlaceError::io("write", &temporary)(it))?;
        part.place(&self.join(path))?;
        Ok(facts)
    }

    /// As [`Self::write`], and so that it is on disk, with its name, whatever happens then.
    pub(in crate::place) fn write_durably(&self, path: &BundlePath, said: u64, body: Body) -> Result<FileFacts, PlaceError> {
        let facts = self.write(path, said, body)?;
        let path = self.join(path);
        for it in [path.as_path(), path.parent().unwrap_or(&self.root)] {
            File::open(it).and_then(|it| it.sync_all()).map_err(PlaceError::io("sync", it))?;
        }
        Ok(facts)
    }

    pub(in crate::place) fn begin(&self) -> Result<Part, PlaceError> {
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        let path = self.root.join(PARTS).join(number.to_string());
        let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = open().or_else(|it| match it.kind() {
            // A file is added to a bundle that is whole.
            io::ErrorKind::NotFound => make_parents(&path).and_then(|()| open()),
            _ => Err(it),
        });
        Ok(Part { file: file.map_err(PlaceError::io("create", &path))?, path, placed: false })
    }

    /// All that was written is on disk.
    pub(in crate::place) fn sync(&self) -> Result<(), PlaceError> {
        let root = File::open(&self.root).map_err(PlaceError::io("open", &self.root))?;
        rustix::fs::syncfs(&root).map_err(|it| PlaceError::io("sync", &self.root)(it.into()))
    }

    pub(in crate::place) fn remove(&self, path: &BundlePath) -> Result<(), PlaceError> {
        let path = self.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PlaceError::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    pub(in crate::place) fn remove_parts(&self) -> Result<(), PlaceError> {
        remove_folder(&self.root.join(PARTS))
    }
}

pub(in crate::place) fn remove_folder(path: &Path) -> Result<(), PlaceError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PlaceError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn make_parents(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |it| DirBuilder::new().recursive(true).mode(0o700).create(it))
}

/// Does something that gives a file its name, whose folders may have to be made for it.
pub(in crate::place) fn into_place(to: &Path, place: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match place() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_parents(to).and_then(|()| place()),
        other => other,
    }
}

/// A file that is being written; gone when dropped, unless it was placed.
pub(in crate::place) struct Part {
    pub file: File,
    pub path: PathBuf,
    placed: bool,
}

impl Part {
    pub(in crate::place) fn place(mut self, to: &Path) -> Result<(), PlaceError> {
        into_place(to, || fs::rename(&self.path, to)).map_err(PlaceError::io("write", to))?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.placed {
            // If it can't be removed now, the next run does.
            let _ = fs::remove_file(&self.path);
        }
    }
}
