//! `cargo xtask test`: every test there is, or with `--quick` those that need no more than PostgreSQL.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{
    built::{self, Test},
    packages,
    places::Places,
    progress::Progress,
    stack::{self, Scope, ThrowAway},
};

/// The tests that need the running stack.
const ACCEPTANCE: &str = "howdah-acceptance";

pub fn run(places: Places, quick: bool) -> Result<()> {
    let progress = Progress::start();
    packages::ensure(progress, &[packages::POSTGRESQL, packages::REDIS])?;
    let tests = progress.step("building every test (minutes the first time)", || built::tests(&places))?;
    let (of_stack, of_crates): (Vec<_>, Vec<_>) = tests.into_iter().partition(|test| test.package == ACCEPTANCE);
    progress.step("tests of the crates", || {
        let postgres = ThrowAway::start(&places, progress)?;
        all(&of_crates, |test| {
            let mut command = test.command();
            command.env("HOWDAH_TEST_DATABASE_URL", postgres.url());
            command
        })
    })?;
    if quick {
        return Ok(());
    }
    stack::up(places.clone(), Scope::Whole)?;
    let xtask = places.own_program();
    let tested = progress.step("tests of the stack", || all(&of_stack, |test| inside(&xtask, &places, test)));
    let taken_down = progress.step("taking the stack down", || stack::down(&places));
    tested.and(taken_down)
}

/// In the stack's network, one test at a time: some of them stop parts of it. They print how long things took.
fn inside(xtask: &std::path::Path, places: &Places, test: &Test) -> Command {
    let mut inside = Command::new(xtask);
    inside.args(["inside", "--"]).arg(test.executable()).args(["--test-threads=1", "--nocapture"]);
    test.as_cargo_would(&mut inside);
    inside.env("HOWDAH_STACK", &places.stack);
    inside
}

/// Runs them all, and names those that failed.
fn all(tests: &[Test], command: impl Fn(&Test) -> Command) -> Result<()> {
    let mut failed = Vec::new();
    for test in tests {
        println!("\n     Running {} {}", test.package, test.name);
        let status = command(test).stdin(Stdio::null()).status().with_context(|| format!("can't start {}", test.name))?;
        if !status.success() {
            failed.push(format!("{} {}", test.package, test.name));
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("tests failed: {}", failed.join(", ")),
    }
}
