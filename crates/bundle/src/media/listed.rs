//! What a listing tells.

use chrono::{DateTime, Utc};

use crate::format::{MediaFile, MediaKey, PathError};

/// A file, as the store's listing tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: MediaKey,
    pub bytes: u64,
    /// As the store writes it, with its quotes. A disk has none.
    pub etag: Option<String>,
    pub modified: Option<DateTime<Utc>>,
}

impl Listed {
    /// Whether it is still what `before` says that an earlier pass copied: then it need not be read again.
    #[must_use]
    pub fn is_unchanged(&self, before: &MediaFile) -> bool {
        let same = match (&self.etag, &before.etag) {
            (Some(now), Some(then)) => now == then,
            _ => self.modified.is_some() && self.modified == before.modified,
        };
        same && self.key == before.key && self.bytes == before.bytes
    }
}

/// One thing that a listing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    File(Listed),
    Skipped(Skipped),
}

/// What lies in the store and can't be a file of Mastodon's: it is left alone, and told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Made fit to be shown: it need not be the name to the byte.
    pub name: String,
    pub bytes: u64,
    pub why: WhySkipped,
}

impl Skipped {
    pub(super) fn new(name: &str, bytes: u64, why: WhySkipped) -> Self {
        let shown = name.chars().take(LONGEST).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect();
        Self { name: shown, bytes, why }
    }
}

/// Of a name that is shown.
const LONGEST: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhySkipped {
    #[error("a symbolic link, which is not followed; if it is a folder of media that was moved, mount it there instead (`mount --bind`)")]
    Link,
    #[error("neither a file nor a folder")]
    Special,
    #[error("a folder that lies deeper than any of Mastodon's")]
    Deep,
    #[error("{0}")]
    Name(#[from] PathError),
    #[error("its name is not UTF-8")]
    NotUtf8,
    #[error("it can't be read: {0}")]
    Unreadable(String),
}
