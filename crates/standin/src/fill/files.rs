//! The files of a filled server: which there are, which are missing, and which belong to nobody.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::dice::Dice;
use crate::config::StorageConfig;
use crate::media::{ORIGINAL, Style, Upload};
use crate::storage::{self, Access, Object, StorageError};

/// At once, to a bucket.
const CONCURRENCY: usize = 8;

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// A local row's: what a move must not lose.
    Own,
    /// A local row's too, and made anew at will: archives, uploaded lists.
    OnRequest,
    /// Another server's, below `cache/`.
    Cached,
    /// Another server's, from before there was a `cache/`, or where no column says that there is one.
    RemoteOutsideCache,
    /// No row names it.
    Orphan,
}

/// What of an upload is not there, though its row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Nothing,
    Original,
    Styles,
    All,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    pub files: u64,
    pub bytes: u64,
}

/// What a filled server has in all, whatever of it was there before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    #[serde(flatten)]
    pub sums: BTreeMap<Whose, Sum>,
    /// Of own rows.
    pub missing_originals: u64,
    pub missing_styles: u64,
}

struct Planned {
    key: String,
    content_type: String,
    access: Access,
    bytes: u64,
}

/// Counts all files, and writes those that belong to new rows.
pub struct Files<'a> {
    pub tally: Tally,
    pub written: Sum,
    queue: Vec<Planned>,
    http: &'a reqwest::Client,
    storage: &'a StorageConfig,
    seed: u64,
}

impl<'a> Files<'a> {
    pub fn new(http: &'a reqwest::Client, storage: &'a StorageConfig, seed: u64) -> Self {
        Self { tally: Tally::default(), written: Sum::default(), queue: Vec::new(), http, storage, seed }
    }

    /// The files of one upload: the original of `size` bytes, the others smaller.
    pub fn upload(&mut self, whose: Whose, upload: &Upload<'_>, styles: &[Style], size: u64, missing: Missing, is_new: bool) {
        for style in styles {
            let is_original = *style == ORIGINAL;
            let is_missing = match missing {
                Missing::Nothing => false,
                Missing::Original => is_original,
                Missing::Styles => !is_original,
                Missing::All => true,
            };
            match (is_missing, is_original) {
                (true, true) => self.tally.missing_originals += 1,
                (true, false) => self.tally.missing_styles += 1,
                (false, _) => {
                    let key = upload.key(*style);
                    let bytes = if is_original { size } else { Dice::new(self.seed, &key, 0).file_size().min(size) };
                    self.file(whose, key, upload.content_type(*style), bytes, is_new);
                }
            }
        }
    }

    pub fn file(&mut self, whose: Whose, key: String, content_type: &str, bytes: u64, is_new: bool) {
        self.tally.sums.entry(whose).or_default().add(bytes);
        if is_new {
            let access = if key.starts_with("backups/") { Access::Private } else { Access::Usual };
            self.queue.push(Planned { key, content_type: content_type.to_owned(), access, bytes });
        }
    }

    /// Writes what was planned since the last time.
    pub async fn write(&mut self) -> Result<(), StorageError> {
        let queue = std::mem::take(&mut self.queue);
        queue.iter().for_each(|planned| self.written.add(planned.bytes));
        let (http, storage, seed) = (self.http, self.storage, self.seed);
        stream::iter(queue)
            .map(|planned| async move {
                let body = Dice::new(seed, &planned.key, 1).bytes(usize::try_from(planned.bytes).unwrap_or_default());
                let object = Object { key: &planned.key, content_type: &planned.content_type, access: planned.access };
                storage::put(http, storage, &object, body).await
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }
}

impl Sum {
    const fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}
