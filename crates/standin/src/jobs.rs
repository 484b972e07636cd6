//! Sidekiq's own data in Redis: a list `queue:<name>` each, the set `queues`, the sorted set `retry`.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, RedisResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock;
use crate::config::RedisConfig;
use crate::crypto::random_hex;

pub const DELIVERY: &str = "ActivityPub::DeliveryWorker";
pub const PROCESSING: &str = "ActivityPub::ProcessingWorker";
pub const SELF_DESTRUCT: &str = "Scheduler::SelfDestructScheduler";
pub const INSTANCE_REFRESH: &str = "Scheduler::InstanceRefreshScheduler";
/// Ours: Mastodon gives a new account no avatar, but one real media file has to be there.
pub const AVATAR: &str = "StandIn::AvatarWorker";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub class: String,
    pub args: Vec<Value>,
    pub queue: String,
    pub jid: String,
    pub created_at: f64,
    pub enqueued_at: f64,
    /// Attempts after the first one.
    pub retry: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

impl Job {
    pub fn new(class: &str, queue: &str, retry: u32, args: Vec<Value>) -> Self {
        let now = seconds();
        Self {
            class: class.to_owned(),
            args,
            queue: queue.to_owned(),
            jid: random_hex(12),
            created_at: now,
            enqueued_at: now,
            retry,
            retry_count: None,
            error_message: None,
        }
    }
}

fn seconds() -> f64 {
    clock::now().timestamp_micros() as f64 / 1e6
}

/// What `Sidekiq::Stats` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub enqueued: i64,
    pub retries: i64,
}

#[derive(Clone)]
pub struct Jobs {
    connection: MultiplexedConnection,
}

/// How long a process waits for a job before it looks around.
const WAIT: Duration = Duration::from_secs(2);

const LOCK: Duration = Duration::from_secs(120);

fn lock_of(class: &str) -> String {
    format!("uniquejobs:{class}")
}

impl Jobs {
    pub async fn connect(config: &RedisConfig) -> RedisResult<Self> {
        let client = redis::Client::open(config.url.as_str())?;
        // A blocking pop answers late by design.
        let options = AsyncConnectionConfig::new().set_response_timeout(Some(WAIT * 3)).set_connection_timeout(Some(WAIT * 2));
        Ok(Self { connection: client.get_multiplexed_async_connection_with_config(&options).await? })
    }

    pub async fn push(&mut self, jobs: &[Job]) -> anyhow::Result<()> {
        // Redis takes no empty batch.
        if jobs.is_empty() {
            return Ok(());
        }
        let mut batch = redis::pipe();
        for job in jobs {
            batch.sadd("queues", &job.queue).ignore().lpush(format!("queue:{}", job.queue), serde_json::to_string(job)?).ignore();
        }
        Ok(batch.query_async(&mut self.connection).await?)
    }

    /// Pushes a job of which there is to be only one at a time (`lock: :until_executed`); a killed process's lock ends by itself.
    pub async fn push_alone(&mut self, job: &Job) -> anyhow::Result<()> {
        let mut lock = redis::cmd("SET");
        lock.arg(lock_of(&job.class)).arg(&job.jid).arg("NX").arg("EX").arg(LOCK.as_secs());
        let taken: Option<String> = lock.query_async(&mut self.connection).await?;
        if taken.is_some() { self.push(std::slice::from_ref(job)).await } else { Ok(()) }
    }

    pub async fn unlock(&mut self, class: &str) -> RedisResult<()> {
        self.connection.del(lock_of(class)).await
    }

    /// The next job of the first queue that has one; `None` after a while without any.
    pub async fn next(&mut self, queues: &[String]) -> anyhow::Result<Option<Job>> {
        let lists: Vec<String> = queues.iter().map(|queue| format!("queue:{queue}")).collect();
        let popped: Option<(String, String)> = self.connection.brpop(lists, WAIT.as_secs_f64()).await?;
        Ok(popped.map(|(_, text)| serde_json::from_str(&text)).transpose()?)
    }

    pub async fn retry_at(&mut self, job: &Job, delay: Duration) -> anyhow::Result<()> {
        let due = seconds() + delay.as_secs_f64();
        Ok(self.connection.zadd("retry", serde_json::to_string(job)?, due).await?)
    }

    /// Puts due retries back into their queues. Several processes may do it at once: whoever removes an entry, pushes it.
    pub async fn enqueue_due_retries(&mut self) -> anyhow::Result<()> {
        let due: Vec<String> = self.connection.zrangebyscore("retry", "-inf", seconds()).await?;
        for text in due {
            let removed: i64 = self.connection.zrem("retry", &text).await?;
            if removed == 1 {
                self.push(&[serde_json::from_str(&text)?]).await?;
            }
        }
        Ok(())
    }

    pub async fn stats(&mut self) -> RedisResult<Stats> {
        let queues: Vec<String> = self.connection.smembers("queues").await?;
        let mut stats = Stats { enqueued: 0, retries: self.connection.zcard("retry").await? };
        for queue in queues {
            stats.enqueued += self.connection.llen::<_, i64>(format!("queue:{queue}")).await?;
        }
        Ok(stats)
    }

    /// (used, most allowed): 0 where there is no limit.
    pub async fn memory(&mut self) -> RedisResult<(u64, u64)> {
        let info: String = redis::cmd("INFO").arg("memory").query_async(&mut self.connection).await?;
        let number = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0);
        let limit = [number("maxmemory:"), number("total_system_memory:")].into_iter().filter(|&limit| limit > 0).min();
        Ok((number("used_memory:"), limit.unwrap_or(0)))
    }

    pub async fn ping(&mut self) -> RedisResult<()> {
        redis::cmd("PING").query_async(&mut self.connection).await
    }

    pub async fn count_processed(&mut self, failed: bool) -> RedisResult<()> {
        let mut batch = redis::pipe();
        batch.incr("stat:processed", 1).ignore();
        if failed {
            batch.incr("stat:failed", 1).ignore();
        }
        batch.query_async(&mut self.connection).await
    }

    pub async fn flush_cache(&mut self) -> RedisResult<()> {
        let keys: Vec<String> = self.connection.keys("cache:*").await?;
        if keys.is_empty() { Ok(()) } else { self.connection.del(keys).await }
    }
}
