//! `cargo xtask bench NAME`: what `docs/PERFORMANCE.md` reports. A bench runs the real programs, built for release, beside a peer in the
//! same run, and prints one Markdown table; it gates nothing.

mod load;
mod pages;

use anyhow::Result;
use clap::ValueEnum;

use crate::places::Places;

#[derive(Clone, Copy, ValueEnum)]
pub enum Bench {
    /// Requests a second of pages and API with 10,000 servers in the record, beside a bare route
    Pages,
}

pub fn run(places: &Places, bench: Bench, no_build: bool) -> Result<()> {
    match bench {
        Bench::Pages => pages::run(places, no_build),
    }
}
