//! `bin/rails runner SCRIPT`: the script is given to a real Ruby, with a shim in front that knows what our scripts use of Mastodon.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;

use crate::config::Config;

/// Where the image keeps the shim; tests have it elsewhere.
const SHIM: &str = "/opt/mastodon/standin/shim.rb";

/// Ends as Ruby: only a Ruby that can't be started comes back. That the environment was read is the boot that Rails would do first.
pub fn run(config: &Config, script: &[String]) -> anyhow::Result<()> {
    let shim = std::env::var("STANDIN_SHIM").unwrap_or_else(|_| SHIM.to_owned());
    let database = &config.database;
    let error = Command::new("ruby")
        .arg(shim)
        .args(script)
        .env("STANDIN_PG_HOST", &database.host)
        .env("STANDIN_PG_PORT", database.port.to_string())
        .env("STANDIN_PG_NAME", &database.name)
        .env("STANDIN_PG_USER", &database.user)
        .env("STANDIN_PG_PASSWORD", &database.password)
        .exec();
    Err(error).context("ruby can't be started")
}
