//! Debian root filesystems, made by mmdebstrap once for each list of packages.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{cache::Entry, progress::Progress, shell};

pub const SUITE: &str = "trixie";

/// A tar archive, to be added to an image.
pub fn archive(cache: &Path, progress: Progress, name: &str, packages: &[&str]) -> Result<PathBuf> {
    make(cache, progress, name, packages, "rootfs.tar")
}

/// An unpacked folder, to run a program in it.
pub fn folder(cache: &Path, progress: Progress, name: &str, packages: &[&str]) -> Result<PathBuf> {
    make(cache, progress, name, packages, "rootfs")
}

fn make(cache: &Path, progress: Progress, name: &str, packages: &[&str], target: &str) -> Result<PathBuf> {
    let include = format!("--include={}", packages.join(","));
    let name = format!("rootfs-{name}");
    let entry = Entry { name: &name, inputs: &[SUITE.as_bytes(), include.as_bytes(), target.as_bytes()], cost: "a minute the first time" };
    let entry = entry.get(cache, progress, |entry| {
        let mut mmdebstrap = Command::new("mmdebstrap");
        mmdebstrap.args(["--quiet", "--variant=minbase", &include, SUITE]).arg(entry.join(target));
        shell::output(&mut mmdebstrap).map(drop)
    })?;
    Ok(entry.join(target))
}
