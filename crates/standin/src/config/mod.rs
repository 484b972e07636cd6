//! The environment, parsed: every process refuses to start where Mastodon would not work, and says each reason at once.
//!
//! Facts are from the documentation (DOC:admin/config.md) and from Mastodon's initializers. What the real one only gets wrong later
//! (no mail, no media) is refused here at the start, so that a manifest with a hole in it never looks well.

mod database;
mod identity;
mod mail;
mod reader;
mod redis;
mod storage;
#[cfg(test)]
mod tests;

pub use database::{DatabaseConfig, SslMode};
pub use identity::Identity;
pub use reader::{Env, Refusals};
pub use redis::RedisConfig;
pub use storage::{DiskConfig, S3Config, StorageConfig};
#[cfg(test)]
pub use tests::whole as whole_environment;

use std::time::Duration;

use reader::Reader;

use crate::faults::{BadSwitch, Faults};
use crate::version::{NotAVersion, Version};

/// Which process reads: a task needs no mail, and streaming is a program of its own that needs only the two stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    Web,
    Sidekiq,
    /// `rake`, `tootctl`, `rails runner`.
    Task,
}

/// What a Rails process knows.
#[derive(Clone, Debug)]
pub struct Config {
    pub version: Version,
    pub identity: Identity,
    pub database: DatabaseConfig,
    pub redis: RedisConfig,
    pub storage: StorageConfig,
    pub faults: Faults,
    pub port: u16,
    pub web_threads: usize,
    pub skip_post_migrations: bool,
    /// `DISABLE_DATABASE_ENVIRONMENT_CHECK`: a person insists on clearing a database that is in use.
    pub skip_environment_check: bool,
    pub self_destruct: Option<String>,
    pub self_destruct_interval: Duration,
    /// Seconds between the attempts of a failed job, in place of Sidekiq's growing ones.
    pub retry_after: Option<Duration>,
    pub ready_file: Option<String>,
}

/// What the streaming process knows.
#[derive(Clone, Debug)]
pub struct StreamingConfig {
    pub database: DatabaseConfig,
    pub redis: RedisConfig,
    pub faults: Faults,
    pub port: u16,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Refused(#[from] Refusals),
    #[error(transparent)]
    Switch(#[from] BadSwitch),
    #[error("STANDIN_VERSION: {0}")]
    Version(#[from] NotAVersion),
}

/// The release that is stood in for where the image does not say.
const DEFAULT_VERSION: &str = "4.5.11";

impl Config {
    pub fn read(env: &Env, process: Process) -> Result<Self, ConfigError> {
        let version: Version = env.get("STANDIN_VERSION").unwrap_or(DEFAULT_VERSION).parse()?;
        let faults = Faults::read(env)?;
        let mut reader = Reader::new(env);
        let identity = identity::read(&mut reader, version);
        let database = database::read(&mut reader);
        let redis = redis::read(&mut reader, version);
        let storage = storage::read(&mut reader);
        if process != Process::Task {
            mail::read(&mut reader);
        }
        let config = Self {
            version,
            port: reader.number("PORT", 3000),
            web_threads: reader.number("MAX_THREADS", 5),
            skip_post_migrations: env.get("SKIP_POST_DEPLOYMENT_MIGRATIONS").is_some(),
            skip_environment_check: env.get("DISABLE_DATABASE_ENVIRONMENT_CHECK").is_some(),
            self_destruct: env.get("SELF_DESTRUCT").map(str::to_owned),
            self_destruct_interval: Duration::from_secs(reader.number("STANDIN_SELF_DESTRUCT_INTERVAL_SECONDS", 60)),
            retry_after: env.get("STANDIN_RETRY_SECONDS").is_some().then(|| Duration::from_secs(reader.number("STANDIN_RETRY_SECONDS", 1))),
            ready_file: env.get("MASTODON_SIDEKIQ_READY_FILENAME").map(str::to_owned),
            faults,
            identity,
            database,
            redis,
            storage,
        };
        reader.finish()?;
        Ok(config)
    }

    pub fn read_streaming(env: &Env) -> Result<StreamingConfig, ConfigError> {
        let version: Version = env.get("STANDIN_VERSION").unwrap_or(DEFAULT_VERSION).parse()?;
        let mut reader = Reader::new(env);
        let config = StreamingConfig {
            database: database::read(&mut reader),
            redis: redis::read(&mut reader, version),
            faults: Faults::read(env)?,
            port: reader.number("PORT", 4000),
        };
        reader.finish()?;
        Ok(config)
    }
}
