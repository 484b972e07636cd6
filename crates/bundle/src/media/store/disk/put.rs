//! Writing: to a name that Mastodon never reads, then renamed, so that a file is whole or not there.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::OwnedFd,
    sync::Arc,
};

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use rustix::{
    fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, unlinkat},
    io::Errno,
};
use tokio::io::AsyncWriteExt;

use super::{Digest, Disk, FOLDER, Tally, aside, on_disk, split};
use crate::{
    format::{FileFacts, MediaKey, Sha256Hex},
    media::error::MediaError,
};

/// As Mastodon's own are: the web server reads them, under another user.
const FILE: Mode = Mode::from_raw_mode(0o644);
const FOLDERS: Mode = Mode::from_raw_mode(0o755);

/// A file that is being written; it is removed again unless it is kept.
struct Draft {
    folder: OwnedFd,
    /// Short, as the key's own name may be as long as names can be.
    name: String,
    kept: bool,
}

impl Draft {
    fn begin(root: &OwnedFd, key: &MediaKey) -> io::Result<(Self, File)> {
        let folder = make_folder(root, split(key).0)?;
        let name = format!(".howdah-{}", &Sha256Hex::of(key.as_str().as_bytes()).to_string()[..16]);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(&folder, &name, flags, FILE) {
            Err(Errno::EXIST) => {
                // Left by a run that was killed.
                unlinkat(&folder, &name, AtFlags::empty())?;
                openat(&folder, &name, flags, FILE)?
            }
            opened => opened?,
        };
        Ok((Self { folder, name, kept: false }, File::from(file)))
    }

    fn keep(mut self, key: &MediaKey) -> io::Result<()> {
        renameat(&self.folder, &self.name, &self.folder, split(key).1)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // The next run would remove it, too.
            let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
        }
    }
}

fn make_folder(root: &OwnedFd, folders: &str) -> io::Result<OwnedFd> {
    let mut at: Option<OwnedFd> = None;
    for name in folders.split('/') {
        let within = at.as_ref().unwrap_or(root);
        let open = || openat(within, name, OFlags::PATH | FOLDER, Mode::empty());
        at = Some(match open() {
            Err(Errno::NOENT) => {
                match mkdirat(within, name, FOLDERS) {
                    // Another file's, at the same time.
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                open()?
            }
            opened => opened?,
        });
    }
    at.ok_or_else(|| io::ErrorKind::NotFound.into())
}

pub(super) fn whole(root: &OwnedFd, key: &MediaKey, digest: Digest, content: &[u8]) -> Result<FileFacts, MediaError> {
    let sha256 = digest.check(key, content)?;
    let write = || {
        let (draft, mut file) = Draft::begin(root, key)?;
        file.write_all(content)?;
        draft.keep(key)
    };
    write().map_err(|it| on_disk(key, it))?;
    Ok(FileFacts { bytes: content.len() as u64, sha256 })
}

pub(super) async fn streamed(
    disk: &Arc<Disk>,
    key: &MediaKey,
    mut stream: BoxStream<'static, Result<Bytes, MediaError>>,
    tally: Tally,
) -> Result<FileFacts, MediaError> {
    let failed = |it| on_disk(key, it);
    let (begun, named) = (Arc::clone(disk), key.clone());
    let (draft, file) = aside(move || Draft::begin(&begun.root, &named).map_err(|it| on_disk(&named, it))).await?;
    let mut file = tokio::fs::File::from_std(file);
    let write = async {
        while let Some(chunk) = stream.next().await {
            file.write_all(&chunk?).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)
    };
    let facts = tally.settle(key, write.await)?;
    draft.keep(key).map_err(failed)?;
    Ok(facts)
}
