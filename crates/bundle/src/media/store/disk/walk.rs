//! Going through folders, depth first: only as many are held open as they are deep.

use std::{ffi::CStr, os::fd::OwnedFd};

use rustix::{
    fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, openat, statat},
    io::Errno,
};
use tokio::sync::mpsc;

use super::{FOLDER, modified, size};
use crate::{
    format::MediaKey,
    media::{
        error::MediaError,
        listed::{Entry, Listed, Skipped, WhySkipped},
    },
};

/// Entries that are handed over together.
const PORTION: usize = 256;
/// Mastodon's lie at most ten folders deep.
const DEEPEST: usize = 24;

type Portions = mpsc::Sender<Vec<Result<Entry, MediaError>>>;

struct Walk<'a> {
    send: &'a Portions,
    portion: Vec<Result<Entry, MediaError>>,
    /// Of the folders that are open, outermost first, with the length of `path` before each.
    open: Vec<(Dir, usize)>,
    /// As bytes: a name need not be text.
    path: Vec<u8>,
}

/// Nobody listens any more.
struct Unheard;

/// Hands over everything below `prefix`, which ends with a slash or is a folder's name.
pub(super) fn walk(root: &OwnedFd, prefix: &str, send: &Portions) {
    let mut walk = Walk { send, portion: Vec::with_capacity(PORTION), open: Vec::new(), path: Vec::new() };
    // That nobody listens is no news to anybody.
    let _ = walk.run(root, prefix.trim_end_matches('/'));
}

impl Walk<'_> {
    fn run(&mut self, root: &OwnedFd, prefix: &str) -> Result<(), Unheard> {
        if let Some(start) = self.start(root, prefix)? {
            self.enter(&start)?;
        }
        while let Some((folder, _)) = self.open.last_mut() {
            match folder.read() {
                None => {
                    if let Some((_, length)) = self.open.pop() {
                        self.path.truncate(length);
                    }
                }
                Some(Ok(entry)) => self.entry(&entry)?,
                Some(Err(error)) => {
                    self.skip(WhySkipped::Unreadable(error.to_string()), 0)?;
                    // It would give the same error for ever.
                    if let Some((_, length)) = self.open.pop() {
                        self.path.truncate(length);
                    }
                }
            }
        }
        self.hand_over()
    }

    /// The folder `prefix`; none where there is none.
    fn start(&mut self, root: &OwnedFd, prefix: &str) -> Result<Option<OwnedFd>, Unheard> {
        let mut at = None;
        for name in prefix.split('/') {
            self.descend(name.as_bytes());
            match openat(at.as_ref().unwrap_or(root), name, OFlags::RDONLY | FOLDER, Mode::empty()) {
                Ok(folder) => at = Some(folder),
                Err(Errno::NOENT) => return Ok(None),
                // With NOFOLLOW a link to a folder is no folder.
                Err(error) => {
                    let within = at.as_ref().unwrap_or(root);
                    let link = statat(within, name, AtFlags::SYMLINK_NOFOLLOW);
                    let is_link = link.is_ok_and(|it| FileType::from_raw_mode(it.st_mode) == FileType::Symlink);
                    self.skip(if is_link { WhySkipped::Link } else { unreadable(error) }, 0)?;
                    return Ok(None);
                }
            }
        }
        Ok(at)
    }

    fn entry(&mut self, entry: &DirEntry) -> Result<(), Unheard> {
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            return Ok(());
        }
        let before = self.path.len();
        self.descend(name.to_bytes());
        let entered = self.look(name, entry.file_type(), before);
        if !matches!(entered, Ok(true)) {
            self.path.truncate(before);
        }
        entered.map(drop)
    }

    /// Whether it is a folder that was entered.
    fn look(&mut self, name: &CStr, kind: FileType, before: usize) -> Result<bool, Unheard> {
        let Some((folder, _)) = self.open.last() else { return Ok(false) };
        let within = match folder.fd() {
            Ok(within) => within,
            Err(error) => return self.skip(unreadable(error), 0).map(|()| false),
        };
        if kind == FileType::Directory {
            if self.open.len() >= DEEPEST {
                return self.skip(WhySkipped::Deep, 0).map(|()| false);
            }
            return match openat(within, name, OFlags::RDONLY | FOLDER, Mode::empty()).and_then(Dir::new) {
                Ok(inner) => {
                    self.open.push((inner, before));
                    Ok(true)
                }
                Err(Errno::NOENT) => Ok(false),
                Err(error) => self.skip(unreadable(error), 0).map(|()| false),
            };
        }
        let stat = match statat(within, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return self.skip(unreadable(error), 0).map(|()| false),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(size(&stat), modified(&stat))?,
            FileType::Symlink => self.skip(WhySkipped::Link, 0)?,
            // On a file system that doesn't tell kinds in its folders.
            FileType::Directory if kind == FileType::Unknown => return self.look(name, FileType::Directory, before),
            _ => self.skip(WhySkipped::Special, 0)?,
        }
        Ok(false)
    }

    fn file(&mut self, bytes: u64, modified: Option<chrono::DateTime<chrono::Utc>>) -> Result<(), Unheard> {
        match std::str::from_utf8(&self.path).map(MediaKey::parse) {
            Ok(Ok(key)) => self.hand(Entry::File(Listed { key, bytes, etag: None, modified })),
            Ok(Err(why)) => self.skip(WhySkipped::Name(why), bytes),
            Err(_) => self.skip(WhySkipped::NotUtf8, bytes),
        }
    }

    fn enter(&mut self, folder: &OwnedFd) -> Result<(), Unheard> {
        match Dir::read_from(folder) {
            Ok(opened) => {
                let length = self.path.len();
                self.open.push((opened, length));
                Ok(())
            }
            Err(error) => self.skip(unreadable(error), 0),
        }
    }

    fn descend(&mut self, name: &[u8]) {
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
    }

    fn skip(&mut self, why: WhySkipped, bytes: u64) -> Result<(), Unheard> {
        self.hand(Entry::Skipped(Skipped::new(&String::from_utf8_lossy(&self.path), bytes, why)))
    }

    fn hand(&mut self, entry: Entry) -> Result<(), Unheard> {
        self.portion.push(Ok(entry));
        if self.portion.len() < PORTION { Ok(()) } else { self.hand_over() }
    }

    fn hand_over(&mut self) -> Result<(), Unheard> {
        let portion = std::mem::replace(&mut self.portion, Vec::with_capacity(PORTION));
        self.send.blocking_send(portion).map_err(|_| Unheard)
    }
}

fn unreadable(error: Errno) -> WhySkipped {
    WhySkipped::Unreadable(error.to_string())
}
