//! `howdah bundle verify`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use howdah_bundle::format::{Finding, Severity};
use howdah_bundle::restore;
use howdah_bundle::source::{self, DatabaseSettings};
use howdah_bundle::verify::verify;
use howdah_domain::{Clock as _, SystemClock};

use super::progress::{Progress, sentence};
use super::{MADE_BY, NOT_WELL, keys, place, print_json};
use crate::args::bundle::VerifyArgs;

pub async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
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
        match restore::restore(options, &tell).await {
            Ok(restored) => verify.restored = Some(rows(&restored.loaded)),
            Err(error) => verify.findings.push(failed(&anyhow::Error::from(error))),
        }
        progress.end();
    }
    if args.output.json {
        print_json(&verify)?;
    } else {
        for finding in &verify.findings {
            println!("{}", sentence(finding));
        }
        match (verify.holds(), &verify.content_digest) {
            (true, Some(digest)) => println!("All holds. Content {digest}"),
            (true, None) => println!("All that could be read holds."),
            (false, _) => println!("This bundle is not what it says."),
        }
    }
    Ok(if verify.holds() { ExitCode::SUCCESS } else { ExitCode::from(NOT_WELL) })
}

fn rows(loaded: &howdah_bundle::load::Loaded) -> BTreeMap<String, u64> {
    loaded.tables.iter().map(|(name, facts)| (name.clone(), facts.rows)).collect()
}

fn failed(error: &anyhow::Error) -> Finding {
    let (object, reason) = ("the restore".to_owned(), "restore_failed".to_owned());
    Finding { severity: Severity::Wrong, object, reason, sentence: format!("{error:#}") }
}
