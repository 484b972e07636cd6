//! `cargo xtask check` and `cargo xtask generate`: the files that are made from code and checked in.
//!
//! Tests of their crates hold them, and write them when a variable says so.

use anyhow::{Context, Result};

use crate::{built, packages, places::Places, progress::Progress, shell, stack::ThrowAway};

/// Package and test that hold a file, and the variable that has them write it.
const HELD: &[(&str, &str, &str)] = &[
    ("howdah-crd", "generated", "HOWDAH_GENERATE"),
    ("howdah-bundle", "generated", "HOWDAH_WRITE_SCHEMAS"),
    ("howdah-web", "description", "HOWDAH_WRITE_OPENAPI"),
    ("howdah-db", "schema", "HOWDAH_WRITE_SCHEMA"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Check,
    Write,
}

pub fn run(places: &Places, mode: Mode) -> Result<()> {
    let progress = Progress::start();
    packages::ensure(progress, &[packages::POSTGRESQL])?;
    let postgres = ThrowAway::start(places, progress)?;
    let tests = progress.step("building every test (minutes the first time)", || built::tests(places))?;
    for (package, name, write) in HELD {
        let test = tests.iter().find(|it| it.package == *package && it.name == *name);
        let test = test.with_context(|| format!("{package} has no test {name}"))?;
        progress.step(&format!("{package}: {name}"), || {
            let mut command = test.command();
            command.env("HOWDAH_TEST_DATABASE_URL", postgres.url());
            if mode == Mode::Write {
                command.env(write, "1");
            }
            shell::output(&mut command).map(drop)
        })?;
    }
    Ok(())
}
