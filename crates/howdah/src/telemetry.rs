//! Logs: one line an event on standard error, JSON where a machine reads them.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Without what a job queue says of each job, and a TLS library of each certificate that it can't use.
const DEFAULT: &str = "info,graphile_worker=warn,rustls_platform_verifier=off";

#[derive(Args)]
pub struct TelemetryArgs {
    /// What is logged, as `tracing` filters say it: `info`, `howdah_app=debug,info`, …
    #[arg(long, env = "HOWDAH_LOG", default_value = DEFAULT, global = true)]
    log: String,
    #[arg(long, env = "HOWDAH_LOG_FORMAT", value_enum, default_value_t = Format::Text, global = true)]
    log_format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn init(args: &TelemetryArgs) {
    let filter = EnvFilter::try_new(&args.log).unwrap_or_else(|error| {
        eprintln!("--log {}: {error}; logging `{DEFAULT}` instead", args.log);
        EnvFilter::new(DEFAULT)
    });
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.log_format {
        Format::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        Format::Json => lines.json().flatten_event(true).init(),
    }
}
