//! Plays histories, some at a time, and says which fail.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use howdah_histories::{Failed, play};

#[derive(Parser)]
#[command(about = "Random histories of what customers pay")]
struct Cli {
    /// How many
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// The first one's seed; each has the next
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many are played at once
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// After so many that fail, it ends
    #[arg(long, default_value_t = 10)]
    most: usize,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    println!("{} histories, of the seeds {} to {}", cli.count, cli.seed, cli.seed + cli.count.saturating_sub(1));
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::<Box<Failed>>::new()));
    let lock = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..cli.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= cli.count || lock().len() >= cli.most {
                        return;
                    }
                    show(at, cli.count);
                    if let Err(failure) = play(cli.seed + at, None) {
                        println!("\r{failure}");
                        lock().push(failure);
                    }
                }
            });
        }
    });
    let failed = lock();
    println!("\r{} of {} failed{}", failed.len(), cli.count.min(next.load(Ordering::Relaxed)), " ".repeat(60));
    for it in failed.iter() {
        println!("seed {}: {}", it.seed, it.violation.rule);
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A bar, a hundred times.
fn show(at: u64, count: u64) {
    const WIDTH: u64 = 50;
    if at.is_multiple_of(count.div_ceil(100)) {
        let done = usize::try_from(at * WIDTH / count).unwrap_or_default();
        let left = usize::try_from(WIDTH).unwrap_or_default() - done;
        print!("\r[{}{}] {at} of {count}", "#".repeat(done), " ".repeat(left));
        // A bar that can't be shown is no reason to stop.
        drop(std::io::stdout().flush());
    }
}
