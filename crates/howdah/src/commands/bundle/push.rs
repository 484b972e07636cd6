//! `howdah bundle push`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use howdah_bundle::push::{Host, Source, push};
use secrecy::SecretString;

use super::{place, print_json, progress::Progress, size};
use crate::args::bundle::PushArgs;

pub async fn run(args: PushArgs) -> anyhow::Result<ExitCode> {
    let host = Host::new(args.to.clone(), token(&args)?, &[])?;
    let from = Source::open(&place(&args.from)?).await?;
    let progress = Arc::new(Progress::new(args.output.json));
    let told = Arc::clone(&progress);
    let pushed = push(from, &host, &move |event| told.tell(event)).await;
    progress.end();
    let pushed = pushed.with_context(|| format!("{} is not all there", args.from))?;
    if args.output.json {
        print_json(&pushed)?;
    } else {
        eprintln!("It has arrived: {} files, {}; {} were there already.", pushed.files, size(pushed.bytes), pushed.kept);
        eprintln!("Go on at the import's page, or by the API: POST {}/look", args.to);
    }
    Ok(ExitCode::SUCCESS)
}

fn token(args: &PushArgs) -> anyhow::Result<SecretString> {
    let text = match &args.token_file {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?,
        None => std::env::var("HOWDAH_TOKEN").context("give --token-file, or set HOWDAH_TOKEN")?,
    };
    Ok(text.trim().to_owned().into())
}
