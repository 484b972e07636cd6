//! The libraries that pages load in the browser: from npm by lock file, put where the build of `howdah-web` embeds them. Nothing of
//! them is checked in.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{cache::Entry, packages, places::Places, progress::Progress, shell};

/// Of the lock file's folder: what decides which libraries come.
const MANIFEST: &[&str] = &["package.json", "package-lock.json", ".npmrc"];

/// What is taken of a library, and its name among ours.
const TAKEN: &[(&str, &str)] = &[
    ("htmx.org/dist/htmx.min.js", "htmx.js"),
    ("htmx.org/dist/ext/hx-sse.min.js", "hx-sse.js"),
    ("swagger-ui-dist/swagger-ui-bundle.js", "swagger-ui.js"),
    ("swagger-ui-dist/swagger-ui.css", "swagger-ui.css"),
];

/// Before each build of the workspace.
pub fn bring(places: &Places, progress: Progress) -> Result<()> {
    let folder = places.checkout.join("crates/web/assets");
    let manifest = manifest(&folder)?;
    let taken = TAKEN.iter().map(|(from, to)| format!("{from} {to}\n")).collect::<String>();
    let inputs: Vec<&[u8]> = manifest.iter().map(Vec::as_slice).chain([taken.as_bytes()]).collect();
    let entry = Entry { name: "browser-libraries", inputs: &inputs, cost: "by npm: under a minute" };
    let libraries = entry.get(&places.cache, progress, |entry| install(entry, &folder, progress))?;
    let target = folder.join("libraries");
    fs::create_dir_all(&target)?;
    TAKEN.iter().try_for_each(|(_, name)| copy(&libraries.join(name), &target.join(name)))
}

fn install(entry: &Path, folder: &Path, progress: Progress) -> Result<()> {
    npm_ci(entry, folder, progress)?;
    let modules = entry.join("node_modules");
    for (from, to) in TAKEN {
        fs::copy(modules.join(from), entry.join(to)).with_context(|| format!("no library has a file {from}"))?;
    }
    Ok(fs::remove_dir_all(modules)?)
}

/// What stands in them.
pub fn manifest(folder: &Path) -> Result<Vec<Vec<u8>>> {
    MANIFEST.iter().map(|name| fs::read(folder.join(name)).with_context(|| format!("can't read {name} in {}", folder.display()))).collect()
}

/// Makes `node_modules` in an entry of the cache, as the lock file in `folder` says.
pub fn npm_ci(entry: &Path, folder: &Path, progress: Progress) -> Result<()> {
    if Command::new("npm").arg("--version").output().is_err() {
        packages::ensure(progress, &[packages::NPM])?;
    }
    for name in MANIFEST {
        fs::copy(folder.join(name), entry.join(name))?;
    }
    shell::output(Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(entry)).map(drop)
}

/// A file that is as it should be keeps its time: else the build would embed it anew.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let wanted = fs::read(from)?;
    if fs::read(to).is_ok_and(|it| it == wanted) {
        return Ok(());
    }
    fs::write(to, wanted).with_context(|| format!("can't write {}", to.display()))
}
