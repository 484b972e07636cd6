//! `cargo xtask bench NAME`: what `docs/PERFORMANCE.md` reports. A bench runs the real programs and prints one Markdown table; it gates
//! nothing.

mod load;
mod pages;
mod servers;

use anyhow::Result;
use clap::ValueEnum;

use crate::places::Places;

#[derive(Clone, Copy, ValueEnum)]
pub enum Bench {
    /// Requests a second of pages and API with 10,000 servers in the record, beside a bare route
    Pages,
    /// 200 servers launched, synced anew and removed on the development stack: time, writes, processor time a server
    Servers,
}

pub fn run(places: &Places, bench: Bench, no_build: bool) -> Result<()> {
    match bench {
        Bench::Pages => pages::run(places, no_build),
        Bench::Servers => servers::run(places),
    }
}
