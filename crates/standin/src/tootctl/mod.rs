//! `bin/tootctl`: the commands that the control plane calls, with the answers that it reads.

mod accounts;
mod maintenance;
mod media;
mod self_destruct;

use std::fmt::Write as _;

use anyhow::Context;

use crate::command::Call;
use crate::config::Config;
use crate::database;
use crate::faults::Fault;

/// What `fail_with_message` and `report_errors` do: the text, and exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    fn because(text: impl Into<String>) -> anyhow::Error {
        Self(text.into()).into()
    }
}

pub async fn run(config: Config, call: Call) -> anyhow::Result<()> {
    let words: Vec<&str> = call.words.iter().map(String::as_str).collect();
    if let ["version"] = words[..] {
        println!("{}", config.version);
        return Ok(());
    }
    let mut client = database::connect(&config.database).await.context("PG::ConnectionBad")?;
    match words[..] {
        ["accounts", verb, ref rest @ ..] => {
            config.faults.fail_at(Fault::Owner)?;
            accounts::run(&mut client, &config, verb, rest, &call).await
        }
        ["settings", "registrations", mode] => {
            config.faults.fail_at(Fault::Configure)?;
            maintenance::registrations(&client, mode, call.has("require-reason")).await
        }
        ["media", "usage"] => media::usage(&client).await,
        ["media", "remove"] => media::remove(&client, &config, &call).await,
        ["cache", "clear"] => maintenance::cache_clear(&config).await,
        ["feeds", "build"] => maintenance::feeds_build(&client, None, dry_run_suffix(&call)).await,
        ["feeds", "build", username] if !call.has("all") => maintenance::feeds_build(&client, Some(username), dry_run_suffix(&call)).await,
        ["search", "deploy"] => maintenance::search_deploy(&client, &call).await,
        ["self-destruct"] => self_destruct::run(&client, &config).await,
        _ => Err(Refused::because(unknown(&words))),
    }
}

fn dry_run_suffix(call: &Call) -> &'static str {
    if call.has("dry-run") { " (DRY RUN)" } else { "" }
}

fn unknown(words: &[&str]) -> String {
    let mut text = String::from("Could not find command ");
    write!(text, "{:?}.", words.join(" ")).expect("a string takes all text");
    text
}
