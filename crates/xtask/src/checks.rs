//! What pages are checked with in the browser tests, axe-core and html-validate: from npm by lock file, found by the tests in
//! `crates/acceptance/checks/node_modules`.

use std::{fs, os::unix::fs::symlink};

use anyhow::Result;

use crate::{assets, cache::Entry, packages, places::Places, progress::Progress};

/// Before the acceptance tests: these run where nothing outside can be reached.
pub fn bring(places: &Places, progress: Progress) -> Result<()> {
    packages::ensure(progress, &[packages::BROWSER])?;
    let folder = places.checkout.join("crates/acceptance/checks");
    let manifest = assets::manifest(&folder)?;
    let inputs: Vec<&[u8]> = manifest.iter().map(Vec::as_slice).collect();
    let entry = Entry { name: "page-checks", inputs: &inputs, cost: "by npm: under a minute" };
    let modules = entry.get(&places.cache, progress, |entry| assets::npm_ci(entry, &folder, progress))?.join("node_modules");
    let link = folder.join("node_modules");
    if fs::read_link(&link).is_ok_and(|it| it == modules) {
        return Ok(());
    }
    if link.is_symlink() {
        fs::remove_file(&link)?;
    }
    Ok(symlink(modules, link)?)
}
