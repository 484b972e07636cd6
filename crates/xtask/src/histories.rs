//! `cargo xtask histories`: random histories of what customers pay, by the hundred thousand.

use anyhow::{Context, Result};
use clap::Args;

use crate::{places::Places, progress::Progress, shell};

#[derive(Args)]
pub struct Histories {
    /// How many
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// The first one's seed; each has the next
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many are played at once
    #[arg(long, default_value_t = 2)]
    jobs: u64,
}

pub fn run(places: &Places, wanted: &Histories) -> Result<()> {
    let progress = Progress::start();
    progress.step("building the histories (minutes the first time)", || {
        shell::visible(places.cargo().args(["build", "--quiet", "-p", "howdah-histories"]))
    })?;
    let numbers = [("--count", wanted.count), ("--seed", wanted.seed), ("--jobs", wanted.jobs)];
    let mut play = places.cargo();
    play.args(["run", "--quiet", "-p", "howdah-histories", "--"]);
    play.args(numbers.iter().flat_map(|(name, number)| [(*name).to_owned(), number.to_string()]));
    shell::visible(&mut play).context("some histories failed")
}
