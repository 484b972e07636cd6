//! `cargo xtask test`: every test there is, or with `--quick` those that need no more than PostgreSQL.

use std::{env, process::Command};

use anyhow::Result;

use crate::{
    packages,
    places::Places,
    progress::Progress,
    shell,
    stack::{self, Scope, ThrowAway},
};

/// The tests that need the running stack.
const ACCEPTANCE: &str = "howdah-acceptance";

pub fn run(places: Places, quick: bool) -> Result<()> {
    let progress = Progress::start();
    packages::ensure(progress, &[packages::POSTGRESQL, packages::REDIS])?;
    progress.step("tests of the crates", || {
        let postgres = ThrowAway::start(&places, progress)?;
        let mut tests = places.cargo();
        tests.args(["test", "--workspace", "--exclude", ACCEPTANCE]).env("HOWDAH_TEST_DATABASE_URL", postgres.url());
        shell::visible(&mut tests)
    })?;
    if quick {
        return Ok(());
    }
    // Built outside: the stack's network has no way to a registry.
    progress.step("building the tests of the stack", || shell::visible(places.cargo().args(["test", "--no-run", "-p", ACCEPTANCE])))?;
    stack::build_binaries(&places, progress)?;
    stack::up(places.clone(), Scope::Whole)?;
    let tested = progress.step("tests of the stack", || {
        let mut inside = Command::new(env::current_exe()?);
        inside.args(["inside", "--"]).arg(places.cargo().get_program());
        inside.args(["test", "--offline", "-p", ACCEPTANCE]).current_dir(&places.checkout);
        shell::visible(inside.env("HOWDAH_STACK", &places.stack))
    });
    let taken_down = progress.step("taking the stack down", || stack::down(&places));
    tested.and(taken_down)
}
