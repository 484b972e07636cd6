//! `cargo xtask fuzz`: the targets of `crates/bundle/fuzz`, each for so long, on the stable toolchain that the repository pins.
//!
//! Without sanitizers, since those want a nightly toolchain: the readers that are fuzzed have no `unsafe`, and what is looked for is a panic, a
//! hang, or memory without bounds.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{cache::Entry, packages, places::Places, progress::Progress, shell};

const CARGO_FUZZ: &str = "0.13.1";

/// A target, and which of the tests' dumps it begins from: the start and the end of a name, and the file in it where it is a folder.
const TARGETS: &[(&str, &str, &str, Option<&str>)] =
    &[("custom", "custom-", ".dump", None), ("directory_toc", "directory-", "", Some("toc.dat")), ("plain", "plain", ".sql", None)];

pub fn run(places: &Places, seconds: u32) -> Result<()> {
    let progress = Progress::start();
    // libFuzzer itself is C++.
    packages::ensure(progress, &[packages::CXX])?;
    let program = program(places, progress)?;
    let folder = places.checkout.join("crates/bundle/fuzz");
    let dumps = places.checkout.join("crates/bundle/tests/dumps");
    for target in TARGETS {
        let corpus = folder.join("corpus").join(target.0);
        begin_from(&dumps, &corpus, target)?;
        progress.step(&format!("fuzzing `{}` for {seconds} s", target.0), || fuzz(places, &program, &folder, target.0, seconds))?;
    }
    Ok(())
}

fn program(places: &Places, progress: Progress) -> Result<PathBuf> {
    let entry = Entry { name: "cargo-fuzz", inputs: &[CARGO_FUZZ.as_bytes()], cost: "1–2 min the first time" };
    let folder = entry.get(&places.cache, progress, |entry| {
        let mut install = places.cargo();
        install.args(["install", "--quiet", "--locked", "--debug", "--version", CARGO_FUZZ, "--root"]).arg(entry).arg("cargo-fuzz");
        shell::output(&mut install).map(drop)
    })?;
    Ok(folder.join("bin/cargo-fuzz"))
}

/// What `pg_dump` of every version wrote. What fuzzing found besides stays in the corpus.
fn begin_from(dumps: &Path, corpus: &Path, (target, start, end, inside): &(&str, &str, &str, Option<&str>)) -> Result<()> {
    fs::create_dir_all(corpus)?;
    let mut taken = 0;
    for version in list(dumps)?.iter().filter(|it| it.is_dir()) {
        for dump in list(version)? {
            let name = name(&dump);
            if name.starts_with(start) && name.ends_with(end) {
                let file = inside.map_or_else(|| dump.clone(), |it| dump.join(it));
                let to = corpus.join(format!("{}-{name}", self::name(version)));
                fs::copy(&file, &to).with_context(|| format!("{} can't be copied", file.display()))?;
                taken += 1;
            }
        }
    }
    if taken == 0 { bail!("{} has nothing for `{target}` to begin from", dumps.display()) } else { Ok(()) }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} can't be listed", folder.display()))?;
    entries.map(|it| Ok(it?.path())).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn fuzz(places: &Places, program: &Path, folder: &Path, target: &str, seconds: u32) -> Result<()> {
    let mut fuzz = Command::new(program);
    fuzz.args(["fuzz", "run", "--sanitizer", "none", "--target-dir"]).arg(places.target.join("fuzz")).args([target, "--"]);
    fuzz.arg(format!("-max_total_time={seconds}")).args(["-max_len=65536", "-rss_limit_mb=512", "-timeout=10", "-print_final_stats=1"]);
    // libFuzzer's coverage is asked for by unstable flags.
    shell::visible(fuzz.current_dir(folder).env("RUSTC_BOOTSTRAP", "1").env_remove("CARGO_TARGET_DIR"))
        .with_context(|| format!("what it failed on lies in {}", folder.join("artifacts").join(target).display()))
}
