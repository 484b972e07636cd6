//! Howdah's own processes, configured for the stack, with the rights they have in production.

use std::{path::PathBuf, process::Command};

use anyhow::Result;
use serde_json::{Value, json};

use super::{Stack, tools::Tools};
use crate::shell;

impl Stack {
    /// Builds what the stack runs and packs into images.
    pub fn build_binaries(&self) -> Result<()> {
        self.progress.step("building Howdah (minutes the first time)", || {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.current_dir(&self.places.checkout).args(["build", "--quiet", "-p", "howdah", "-p", "howdah-standin"]);
            shell::visible(&mut cargo)
        })
    }

    pub fn binary(&self, name: &str) -> PathBuf {
        self.places.target.join("debug").join(name)
    }

    pub fn start_howdah(&self, _tools: &Tools) -> Result<()> {
        Ok(())
    }

    pub fn stop_howdah(&self) -> Result<()> {
        Ok(())
    }

    pub fn howdah_facts(&self) -> Result<Value> {
        Ok(json!({}))
    }
}
