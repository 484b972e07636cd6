//! `howdah bundle restore`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use howdah_bundle::load::{Duplicates, LoadError, Loaded};
use howdah_bundle::media::{Store, StoreSettings};
use howdah_bundle::place::Location;
use howdah_bundle::restore::{Options, RestoreError, is_marked, restore, restore_dump};
use howdah_bundle::s3::BucketSettings;
use howdah_bundle::source::{self, DatabaseSettings};

use super::progress::{self, Progress};
use super::{job, keys, media_s3, place, print_json, sentence};
use crate::args::bundle::RestoreArgs;

pub async fn run(args: RestoreArgs) -> anyhow::Result<ExitCode> {
    let termination_log = args.termination_log.clone();
    let done = bring(args).await;
    let (Err(error), Some(file)) = (&done, termination_log) else { return done.map(|()| ExitCode::SUCCESS) };
    std::fs::write(&file, sentence(error)).with_context(|| format!("{} can't be written (--termination-log)", file.display()))?;
    if error.downcast_ref().is_some_and(is_lasting) { Ok(job::lasting(error)) } else { done.map(|()| ExitCode::SUCCESS) }
}

async fn bring(args: RestoreArgs) -> anyhow::Result<()> {
    let home = source::Place { home: std::env::var_os("HOME").map(Into::into), ..Default::default() };
    let database = DatabaseSettings::from_url(&args.database_url, &home)?;
    if let Some(mark) = &args.mark
        && is_marked(&database, mark).await?
    {
        return told_result(&Loaded::default(), 0, args.output.json);
    }
    let progress = Arc::new(Progress::new(args.output.json));
    let told = Arc::clone(&progress);
    let tell = move |event| told.tell(event);
    let duplicates = if args.allow_duplicates { Duplicates::Keep } else { Duplicates::Refuse };
    let loaded = match (&args.from, args.dump) {
        (_, Some(dump)) => restore_dump(dump, &database, duplicates, &tell).await.map(|it| (it, 0)).map_err(Into::into),
        (Some(from), None) => {
            let place = place(from)?;
            let media_to = args.media_to.as_ref().map(store).transpose()?;
            let identities = keys::open(&args.open)?;
            let signers = keys::signers(&args.signers)?;
            let options = Options {
                from: &place,
                identities,
                signers: &signers,
                database,
                duplicates,
                mark: args.mark,
                manifest_sha256: args.manifest_sha256,
                media_to,
                env_to: args.env_to,
            };
            let restored = restore(options, &tell).await.with_context(|| format!("{from} was not restored"));
            restored.map(|it| (it.loaded, it.media))
        }
        (None, None) => bail!("name a bundle, or a dump by --dump"),
    };
    progress.end();
    let (loaded, media) = loaded?;
    told_result(&loaded, media, args.output.json)
}

/// What the next try would meet again: it is the bundle, what opens it, or the database's schema that is wrong.
const fn is_lasting(error: &RestoreError) -> bool {
    match error {
        RestoreError::Place(_) | RestoreError::Database(_) | RestoreError::Media { .. } | RestoreError::Environment { .. } => false,
        // A dump breaks off where its place goes away.
        RestoreError::Load(error) => !matches!(error, LoadError::Sql { .. } | LoadError::Cut | LoadError::Dump(_)),
        _ => true,
    }
}

fn told_result(loaded: &Loaded, media: u64, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(&serde_json::json!({ "tables": loaded.tables, "findings": loaded.findings, "media": media }));
    }
    loaded.findings.iter().for_each(|it| println!("{}", progress::sentence(it)));
    let rows: u64 = loaded.tables.values().map(|it| it.rows).sum();
    println!("Loaded {rows} rows in {} tables, and {media} media files.", loaded.tables.len());
    Ok(())
}

fn store(to: &Location) -> anyhow::Result<Store> {
    let settings = match to {
        Location::Directory(root) => {
            std::fs::create_dir_all(root).with_context(|| format!("{} can't be made", root.display()))?;
            StoreSettings::Disk { root: root.clone() }
        }
        Location::S3 { bucket, prefix } => StoreSettings::S3(Box::new(BucketSettings {
            service: media_s3()?,
            bucket: bucket.clone(),
            key_prefix: prefix.clone(),
            acl: None,
        })),
        Location::TarFile(_) | Location::Pipe => bail!("media goes to a folder or to s3://bucket/prefix"),
    };
    Ok(Store::open_up(settings)?)
}
