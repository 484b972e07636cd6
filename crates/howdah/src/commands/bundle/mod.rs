//! `howdah bundle …`: the command line around `howdah_bundle`. Results go to standard output, progress and events to standard error.

mod create;
mod inspect;
mod job;
mod keys;
mod outside;
mod progress;
mod pull;
mod push;
mod restore;
mod verify;

use std::process::ExitCode;

use anyhow::Context as _;
use howdah_bundle::place::{Location, Place};
use howdah_bundle::s3::S3Settings;

use crate::args::bundle::BundleCommand;

/// As `MANIFEST.json` names who made a bundle.
const MADE_BY: &str = concat!("howdah ", env!("CARGO_PKG_VERSION"));

/// Before the variables of a bundle's place.
const PREFIX: &str = "HOWDAH_BUNDLE_";

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
        BundleCommand::Push(args) => push::run(args).await,
        BundleCommand::Pull(args) => pull::run(args).await,
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
    Ok(S3Settings::from_variables(variable(|name| std::env::var(name).ok()))?)
}

/// How a place in S3 is reached. Beside a server's own environment `AWS_…` are the variables of its media: where there are any with
/// `HOWDAH_BUNDLE_` before them, those count, and none of the others.
fn variable(outer: impl Fn(&str) -> Option<String>) -> impl Fn(&str) -> Option<String> {
    let own = |name: &str| outer(&format!("{PREFIX}{name}"));
    let has_own = own("AWS_ACCESS_KEY_ID").is_some() || own("AWS_ENDPOINT_URL").is_some();
    let prefix = if has_own { PREFIX } else { "" };
    move |name| outer(&format!("{prefix}{name}"))
}

/// Media's bucket, beside a bundle in S3: by the usual names, where they are set; else both lie in one service.
fn media_s3() -> anyhow::Result<S3Settings> {
    Ok(S3Settings::from_variables(media_variable(|name| std::env::var(name).ok()))?)
}

fn media_variable(outer: impl Fn(&str) -> Option<String>) -> impl Fn(&str) -> Option<String> {
    let is_usual = outer("AWS_ACCESS_KEY_ID").is_some() || outer("AWS_ENDPOINT_URL").is_some();
    let prefix = if is_usual { "" } else { PREFIX };
    move |name| outer(&format!("{prefix}{name}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundles_own_variables_are_not_mixed_with_the_servers() {
        let all = [("AWS_ACCESS_KEY_ID", "media"), ("AWS_SESSION_TOKEN", "of media"), ("HOWDAH_BUNDLE_AWS_ACCESS_KEY_ID", "bundle")];
        let of = |given: &'static [(&'static str, &'static str)]| {
            variable(move |name| given.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned()))
        };
        let (beside, alone) = (of(Box::leak(Box::new(all))), of(&[("AWS_ACCESS_KEY_ID", "media")]));
        assert_eq!((beside("AWS_ACCESS_KEY_ID").as_deref(), beside("AWS_SESSION_TOKEN")), (Some("bundle"), None));
        assert_eq!(alone("AWS_ACCESS_KEY_ID").as_deref(), Some("media"));
    }

    #[test]
    fn media_is_reached_by_the_usual_variables_where_there_are_any() {
        let of = |given: &'static [(&'static str, &'static str)]| {
            media_variable(move |name| given.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned()))
        };
        let beside =
            of(&[("AWS_ACCESS_KEY_ID", "media"), ("HOWDAH_BUNDLE_AWS_ACCESS_KEY_ID", "bundle"), ("HOWDAH_BUNDLE_AWS_REGION", "x")]);
        assert_eq!((beside("AWS_ACCESS_KEY_ID").as_deref(), beside("AWS_REGION")), (Some("media"), None));
        assert_eq!(of(&[("HOWDAH_BUNDLE_AWS_ACCESS_KEY_ID", "bundle")])("AWS_ACCESS_KEY_ID").as_deref(), Some("bundle"));
    }
}
