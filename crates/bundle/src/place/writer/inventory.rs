//! `media/INVENTORY.ndjson`, from the journal and the earlier bundle's, a line at a time.

use std::{
    collections::HashMap,
    io::{self, BufWriter, Write as _},
    path::Path,
};

use super::{Inner, Target, Writer};
use crate::{
    format::{BundlePath, FileFacts, INVENTORY, MediaFile, Multiset},
    place::{
        PlaceError,
        record::{Record, parse},
    },
};

/// Of `media/INVENTORY.ndjson` as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inventory {
    pub file: FileFacts,
    /// Its lines, and the sum of their sizes.
    pub files: u64,
    pub bytes: u64,
    /// For the content digest.
    pub digest: Multiset,
}

impl Writer {
    /// Writes `media/INVENTORY.ndjson`: a line for each file that was written or kept. After all media, since what lies there and was neither,
    /// where this bundle builds on the one in the same place, is deleted now.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn write_inventory(&self) -> Result<Inventory, PlaceError> {
        self.inner.journal.flush().await?;
        let path = BundlePath::parse(INVENTORY)?;
        let stream = self.stream(&path).await?;
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || {
            let failed = |it| PlaceError::io("write", Path::new(INVENTORY))(it);
            let mut lines = Lines { to: BufWriter::with_capacity(64 * 1024, stream), files: 0, bytes: 0, digest: Multiset::default() };
            inner.kept(&mut lines)?;
            inner.written(&mut lines)?;
            let Lines { to, files, bytes, digest } = lines;
            let file = to.into_inner().map_err(|it| failed(it.into_error()))?.finish()?;
            inner.sweep()?;
            Ok(Inventory { file, files, bytes, digest })
        })
        .await?
    }
}

struct Lines {
    to: BufWriter<super::Stream>,
    files: u64,
    bytes: u64,
    digest: Multiset,
}

impl Lines {
    fn add(&mut self, file: &MediaFile) -> Result<(), PlaceError> {
        let written = serde_json::to_writer(&mut self.to, file).map_err(io::Error::from).and_then(|()| self.to.write_all(b"\n"));
        written.map_err(PlaceError::io("write", Path::new(INVENTORY)))?;
        self.files += 1;
        self.bytes += file.bytes;
        self.digest.add(file.digest_member().as_bytes());
        Ok(())
    }
}

impl Inner {
    fn kept(&self, lines: &mut Lines) -> Result<(), PlaceError> {
        let Some(earlier) = &self.earlier else { return Ok(()) };
        earlier.each(|file| {
            let (kept, written) = {
                let done = &self.state().done;
                (done.kept((&file).into()), done.wrote(&file.key))
            };
            match (kept, written) {
                (true, false) => lines.add(&file),
                (false, false) if earlier.lies_here() => self.remove(&file.key.path()?),
                _ => Ok(()),
            }
        })
    }

    /// Of a file that was written more than once, the last record holds.
    fn written(&self, lines: &mut Lines) -> Result<(), PlaceError> {
        let mut later = HashMap::new();
        if self.state().done.any_again() {
            self.each_media(|file| {
                if let Some(key) = self.state().done.written_again(&file.key) {
                    *later.entry(key).or_insert(0_u32) += 1;
                }
                Ok(())
            })?;
        }
        self.each_media(|file| match self.state().done.written_again(&file.key).and_then(|it| later.get_mut(&it)) {
            Some(left) if *left > 1 => {
                *left -= 1;
                Ok(())
            }
            _ => lines.add(&file),
        })
    }

    fn each_media(&self, mut each: impl FnMut(MediaFile) -> Result<(), PlaceError>) -> Result<(), PlaceError> {
        let unreadable = || PlaceError::Unreadable { place: self.name.clone() };
        let mut lines = self.journal.lines()?;
        while let Some(line) = lines.next()? {
            if let (_, Record::Media(file)) = parse(line).ok_or_else(unreadable)? {
                each(file)?;
            }
        }
        Ok(())
    }

    fn remove(&self, path: &BundlePath) -> Result<(), PlaceError> {
        match &self.target {
            Target::Directory(directory) => directory.remove(path),
            Target::Objects(objects) => {
                let at = objects.prefix.at(path.as_str())?;
                self.runtime.block_on(objects.prefix.delete(&at))
            }
            Target::Tar(_) => Ok(()),
        }
    }

    /// Removes what the earlier bundle in the same place had beside its media, and this one has not.
    fn sweep(&self) -> Result<(), PlaceError> {
        let Some(earlier) = self.earlier.as_ref().filter(|it| it.lies_here()) else { return Ok(()) };
        let files = self.state().files.clone();
        earlier.other_files().filter(|it| !files.contains_key(it)).try_for_each(|it| self.remove(&it))
    }
}
