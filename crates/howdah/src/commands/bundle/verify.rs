//! `howdah bundle verify`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use howdah_bundle::format::{Finding, Severity, Verify};
use howdah_bundle::load::LoadError;
use howdah_bundle::place::Location;
use howdah_bundle::restore::{self, RestoreError};
use howdah_bundle::source::{self, DatabaseSettings};
use howdah_bundle::verify::verify;
use howdah_domain::{Clock as _, SystemClock};

use super::progress::{Progress, sentence};
use super::{MADE_BY, NOT_ALL, NOT_WELL, keys, place, print_json};
use crate::args::bundle::VerifyArgs;

pub async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        args.restore.is_none() || args.from != Location::Pipe,
        "a pipe is read once, and --restore reads the bundle again: save it to a FILE.tar first, and give that"
    );
    let from = place(&args.from)?;
    let identities = keys::open(&args.open)?;
    let progress = Arc::new(Progress::new(args.output.json));
    let told = Arc::clone(&progress);
    let tell = move |event| told.tell(event);
    let verified = verify(&from, identities.as_deref(), MADE_BY, &|| SystemClock.now(), &tell).await;
    progress.end();
    let mut verify = verified.with_context(|| format!("{} can't be read", args.from))?.verify;
    if let (Some(url), true) = (&args.restore, verify.holds()) {
        let database =
            DatabaseSettings::from_url(url, &source::Place { home: std::env::var_os("HOME").map(Into::into), ..Default::default() })?;
        let options = restore::Options { from: &from, identities, database, media_to: None, env_to: None };
        let restored = restore::restore(options, &tell).await;
        progress.end();
        match restored {
            Ok(restored) => verify.restored = Some(rows(&restored.loaded)),
            Err(error) if is_of_the_bundle(&error) => verify.findings.push(failed(&anyhow::Error::from(error))),
            Err(error) => return Err(anyhow::Error::from(error).context("the scratch database can't be used")),
        }
    }
    if args.output.json {
        print_json(&verify)?;
    } else {
        for finding in &verify.findings {
            println!("{}", sentence(finding));
        }
        match (verify.holds(), verify.content_digest.filter(|_| is_opened(&verify))) {
            (true, Some(digest)) => println!("All holds. Content {digest}"),
            (true, None) => println!("What could be read holds. What is sealed was not opened."),
            (false, _) => println!("This bundle is not what it says."),
        }
    }
    Ok(match (verify.holds(), is_opened(&verify)) {
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(NOT_ALL),
        (false, _) => ExitCode::from(NOT_WELL),
    })
}

fn is_opened(verify: &Verify) -> bool {
    !verify.findings.iter().any(|it| it.reason == "not_opened")
}

/// And not of the database that it was to go into.
fn is_of_the_bundle(error: &RestoreError) -> bool {
    match error {
        RestoreError::Load(error) => {
            matches!(
                error,
                LoadError::Differs { .. }
                    | LoadError::Duplicates { .. }
                    | LoadError::Dump(_)
                    | LoadError::Encoding(_)
                    | LoadError::Twice { .. }
            )
        }
        RestoreError::Database(_) => false,
        _ => true,
    }
}

fn rows(loaded: &howdah_bundle::load::Loaded) -> BTreeMap<String, u64> {
    loaded.tables.iter().map(|(name, facts)| (name.clone(), facts.rows)).collect()
}

fn failed(error: &anyhow::Error) -> Finding {
    let (object, reason) = ("the restore".to_owned(), "restore_failed".to_owned());
    Finding { severity: Severity::Wrong, object, reason, sentence: format!("{error:#}") }
}
