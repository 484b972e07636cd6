//! What is dear to build, each entry a folder named by a digest of all that it is built from.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{places::digest, progress::Progress};

pub struct Entry<'a> {
    pub name: &'a str,
    /// All that decides what comes out: sources, versions, flags.
    pub inputs: &'a [&'a [u8]],
    /// Said before it is built, e.g. "1–2 min the first time".
    pub cost: &'a str,
}

impl Entry<'_> {
    /// The entry's folder, built by `build` (which gets an empty one) unless it is there. A build that ends halfway leaves no entry, and
    /// two builds of one entry at once wait for each other.
    pub fn get(&self, cache: &Path, progress: Progress, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let entry = cache.join(format!("{}-{}", self.name, digest(self.inputs.iter().copied(), 8)));
        if entry.is_dir() {
            return Ok(entry);
        }
        fs::create_dir_all(cache).with_context(|| format!("can't make the cache {}", cache.display()))?;
        let lock = File::create(cache.join(format!("{}.lock", self.name)))?;
        lock.lock()?;
        if entry.is_dir() {
            return Ok(entry);
        }
        progress.step(&format!("building {} ({})", self.name, self.cost), || {
            let half = cache.join(format!("{}.half", self.name));
            if half.exists() {
                fs::remove_dir_all(&half)?;
            }
            fs::create_dir(&half)?;
            build(&half)?;
            fs::rename(&half, &entry)?;
            Ok(())
        })?;
        Ok(entry)
    }
}
