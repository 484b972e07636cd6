//! `howdah bundle create`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use howdah_bundle::create::{CreateError, Created, Options, create};
use howdah_bundle::format::{self, Consistency, Manifest};
use howdah_bundle::place::{Location, Place, PlaceError, Reader};
use howdah_bundle::source::{self, Environment};
use howdah_domain::{Clock as _, SystemClock};

use super::job::{Job, Telling};
use super::outside::Outside;
use super::{MADE_BY, inspect, keys, place, print_json, progress::Progress, size};
use crate::args::bundle::{CreateArgs, Mode};

pub async fn run(args: CreateArgs) -> anyhow::Result<ExitCode> {
    let job = Job::begin(&args.job).await?;
    match job {
        Some(job) => job.watch(|telling| make(args, telling)).await,
        None => make(args, None).await.map(|_| ExitCode::SUCCESS),
    }
}

async fn make(args: CreateArgs, telling: Option<Arc<Telling>>) -> anyhow::Result<Manifest> {
    let outer = |name: &str| std::env::var(name).ok();
    let environment = match &args.env_file {
        Some(file) => Environment::from_file(file, &outer)?,
        None => Environment::from_process(std::env::vars_os()),
    };
    let root = args.env_file.as_deref().map(std::path::absolute).transpose().context("the current folder is gone")?;
    let outside = args.outside.then(|| Outside::of(&args.reach)).transpose()?;
    let guarded = |location: &Location| outside.as_ref().map_or_else(|| place(location), |it| it.place(location));
    // An earlier bundle may lie on this machine.
    let earlier = |location: &Location| if let Location::S3 { .. } = location { guarded(location) } else { place(location) };
    let to = guarded(&args.to)?;
    let options = Options {
        environment,
        place: source::Place {
            root: root.as_deref().and_then(Path::parent).map(Path::to_owned),
            public_system: args.public_system.clone(),
            without_media: args.no_media,
            version: args.mastodon_version.clone(),
            home: std::env::var_os("HOME").map(Into::into),
        },
        mode: consistency(args.mode),
        seal: keys::seal(&args.seal)?,
        recovery_key: args.recovery_key,
        sign: keys::sign(args.sign_key.as_deref())?,
        to: to.clone(),
        incremental_from: args.incremental_from.as_ref().map(|it| Ok::<_, anyhow::Error>((it.to_string(), earlier(it)?))).transpose()?,
        spool: args.spool,
        pg_dump: args.pg_dump,
        from_dump: args.from_dump,
        search: std::env::var_os("PATH"),
        made_by: MADE_BY.to_owned(),
    };
    let progress = Arc::new(Progress::new(args.output.json));
    let told = Arc::clone(&progress);
    let is_job = telling.is_some();
    let created = create(options, &|| SystemClock.now(), &move |event| {
        if let Some(telling) = &telling {
            telling.take(&event);
        }
        told.tell(event);
    })
    .await;
    progress.end();
    let created = match created {
        // Its try before was killed when all was done, and before it could say so.
        Err(CreateError::Place(PlaceError::Whole { .. })) if is_job => return whole(&to).await,
        created => created.with_context(|| format!("no bundle in {}", args.to))?,
    };
    // A pipe's standard output is the bundle.
    let is_pipe = args.to == Location::Pipe;
    if args.output.json && !is_pipe {
        print_json(&created.manifest)?;
    } else {
        summary(&args.to.to_string(), &created);
    }
    if !args.output.json && !is_pipe {
        eprintln!("Check it with: howdah bundle verify {}", args.to);
    }
    Ok(created.manifest)
}

async fn whole(to: &Place) -> anyhow::Result<Manifest> {
    match Reader::open(to).await? {
        Reader::Bundle(bundle) => inspect::read(&bundle, format::MANIFEST).await,
        Reader::Stream(_) => anyhow::bail!("a pipe is never whole before it is written"),
    }
}

fn summary(to: &str, Created { manifest, .. }: &Created) {
    let rows: u64 = manifest.tables.values().map(|it| it.rows).sum();
    eprintln!("The bundle is whole: {to}");
    eprintln!("  database  {rows} rows in {} tables, {}", manifest.tables.len(), size(manifest.dump.bytes));
    eprintln!("  media     {} files, {}", manifest.inventory.files, size(manifest.inventory.bytes));
    if manifest.inventory.missing > 0 {
        eprintln!("  missing   {} media files that rows name were not on the server: media/MISSING.ndjson", manifest.inventory.missing);
    }
    eprintln!("  content   {}", manifest.content_digest);
}

const fn consistency(mode: Mode) -> Consistency {
    match mode {
        Mode::Live => Consistency::Live,
        Mode::Drained => Consistency::Drained,
        Mode::Stopped => Consistency::Stopped,
    }
}
