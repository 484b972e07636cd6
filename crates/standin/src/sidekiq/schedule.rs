//! The schedule, and the self-destruct that replaces it (UP:app/workers/scheduler/self_destruct_scheduler.rb).
//!
//! It runs only where `scheduler` is listened to: two such processes would do everything twice.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio_postgres::Client;

use crate::config::Config;
use crate::delivery::delivery;
use crate::jobs::{INSTANCE_REFRESH, Job, Jobs, SELF_DESTRUCT};
use crate::objects;

const MOST_ACCOUNTS_A_PASS: i64 = 50;
const MOST_ENQUEUED: i64 = 10_000;
const HOUR: Duration = Duration::from_secs(3600);

pub async fn run(config: Arc<Config>, self_destructing: bool, mut stopping: watch::Receiver<bool>) {
    let (class, every) = if self_destructing { (SELF_DESTRUCT, config.self_destruct_interval) } else { (INSTANCE_REFRESH, HOUR) };
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = stopping.changed() => return,
        }
        let job = Job::new(class, "scheduler", 0, Vec::new());
        let enqueue = async { Jobs::connect(&config.redis).await?.push_alone(&job).await };
        if let Err(error) = enqueue.await {
            tracing::error!("{class} can't be enqueued: {error:#}");
        }
    }
}

/// Up to fifty accounts say to every known server that they are gone, and count as suspended from then on. Nothing is deleted here.
pub async fn self_destruct_pass(client: &Client, config: &Config, jobs: &mut Jobs) -> anyhow::Result<()> {
    if overwhelmed(jobs).await? {
        return Ok(());
    }
    let inboxes = known_inboxes(client).await?;
    let pending = "SELECT id, username FROM accounts WHERE domain IS NULL AND suspended_at IS NULL ORDER BY id LIMIT $1";
    for account in client.query(pending, &[&MOST_ACCOUNTS_A_PASS]).await? {
        say_farewell(client, config, jobs, account.get(0), account.get(1), &inboxes).await?;
    }
    if overwhelmed(jobs).await? {
        return Ok(());
    }
    let requested = "SELECT a.id, a.username FROM accounts a JOIN account_deletion_requests r ON r.account_id = a.id
                     WHERE a.domain IS NULL AND a.suspended_at IS NOT NULL LIMIT $1";
    for account in client.query(requested, &[&MOST_ACCOUNTS_A_PASS]).await? {
        let id: i64 = account.get(0);
        say_farewell(client, config, jobs, id, account.get(1), &inboxes).await?;
        client.execute("DELETE FROM account_deletion_requests WHERE account_id = $1", &[&id]).await?;
    }
    Ok(())
}

async fn say_farewell(
    client: &Client,
    config: &Config,
    jobs: &mut Jobs,
    id: i64,
    username: &str,
    inboxes: &[String],
) -> anyhow::Result<()> {
    let activity: Value = objects::delete_actor(username, &config.identity);
    let notices: Vec<Job> = inboxes.iter().map(|inbox| delivery(&activity, id, inbox)).collect();
    jobs.push(&notices).await?;
    client.execute("UPDATE accounts SET suspended_at = now() AT TIME ZONE 'utc', suspension_origin = 0 WHERE id = $1", &[&id]).await?;
    Ok(())
}

/// A shared inbox stands for all accounts of its server; servers that were given up are left alone.
async fn known_inboxes(client: &Client) -> Result<Vec<String>, tokio_postgres::Error> {
    let rows = client
        .query(
            "SELECT DISTINCT COALESCE(NULLIF(shared_inbox_url, ''), inbox_url) FROM accounts
             WHERE domain IS NOT NULL AND COALESCE(NULLIF(shared_inbox_url, ''), inbox_url) <> ''
               AND domain NOT IN (SELECT domain FROM unavailable_domains)",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn overwhelmed(jobs: &mut Jobs) -> anyhow::Result<bool> {
    let (used, most) = jobs.memory().await?;
    Ok(jobs.stats().await?.enqueued > MOST_ENQUEUED || (most > 0 && used > most / 2))
}
