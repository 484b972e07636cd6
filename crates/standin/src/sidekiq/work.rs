//! One job: done, retried later with growing pauses, or given up.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::schedule;
use crate::config::Config;
use crate::crypto::random_bytes;
use crate::database::Pool;
use crate::delivery;
use crate::jobs::{AVATAR, DELIVERY, INSTANCE_REFRESH, Job, Jobs, PROCESSING, SELF_DESTRUCT};
use crate::media;
use crate::net;
use crate::web::self_destructing;

pub struct Worker {
    config: Arc<Config>,
    database: Pool,
    http: reqwest::Client,
    pub self_destructing: bool,
}

impl Worker {
    pub fn new(config: Arc<Config>, threads: usize) -> anyhow::Result<Self> {
        Ok(Self {
            database: Pool::new(&config.database, threads.min(config.database.pool)),
            http: net::client(config.version, &config.identity.web_domain)?,
            self_destructing: self_destructing(&config),
            config,
        })
    }

    pub async fn perform(&self, mut jobs: Jobs, mut job: Job) {
        let outcome = self.attempt(&mut jobs, &job).await;
        if let Err(error) = jobs.count_processed(outcome.is_err()).await {
            tracing::warn!("{} can't be counted: {error}", job.jid);
        }
        let Err(error) = outcome else {
            return;
        };
        tracing::warn!("{} {} failed: {error:#}", job.class, job.jid);
        let count = job.retry_count.map_or(0, |count| count + 1);
        if count >= job.retry {
            tracing::error!("{} {} is given up", job.class, job.jid);
            return;
        }
        job.retry_count = Some(count);
        job.error_message = Some(format!("{error:#}"));
        let pause = self.config.retry_after.unwrap_or_else(|| pause_before(count));
        if let Err(error) = jobs.retry_at(&job, pause).await {
            tracing::error!("{} {} is lost: {error:#}", job.class, job.jid);
        }
    }

    async fn attempt(&self, jobs: &mut Jobs, job: &Job) -> anyhow::Result<()> {
        let client = self.database.get().await?;
        match job.class.as_str() {
            DELIVERY => delivery::deliver(&self.http, &client, &self.config, &job.args).await,
            PROCESSING => {
                let activity = job.args.first().context("no activity")?;
                match delivery::process(&self.http, &client, &self.config, activity).await? {
                    Some(answer) => jobs.push(&[answer]).await,
                    None => Ok(()),
                }
            }
            AVATAR => {
                let account = job.args.first().and_then(Value::as_i64).context("no account")?;
                media::give_avatar(&self.http, &client, &self.config, account).await
            }
            SELF_DESTRUCT | INSTANCE_REFRESH => {
                let passed = match job.class.as_str() {
                    SELF_DESTRUCT if self.self_destructing => schedule::self_destruct_pass(&client, &self.config, jobs).await,
                    _ => Ok(()),
                };
                jobs.unlock(&job.class).await?;
                passed
            }
            unknown => bail!("NameError: uninitialized constant {unknown}"),
        }
    }
}

/// Sidekiq's: the fourth power of the count, and some seconds by chance so that not all come at once.
fn pause_before(count: u32) -> Duration {
    let chance = u64::from(random_bytes(1)[0]) % 10;
    Duration::from_secs(u64::from(count).pow(4) + 15 + chance * u64::from(count + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow() {
        assert!((15..25).contains(&pause_before(0).as_secs()));
        assert!((640..=694).contains(&pause_before(5).as_secs()));
    }
}
