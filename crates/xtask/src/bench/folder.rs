//! A folder for the time of a bench.

use std::{fs, path::PathBuf};

use anyhow::Result;

use crate::places::Places;

/// Gone when this value is.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(places: &Places) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("{}-bench-{}", places.name(), std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
