//! The project's own tool: the development stack and the tests that need it.
//!
//! It starts real parts (Kubernetes, PostgreSQL, S3, DNS, mail, ingress) as processes and knows nothing of Howdah's crates: it runs the
//! built binaries, so that a change in them never rebuilds this one.

mod assets;
mod bench;
mod built;
mod cache;
mod checks;
mod dev;
mod dist;
mod fuzz;
mod generated;
mod histories;
mod packages;
mod places;
mod progress;
mod shell;
mod stack;
mod test;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use places::Places;
use progress::Progress;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Howdah's development stack and tests")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set everything up, start the stack and Howdah with a demo customer, and stay until Ctrl-C
    Dev {
        /// Use this cluster, and start no Kubernetes
        #[arg(long, value_name = "FILE")]
        kubeconfig: Option<PathBuf>,
        /// Take Howdah's binaries as they were built last
        #[arg(long)]
        no_build: bool,
        /// Grant every launch, and start no simulated Stripe
        #[arg(long)]
        no_billing: bool,
    },
    /// Start the stack and Howdah and leave them running; if they run already, bring Howdah's own parts and images up to date
    Up {
        /// Use this cluster, and start no Kubernetes
        #[arg(long, value_name = "FILE", conflicts_with = "plane")]
        kubeconfig: Option<PathBuf>,
        /// Only Kubernetes with its DNS, ingress and images: a cluster for another stack's `--kubeconfig`
        #[arg(long)]
        plane: bool,
        /// Take Howdah's binaries as they were built last
        #[arg(long)]
        no_build: bool,
        /// Have servers paid for, at a simulated Stripe; a stack that is up and has it keeps it
        #[arg(long, conflicts_with = "plane")]
        billing: bool,
    },
    /// Remove all that the stack left: processes, mounts, network namespace, cgroups, data (built tools and images are kept)
    Down,
    /// Move the time that server, worker and Stripe of the stack go by: `+200d`, `-3h`, `reset`; without a step, say where it is
    Clock {
        #[arg(allow_hyphen_values = true)]
        step: Option<stack::clock::Step>,
    },
    /// Run the tests: all but those that take many minutes
    Test {
        /// Only what needs no more than PostgreSQL and Redis
        #[arg(long, conflicts_with = "long")]
        quick: bool,
        /// Also parts killed at every point, and the pages in a browser
        #[arg(long)]
        long: bool,
    },
    /// Build the program for release, as one file that needs no other
    Dist,
    /// Measure something, and print a table
    Bench {
        name: bench::Bench,
        /// Take the programs that are built for release as they were built last
        #[arg(long)]
        no_build: bool,
    },
    /// Give random dumps to what reads them
    Fuzz {
        /// For each target
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
    /// Play random histories of what customers pay, against a simulated Stripe
    Histories(histories::Histories),
    /// Bring the libraries of the pages from npm, for the build to embed
    Assets,
    /// Bring what the browser tests need: the browser, and what pages are checked with
    Checks,
    /// Say which generated files are stale
    Check,
    /// Write the generated files
    Generate,
    /// Run a command in the stack's network namespace, with its DNS
    Inside {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<std::ffi::OsString>,
    },
    /// Pass connections from the machine's loopback into the stack (started by `up`)
    #[command(hide = true)]
    Forward {
        #[arg(long)]
        netns: PathBuf,
        /// LISTEN=TARGET, both addresses with a port
        routes: Vec<stack::forward::Route>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Forward { netns, routes } => stack::forward::serve(&netns, &routes),
        task => Places::find().and_then(|places| run(task, places)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build(places: &Places, no_build: bool) -> anyhow::Result<()> {
    if no_build { Ok(()) } else { stack::build_binaries(places, Progress::start()) }
}

fn run(task: Task, places: Places) -> anyhow::Result<()> {
    let scope = |kubeconfig: Option<PathBuf>, plane| match (kubeconfig, plane) {
        (Some(file), _) => stack::Scope::OnCluster(file),
        (None, true) => stack::Scope::Plane,
        (None, false) => stack::Scope::Whole,
    };
    match task {
        Task::Dev { kubeconfig, no_build, no_billing } => {
            build(&places, no_build)?;
            let billing = if no_billing { stack::Billing::Off } else { stack::Billing::On };
            dev::run(places, scope(kubeconfig, false), billing)
        }
        Task::Up { kubeconfig, plane, no_build, billing } => {
            build(&places, no_build)?;
            let billing = if billing { stack::Billing::On } else { stack::Billing::Unchanged };
            stack::up(places, scope(kubeconfig, plane), billing).map(drop)
        }
        Task::Down => test::together([stack::down(&places.beside()), stack::down(&places)]),
        Task::Clock { step } => stack::clock::set(&places, step),
        Task::Test { quick: true, .. } => test::run(places, test::Extent::Quick),
        Task::Test { long: true, .. } => test::run(places, test::Extent::Long),
        Task::Test { .. } => test::run(places, test::Extent::Usual),
        Task::Dist => dist::run(&places),
        Task::Bench { name, no_build } => bench::run(&places, name, no_build),
        Task::Fuzz { seconds } => fuzz::run(&places, seconds),
        Task::Histories(wanted) => histories::run(&places, &wanted),
        Task::Assets => assets::bring(&places, Progress::start()),
        Task::Checks => checks::bring(&places, Progress::start()),
        Task::Check => generated::run(&places, generated::Mode::Check),
        Task::Generate => generated::run(&places, generated::Mode::Write),
        Task::Inside { command } => stack::inside(&places, &command),
        Task::Forward { .. } => unreachable!("handled before the checkout is looked for"),
    }
}
