//! `howdah bundle pull`: what the Job of a pull runs, beside no server and with no disk.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use howdah_bundle::outside::Remote;
use howdah_bundle::place::Location;
use howdah_bundle::progress::Event;
use howdah_bundle::push::{Host, PushError, Pushed, Report, Source, push, report};
use tokio::time::MissedTickBehavior;

use super::outside::Outside;
use super::{job, print_json, progress::Progress, s3, sentence, size};
use crate::args::bundle::PullArgs;

/// Between two words to the host.
const TOLD: Duration = Duration::from_secs(5);

/// What is there by now, of this run.
#[derive(Default)]
struct Arrived {
    files: AtomicU64,
    bytes: AtomicU64,
}

pub async fn run(args: PullArgs) -> anyhow::Result<ExitCode> {
    let outside = Outside::of(&args.reach)?;
    let key = variable("HOWDAH_PULL_KEY")?;
    let host = Host::new(args.to.clone(), key.into(), &outside.authorities)?;
    let progress = Arc::new(Progress::new(args.output.json));
    let arrived = Arc::<Arrived>::default();
    let ended = bring(&outside, &host, &progress, &arrived).await;
    progress.end();
    let words = ended.as_ref().err().map(sentence);
    let told = report(&host, &arrived.report(words.is_none(), words.as_deref())).await;
    match ended {
        Ok(pushed) => {
            // Whoever runs again finds it all there, and says so.
            told?;
            if args.output.json {
                print_json(&pushed)?;
            } else {
                eprintln!("It has arrived: {} files, {}; {} were there already.", pushed.files, size(pushed.bytes), pushed.kept);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if is_lasting(&error) => Ok(job::lasting(&error)),
        Err(error) => Err(error),
    }
}

async fn bring(outside: &Outside, host: &Host, progress: &Arc<Progress>, arrived: &Arc<Arrived>) -> anyhow::Result<Pushed> {
    let from = source(outside).await?;
    let (counted, shown) = (Arc::clone(arrived), Arc::clone(progress));
    let tell = move |event: Event| {
        counted.take(&event);
        shown.tell(event);
    };
    tokio::select! {
        pushed = push(from, host, &tell) => Ok(pushed?),
        error = tell_host(host, arrived) => Err(error.into()),
    }
}

/// Every few seconds. It ends where the host wants no more of it; one that is away is told later.
async fn tell_host(host: &Host, arrived: &Arrived) -> PushError {
    let mut timer = tokio::time::interval(TOLD);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        match report(host, &arrived.report(false, None)).await {
            Err(error) if error.is_lasting() => return error,
            _ => {}
        }
    }
}

async fn source(Outside { guard, authorities }: &Outside) -> anyhow::Result<Source> {
    let from = variable("HOWDAH_PULL_FROM")?;
    if from.starts_with("s3://") {
        let location: Location = from.parse()?;
        return Ok(Source::bucket(&location, &s3()?, guard, authorities).await?);
    }
    let url = from.parse().map_err(|_| anyhow::anyhow!("what is to be fetched is no URL"))?;
    Ok(Source::fetch(Remote::new(url, guard, authorities).map_err(PushError::from)?))
}

/// No argument: it would stand in the list of processes.
fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

fn is_lasting(error: &anyhow::Error) -> bool {
    error.downcast_ref::<PushError>().is_some_and(PushError::is_lasting)
}

impl Arrived {
    fn take(&self, event: &Event) {
        if let Event::Progress { bytes, files } | Event::Kept { bytes, files } = event {
            self.files.fetch_add(*files, Ordering::Relaxed);
            self.bytes.fetch_add(*bytes, Ordering::Relaxed);
        }
    }

    fn report<'a>(&self, is_done: bool, sentence: Option<&'a str>) -> Report<'a> {
        Report { is_done, files: self.files.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed), sentence }
    }
}
