//! `howdah-stripe-simulator`: the simulator as a process, for the development stack.

use std::path::PathBuf;

use clap::Parser;
use howdah_stripe_simulator::{Settings, Simulator, clock::OffsetFile};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

/// A simulated Stripe, with a clock that is moved from its page.
#[derive(Parser)]
struct Arguments {
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:12111")]
    listen: String,
    /// The secret key that requests must carry
    #[arg(long, default_value = "sk_test_simulator", env = "STRIPE_SIMULATOR_SECRET_KEY")]
    secret_key: String,
    /// A file with the seconds that the clock is ahead of the machine's, shared with others: moved by one, it moves for all
    #[arg(long, value_name = "FILE")]
    clock_offset_file: Option<PathBuf>,
    /// Send events here instead of to their endpoints, whose path is kept, as `stripe listen` does
    #[arg(long, value_name = "URL")]
    forward_to: Option<Url>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let settings = Settings {
        listen: arguments.listen,
        secret_key: arguments.secret_key,
        clock_offset_file: arguments.clock_offset_file.map(OffsetFile),
        forward_to: arguments.forward_to,
        runs: true,
        delivers: true,
        ..Settings::default()
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let running = Simulator::start(settings).await?;
    println!("{}", running.base_url);
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
