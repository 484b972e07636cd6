//! `howdah bundle …`: the command line around `howdah_bundle`. Results go to standard output, progress and events to standard error.

mod create;
mod inspect;
mod keys;
mod progress;
mod restore;
mod verify;

use std::process::ExitCode;

use anyhow::Context as _;
use howdah_bundle::place::{Location, Place};
use howdah_bundle::s3::S3Settings;

use crate::args::bundle::BundleCommand;

/// As `MANIFEST.json` names who made a bundle.
const MADE_BY: &str = concat!("howdah ", env!("CARGO_PKG_VERSION"));

/// What was looked at is not what it says.
const NOT_WELL: u8 = 1;
/// What could be read holds, and not all could.
const NOT_ALL: u8 = 3;

/// # Errors
/// What could not be done at all: exit code 2.
pub async fn run(command: BundleCommand) -> ExitCode {
    let json = command.json();
    let done = match command {
        BundleCommand::Create(args) => create::run(*args).await,
        BundleCommand::Inspect(args) => inspect::run(args).await,
        BundleCommand::Verify(args) => verify::run(args).await,
        BundleCommand::Restore(args) => restore::run(*args).await,
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            let sentence = sentence(&error);
            tell(json, "failed", &if json { sentence } else { format!("error: {sentence}") });
            ExitCode::from(2)
        }
    }
}

/// Of the run as a whole, on standard error.
fn tell(json: bool, event: &str, sentence: &str) {
    if json {
        eprintln!("{}", serde_json::json!({ "event": event, "sentence": sentence }));
    } else {
        eprintln!("{sentence}");
    }
}

/// With its causes, but for those that a sentence before has named already.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn place(location: &Location) -> anyhow::Result<Place> {
    let s3 = match location {
        Location::S3 { .. } => Some(s3()?),
        _ => None,
    };
    Ok(Place::at(location, s3.as_ref())?)
}

fn s3() -> anyhow::Result<S3Settings> {
    Ok(S3Settings::from_variables(|name| std::env::var(name).ok())?)
}

fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(value).context("a result is JSON")?);
    Ok(())
}

/// What a bundle says, as a terminal may show it.
fn shown(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { char::REPLACEMENT_CHARACTER } else { it }).collect()
}

/// Such as `12.4 GB`.
fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}
