//! `cargo xtask dist`: the program as it is given away, one file that needs no library of the machine it runs on.
//!
//! Whoever takes a Mastodon server along with it has some Linux, of whatever age. It is glibc's static kind: of what is loaded at run time,
//! names are looked up by files and DNS without any; other ways of `nsswitch.conf` are not there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};

use crate::{assets, places::Places, progress::Progress, shell};

/// With one that is named, build scripts and macros, which can't be static, are built without the flag.
const TARGET: &str = "x86_64-unknown-linux-gnu";

pub fn run(places: &Places) -> Result<()> {
    let progress = Progress::start();
    build(places, progress, &["howdah"])?;
    let program = program(places, "howdah");
    progress.quiet("runs where there is nothing else", || alone(&program))?;
    let sum = shell::output(Command::new("sha256sum").arg("-b").arg(&program))?;
    println!("\n{} bytes\n{}", fs::metadata(&program)?.len(), sum.trim());
    Ok(())
}

/// Builds these packages' programs for release.
pub fn build(places: &Places, progress: Progress, packages: &[&str]) -> Result<()> {
    assets::bring(places, progress)?;
    progress.step("building for release (many minutes the first time)", || {
        let mut build = places.cargo();
        build.args(["build", "--release", "--locked", "--target", TARGET]).env("RUSTFLAGS", "-C target-feature=+crt-static");
        shell::visible(build.args(packages.iter().map(|name| format!("--package={name}"))))
    })
}

/// As it was built last.
pub fn program(places: &Places, name: &str) -> PathBuf {
    places.target.join(TARGET).join("release").join(name)
}

/// In a root with no file but its own.
fn alone(program: &Path) -> Result<()> {
    let interpreter = shell::output(Command::new("readelf").arg("--program-headers").arg("--wide").arg(program))?;
    ensure!(!interpreter.contains("INTERP"), "{} asks for a loader", program.display());
    if !rustix::process::geteuid().is_root() {
        // Only root may change the root.
        return Ok(());
    }
    let root = std::env::temp_dir().join(format!("howdah-dist-{}", std::process::id()));
    fs::create_dir_all(&root)?;
    let ran = fs::copy(program, root.join("howdah")).map_err(Into::into).and_then(|_| {
        let said = shell::output(Command::new("chroot").arg(&root).args(["/howdah", "bundle", "--help"]))?;
        ensure!(said.contains("howdah bundle"), "it said {said}");
        Ok(())
    });
    fs::remove_dir_all(&root)?;
    ran
}
