//! `cargo xtask bench NAME`: what `docs/PERFORMANCE.md` reports. A bench runs the real programs and prints Markdown tables; it gates
//! nothing.

mod bundle;
mod folder;
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
    /// A database taken along, beside `pg_dump`
    Export,
    /// A database brought in by the safe loader, beside `pg_restore`
    Import,
    /// Media out of a bucket, again with nothing changed, and into a bucket, beside rclone and s5cmd
    Media,
    /// A server moved while people write to it, beside the guide's stop, dump, copy and restore
    Move,
}

pub fn run(places: &Places, bench: Bench, no_build: bool) -> Result<()> {
    match bench {
        Bench::Pages => pages::run(places, no_build),
        Bench::Servers => servers::run(places),
        Bench::Export => bundle::export(places, no_build),
        Bench::Import => bundle::import(places, no_build),
        Bench::Media => bundle::media(places, no_build),
        Bench::Move => bundle::movement(places, no_build),
    }
}
