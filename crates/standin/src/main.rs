//! `howdah-standin`: a stand-in for Mastodon in the development stack and in tests.
//!
//! Mastodon itself can't be built from what the stack may use, so this answers to the same commands, ports, files and tables wherever
//! the control plane looks. One binary: `bundle`, `node`, `rails` and `tootctl` in the image are links to it, and the name it is called
//! by says what to do. It is never part of a product image, and knows nothing of Howdah.

mod clock;
mod command;
mod config;
mod crypto;
mod database;
mod delivery;
mod faults;
mod fill;
mod jobs;
mod media;
mod neighbour;
mod net;
mod objects;
mod people;
mod reach;
mod runner;
mod schema;
mod settings_store;
mod sidekiq;
mod storage;
mod streaming;
mod tootctl;
mod version;
mod web;

use std::process::ExitCode;

use command::Command;
use config::{Config, Env, Process};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let env = Env::of_this_process();
    start_logging(&env);
    match Command::parse(&arguments).map_err(anyhow::Error::from).and_then(|command| run(command, &env)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, env: &Env) -> anyhow::Result<()> {
    // reqwest, rustls and the signatures share this provider; a second one in the build would make rustls panic.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    match command {
        Command::Web => actix_web::rt::System::new().block_on(web::serve(Config::read(env, Process::Web)?)),
        Command::Streaming => actix_web::rt::System::new().block_on(streaming::serve(Config::read_streaming(env)?)),
        Command::Sidekiq(options) => on_one_thread(sidekiq::run(Config::read(env, Process::Sidekiq)?, options)),
        Command::DbPrepare => on_one_thread(until_terminated(schema::prepare(Config::read(env, Process::Task)?))),
        Command::DbSchemaLoad => on_one_thread(until_terminated(schema::load_schema(Config::read(env, Process::Task)?))),
        Command::DbMigrate => on_one_thread(until_terminated(schema::migrate(Config::read(env, Process::Task)?))),
        Command::Runner(script) => runner::run(&Config::read(env, Process::Task)?, &script),
        Command::Tootctl(call) => on_one_thread(until_terminated(tootctl::run(Config::read(env, Process::Task)?, call))),
        Command::Fill(amounts) => on_one_thread(until_terminated(fill::run(Config::read(env, Process::Task)?, amounts))),
        Command::ReachOut(inbox) => on_one_thread(until_terminated(reach::run(Config::read(env, Process::Task)?, env, &inbox))),
        Command::Neighbour(options) => actix_web::rt::System::new().block_on(neighbour::serve(options)),
    }
}

/// Many stand-ins run on one small machine: no command needs more than one thread.
fn on_one_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// As the first process of a container a command would not hear SIGTERM by itself, and a pod that goes would wait out its grace.
async fn until_terminated(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = terminate.recv() => anyhow::bail!("SignalException: SIGTERM"),
    }
}

fn start_logging(env: &Env) {
    let level = env.get("RAILS_LOG_LEVEL").or(env.get("LOG_LEVEL")).unwrap_or("info");
    let level = level.parse().unwrap_or(tracing::Level::INFO);
    tracing_subscriber::fmt().with_max_level(level).with_target(false).with_ansi(false).with_writer(std::io::stderr).init();
}
