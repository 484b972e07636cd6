//! `howdah`: one binary for every process of the control plane.
//!
//! This is the composition root: it reads configuration, opens what the crates need and starts them. Nothing is decided here.

mod args;
mod commands;
mod shutdown;
mod telemetry;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::args::{Command, Howdah};

fn main() -> anyhow::Result<ExitCode> {
    let howdah = Howdah::parse();
    telemetry::init(&howdah.telemetry);
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider was installed first"))?;
    // actix' workers are single-threaded runtimes: what outlives a request is driven by this one.
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime does not start")?.block_on(run(howdah.command))
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Bundle(command) => return Ok(commands::bundle::run(*command).await),
        Command::Migrate(args) => commands::migrate::run(args).await,
        Command::Server(args) => commands::server::run(*args).await,
        Command::Worker(args) => commands::worker::run(*args).await,
        Command::Operator(args) => commands::operator::run(args).await,
        Command::Media(args) => commands::media::run(args).await,
        Command::Notice(args) => commands::notice::run(args).await,
        Command::Crds => commands::crds::run(),
        Command::Admin(command) => commands::admin::run(*command).await,
    }?;
    Ok(ExitCode::SUCCESS)
}
