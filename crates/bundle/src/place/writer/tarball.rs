//! A tar in a file or a pipe: one member after another.

use std::{
    fs::File,
    io::{self, Seek as _, SeekFrom, Write},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    format::{BundlePath, FileFacts},
    place::{
        PlaceError,
        tar::{BLOCK, header, padded, padding},
    },
};

/// Tars are written in records of so many bytes, the last one filled up with zeros.
const RECORD: u64 = 20 * BLOCK as u64;

pub(in crate::place) struct Tarball {
    /// Held while a member is written.
    state: Arc<Mutex<State>>,
}

pub(in crate::place) struct State {
    output: Output,
    /// Where the next member begins.
    at: u64,
    /// A member broke off in a pipe.
    broken: bool,
}

enum Output {
    File(File),
    Pipe(Box<dyn Write + Send>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(it) => it.write(bytes),
            Self::Pipe(it) => it.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(it) => it.flush(),
            Self::Pipe(it) => it.flush(),
        }
    }
}

impl Tarball {
    /// `at`: after the last member that is finished. What comes after it goes.
    pub(in crate::place) fn in_file(file: File, at: u64, path: &Path) -> Result<Self, PlaceError> {
        file.set_len(at).map_err(PlaceError::io("shorten", path))?;
        Ok(Self::new(Output::File(file), at))
    }

    pub(in crate::place) fn in_pipe(pipe: Box<dyn Write + Send>) -> Self {
        Self::new(Output::Pipe(pipe), 0)
    }

    fn new(output: Output, at: u64) -> Self {
        Self { state: Arc::new(Mutex::new(State { output, at, broken: false })) }
    }

    pub(in crate::place) async fn lock(&self) -> OwnedMutexGuard<State> {
        self.state.clone().lock_owned().await
    }
}

impl State {
    pub(in crate::place) const fn is_pipe(&self) -> bool {
        matches!(self.output, Output::Pipe(_))
    }

    /// After the last member that was noted.
    pub(in crate::place) const fn end(&self) -> u64 {
        self.at
    }

    /// Writes a member of so many bytes. Gives where it ends; the next begins there once that was noted, and [`Self::settle`] called. Blocking.
    pub(in crate::place) fn member(
        &mut self,
        path: &BundlePath,
        said: u64,
        modified: i64,
        fill: impl FnOnce(&mut dyn Write) -> Result<FileFacts, PlaceError>,
    ) -> Result<(FileFacts, u64), PlaceError> {
        let written = self.begin(&header(path, said, modified)).and_then(|()| {
            let facts = fill(&mut self.output)?;
            self.output.write_all(&vec![0; padding(said)]).map_err(failed)?;
            Ok(facts)
        });
        self.broken |= written.is_err() && self.is_pipe();
        Ok((written?, self.at + header(path, said, modified).len() as u64 + padded(said)))
    }

    /// Writes what stands before a member's bytes, where the next one belongs.
    pub(in crate::place) fn begin(&mut self, header: &[u8]) -> Result<(), PlaceError> {
        if self.broken {
            return Err(PlaceError::Broken);
        }
        if let Output::File(file) = &mut self.output {
            file.seek(SeekFrom::Start(self.at)).map_err(failed)?;
        }
        self.output.write_all(header).map_err(failed)
    }

    pub(in crate::place) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)
    }

    /// Fills in the header of a member whose bytes were written, and gives where it ends. Only in a file.
    pub(in crate::place) fn fill_in(&mut self, path: &BundlePath, bytes: u64, modified: i64) -> Result<u64, PlaceError> {
        let header = header(path, bytes, modified);
        self.output.write_all(&vec![0; padding(bytes)]).map_err(failed)?;
        if let Output::File(file) = &self.output {
            file.write_all_at(&header, self.at).map_err(failed)?;
            file.sync_data().map_err(failed)?;
        }
        Ok(self.at + header.len() as u64 + padded(bytes))
    }

    /// A member is noted that ends there.
    pub(in crate::place) const fn settle(&mut self, end: u64) {
        self.at = end;
    }

    /// Writes the end mark. Blocking.
    pub(in crate::place) fn finish(&mut self) -> Result<(), PlaceError> {
        let end = (self.at + 2 * BLOCK as u64).next_multiple_of(RECORD);
        self.begin(&vec![0; (end - self.at) as usize])?;
        match &mut self.output {
            Output::File(file) => file.set_len(end).and_then(|()| file.sync_all()),
            Output::Pipe(pipe) => pipe.flush(),
        }
        .map_err(failed)
    }
}

fn failed(source: io::Error) -> PlaceError {
    PlaceError::io("write", Path::new("the tar"))(source)
}
