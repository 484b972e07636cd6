//! A tar in a file: its headers are read once, and what isn't media can be opened by name then.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, SeekFrom},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use futures::{StreamExt as _, stream::BoxStream};
use tokio::io::AsyncSeekExt as _;

use super::{
    Opened,
    tarstream::{Exact, TRAILING, TarStream, broken},
};
use crate::{
    format::{BundlePath, INVENTORY, MEDIA, MISSING, ORPHANS},
    place::{
        PlaceError,
        tar::{BLOCK, Headers, Step, padded},
    },
};

/// Of files that aren't media. A bundle has a dozen.
const OTHERS: usize = 10_000;

pub(super) struct TarFile {
    path: PathBuf,
    /// All but media: where their bytes begin, and how many they are.
    others: BTreeMap<BundlePath, (u64, u64)>,
}

impl TarFile {
    pub(super) async fn open(path: &Path) -> Result<Self, PlaceError> {
        Self::index(path, None).await
    }

    /// One that is being written, and holds whole members in so many bytes.
    pub(super) async fn unfinished(path: &Path, length: u64) -> Result<Self, PlaceError> {
        Self::index(path, Some(length)).await
    }

    async fn index(path: &Path, length: Option<u64>) -> Result<Self, PlaceError> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || {
            let mut others = BTreeMap::new();
            scan(&path, length, |path, at, bytes| {
                if !is_media(&path) {
                    others.insert(path, (at, bytes));
                }
                if others.len() > OTHERS { Err(PlaceError::Tar { problem: "has more files than a bundle" }) } else { Ok(()) }
            })?;
            Ok(Self { path, others })
        })
        .await?
    }

    pub(super) async fn open_member(&self, path: &BundlePath, offset: u64) -> Result<Opened, PlaceError> {
        let missing = || PlaceError::Missing { place: self.path.display().to_string(), path: path.clone() };
        let (at, bytes) = *self.others.get(path).ok_or_else(missing)?;
        let mut file = tokio::fs::File::open(&self.path).await.map_err(PlaceError::io("open", &self.path))?;
        let skipped = offset.min(bytes);
        file.seek(SeekFrom::Start(at + skipped)).await.map_err(PlaceError::io("read", &self.path))?;
        Ok(Opened { bytes, body: Box::pin(Exact::new(file, Box::new(bytes - skipped))) })
    }

    pub(super) async fn members(&self) -> Result<TarStream, PlaceError> {
        let file = tokio::fs::File::open(&self.path).await.map_err(PlaceError::io("open", &self.path))?;
        Ok(TarStream::new(file))
    }

    pub(super) fn list(&self) -> BoxStream<'static, Result<(BundlePath, u64), PlaceError>> {
        let (to, from) = tokio::sync::mpsc::channel(256);
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || {
            let gone = |_| PlaceError::Tar { problem: "is not read any further" };
            let listed = scan(&path, None, |path, _, bytes| to.blocking_send(Ok((path, bytes))).map_err(gone));
            // If nobody listens any more, nothing has to be told.
            let _ = listed.or_else(|error| to.blocking_send(Err(error)));
        });
        futures::stream::unfold(from, async |mut from| from.recv().await.map(|it| (it, from))).boxed()
    }
}

fn is_media(path: &BundlePath) -> bool {
    let path = path.as_str();
    path.strip_prefix(MEDIA).is_some_and(|it| it.starts_with('/')) && ![INVENTORY, MISSING, ORPHANS].contains(&path)
}

/// Tells of each member: its path, where its bytes begin, and how many they are. `length`: of one that has no end mark yet. Blocking.
fn scan(path: &Path, length: Option<u64>, mut tell: impl FnMut(BundlePath, u64, u64) -> Result<(), PlaceError>) -> Result<(), PlaceError> {
    let file = File::open(path).map_err(PlaceError::io("open", path))?;
    let whole = file.metadata().map_err(PlaceError::io("open", path))?.len();
    let mut headers = Headers::default();
    let mut at = 0;
    loop {
        if length == Some(at) {
            return Ok(());
        }
        let mut block = [0; BLOCK];
        file.read_exact_at(&mut block, at).map_err(broken)?;
        at += BLOCK as u64;
        match headers.block(&block)? {
            Step::Nothing => {}
            Step::Extension(bytes) => {
                let mut extension = vec![0; bytes];
                file.read_exact_at(&mut extension, at).map_err(broken)?;
                headers.extension(&extension)?;
                at += padded(bytes as u64);
            }
            Step::Member(path, bytes) => {
                // Sizes are bounded, so that the sum can't overflow.
                let end = at + padded(bytes);
                if end > length.unwrap_or(whole) {
                    return Err(PlaceError::Member {
                        member: path.to_string(),
                        problem: "has fewer bytes than it says: the tar is cut short",
                    });
                }
                tell(path, at, bytes)?;
                at = end;
            }
            Step::End => return only_zeros(&file, at, whole),
        }
    }
}

fn only_zeros(file: &File, mut at: u64, whole: u64) -> Result<(), PlaceError> {
    let added = PlaceError::Tar { problem: "goes on after its end: something was added to it" };
    if whole - at > TRAILING {
        return Err(added);
    }
    let mut buffer = [0; 64 * 1024];
    loop {
        match file.read_at(&mut buffer, at) {
            Ok(0) => return Ok(()),
            Ok(read) if buffer[..read].iter().all(|it| *it == 0) => at += read as u64,
            Ok(_) => return Err(added),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(PlaceError::ReadTar(error)),
        }
    }
}
