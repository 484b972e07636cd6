//! `howdah bundle verify`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use howdah_bundle::format::{self, Finding, Severity, Verify};
use howdah_bundle::load::{Duplicates, LoadError};
use howdah_bundle::place::{Location, Place, PlaceError};
use howdah_bundle::progress::Told;
use howdah_bundle::restore::{self, RestoreError};
use howdah_bundle::sign::SigningKey;
use howdah_bundle::source::{self, DatabaseSettings};
use howdah_bundle::verify::{self, verify};
use howdah_domain::{Clock as _, SystemClock};

use super::progress::{Progress, sentence};
use super::{MADE_BY, NOT_ALL, NOT_WELL, keys, place, print_json, tell};
use crate::args::bundle::VerifyArgs;

pub async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        args.restore.is_none() || args.from != Location::Pipe,
        "a pipe is read once, and --restore reads the bundle again: save it to a FILE.tar first, and give that"
    );
    let from = place(&args.from)?;
    let identities = keys::open(&args.open)?;
    let (signers, sign) = (keys::signers(&args.signers)?, keys::sign(args.sign_key.as_deref())?);
    let progress = Arc::new(Progress::new(args.output.json));
    let told = Arc::clone(&progress);
    let events = move |event| told.tell(event);
    let options = verify::Options { identities: identities.as_deref(), signers: &signers, verified_by: MADE_BY };
    let verified = verify(&from, options, &|| SystemClock.now(), &events).await;
    progress.end();
    let mut verify = verified.with_context(|| format!("{} can't be read", args.from))?.verify;
    if args.restore.is_some() && !matches!(from, Place::TarFile(_)) {
        // What an earlier check left is written anew, whatever it was of.
        verify.findings.retain(|it| it.object != format::VERIFY);
    }
    if let (Some(url), true) = (&args.restore, verify.holds()) {
        let database =
            DatabaseSettings::from_url(url, &source::Place { home: std::env::var_os("HOME").map(Into::into), ..Default::default() })?;
        let options = restore::Options {
            from: &from,
            identities,
            signers: &signers,
            database,
            duplicates: Duplicates::Refuse,
            mark: None,
            manifest_sha256: None,
            media_to: None,
            env_to: None,
        };
        let restored = restored(options, &events).await;
        progress.end();
        match restored? {
            Ok(rows) => verify.restored = Some(rows),
            Err(finding) => verify.findings.push(finding),
        }
    }
    if args.restore.is_some() {
        keep(&from, &verify, sign.as_ref(), args.output.json).await?;
    }
    conclude(&verify, args.output.json)
}

/// Into the scratch database: the rows of each table, or what of the bundle speaks against it.
async fn restored(options: restore::Options<'_>, told: &Told) -> anyhow::Result<Result<BTreeMap<String, u64>, Finding>> {
    match restore::restore(options, told).await {
        Ok(restored) => Ok(Ok(rows(&restored.loaded))),
        Err(error) if is_of_the_bundle(&error) => Ok(Err(failed(&anyhow::Error::from(error)))),
        Err(error) => Err(anyhow::Error::from(error).context("the scratch database can't be used")),
    }
}

fn conclude(verify: &Verify, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        print_json(verify)?;
    } else {
        for finding in &verify.findings {
            println!("{}", sentence(finding));
        }
        match (verify.holds(), verify.content_digest.filter(|_| is_opened(verify))) {
            (true, Some(digest)) => println!("All holds. Content {digest}"),
            (true, None) => println!("What could be read holds. What is sealed was not opened."),
            (false, _) => println!("This bundle is not what it says."),
        }
    }
    Ok(match (verify.holds(), is_opened(verify)) {
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(NOT_ALL),
        (false, _) => ExitCode::from(NOT_WELL),
    })
}

/// In the bundle, for whoever gets it. One that can't be written any more is as good as before; only whoever asked for a signature wants to know.
async fn keep(bundle: &Place, verify: &Verify, sign: Option<&SigningKey>, json: bool) -> anyhow::Result<()> {
    let said = serde_json::to_string_pretty(verify).context("a result is JSON")? + "\n";
    let signature = sign.map(|key| key.sign(said.as_bytes()).into());
    let kept = bundle.add_verify(said.into(), signature).await;
    match kept {
        Err(error @ (PlaceError::InTar { .. } | PlaceError::Io { .. } | PlaceError::Store { .. })) if sign.is_none() => {
            tell(json, "not_kept", &format!("VERIFY.json was not written: {error}"));
            Ok(())
        }
        kept => kept.context("VERIFY.json can't be written"),
    }
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
