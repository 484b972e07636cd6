//! The control plane's PostgreSQL, looked at from beside: what the API does not tell.

use anyhow::{Context, Result, ensure};
use howdah_domain::InstanceId;
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::Stack;
use crate::wait::{seconds, until};

/// Asked over a new connection each time: a test waits for its turn while another takes PostgreSQL away.
pub struct Record {
    url: String,
}

impl Record {
    pub async fn open(stack: &Stack) -> Result<Self> {
        let record = Self { url: stack.database_url.clone() };
        record.client().await?;
        Ok(record)
    }

    async fn client(&self) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.context("the control plane's PostgreSQL")?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// How many servers have this domain, tombstones too.
    pub async fn servers_with(&self, domain: &str) -> Result<i64> {
        Ok(self.client().await?.query_one("select count(*) from instances where domain = $1", &[&domain]).await?.get(0))
    }

    /// The digest of each sealed secret as it lies there: what is never made anew never changes.
    pub async fn sealed(&self, id: InstanceId) -> Result<Vec<String>> {
        let rows = self
            .client()
            .await?
            .query("select row_to_json(s)::text from identity_secrets s where instance_id = $1 order by 1", &[&id.as_uuid()])
            .await?;
        Ok(rows.iter().map(|it| format!("{:x?}", Sha256::digest(it.get::<_, String>(0)))).collect())
    }

    /// What is left that should not be there of a server that is gone.
    pub async fn leftovers(&self, id: InstanceId) -> Result<Vec<String>> {
        let mut left = Vec::new();
        let row = self.client().await?.query_opt("select tombstoned_at is not null from instances where id = $1", &[&id.as_uuid()]).await?;
        if row.is_some_and(|it| !it.get::<_, bool>(0)) {
            left.push(format!("record: {id} is no tombstone"));
        }
        for (what, query) in [
            ("owner bootstraps", "select count(*) from owner_bootstrap where instance_id = $1"),
            ("sealed secrets", "select count(*) from identity_secrets where instance_id = $1"),
            ("live operations", "select count(*) from operations where instance_id = $1 and state in ('queued', 'running')"),
        ] {
            let count: i64 = self.client().await?.query_one(query, &[&id.as_uuid()]).await.with_context(|| what)?.get(0);
            if count > 0 {
                left.push(format!("record: {count} {what} of {id}"));
            }
        }
        Ok(left)
    }

    /// The server of this domain that is not gone.
    pub async fn find(&self, domain: &str) -> Result<Option<InstanceId>> {
        let row =
            self.client().await?.query_opt("select id from instances where domain = $1 and tombstoned_at is null", &[&domain]).await?;
        Ok(row.map(|it| InstanceId::from_uuid(it.get(0))))
    }

    /// Whether this is true of its row.
    pub async fn says(&self, id: InstanceId, condition: &str) -> Result<bool> {
        let query = format!("select exists (select from instances where id = $1 and {condition})");
        Ok(self.client().await?.query_one(&query, &[&id.as_uuid()]).await?.get(0))
    }

    /// The grace period of a server that is leaving ends now.
    pub async fn end_grace(&self, id: InstanceId) -> Result<()> {
        self.change("update instances set desired_after = now() where id = $1 and desired_kind = 'deleted'", id).await
    }

    /// As if the year were over in which its media host leads to another host.
    pub async fn end_redirects(&self, id: InstanceId) -> Result<()> {
        self.change("update moves_out set moved_out_until = now() where instance_id = $1", id).await
    }

    /// From now on it is to run this image, which the worker is told.
    pub async fn use_image(&self, id: InstanceId, image: &str) -> Result<()> {
        ensure!(image.chars().all(|it| it.is_ascii_alphanumeric() || "/:.-".contains(it)), "{image} is no image");
        let images = format!("image_mastodon = '{image}', image_streaming = '{image}'");
        self.change(&format!("update instances set {images}, revision = revision + 1 where id = $1"), id).await?;
        let job = "select graphile_worker.add_job('sync_instance', payload := json_build_object('instance_id', $1::uuid))";
        self.client().await?.execute(job, &[&id.as_uuid()]).await.map(drop).context("enqueue a sync")
    }

    /// Rows for pages to show, and their end: only what nothing else works on.
    pub async fn write(&self, statements: &str) -> Result<()> {
        Ok(self.client().await?.batch_execute(statements).await?)
    }

    /// The newest mail to this address, by its reference.
    pub async fn mail_to(&self, address: &str) -> Result<Uuid> {
        let query = "select id from mail_outbox where recipient = $1 order by created_at desc limit 1";
        let row = self.client().await?.query_opt(query, &[&address]).await?;
        Ok(row.with_context(|| format!("no mail to {address} was written"))?.get(0))
    }

    async fn change(&self, statement: &str, id: InstanceId) -> Result<()> {
        let changed = self.client().await?.execute(statement, &[&id.as_uuid()]).await.with_context(|| statement.to_owned())?;
        ensure!(changed == 1, "no such row: {statement}");
        Ok(())
    }

    /// A resync of everything, to its end.
    pub async fn resync(&self) -> Result<()> {
        self.client().await?.execute("select graphile_worker.add_job('resync_all', payload := '{}')", &[]).await?;
        until("every server is synced", seconds(120), async || {
            let query = "select count(*) from graphile_worker.jobs where task_identifier in ('resync_all', 'sync_instance')";
            let left: i64 = self.client().await?.query_one(query, &[]).await?.get(0);
            ensure!(left == 0, "{left} jobs wait");
            Ok(())
        })
        .await
    }

    /// As if a killed worker had been gone for long: whoever comes next takes its jobs at once.
    pub async fn miss_workers(&self) -> Result<()> {
        let missed = "update graphile_worker._private_workers set last_heartbeat_at = now() - interval '1 hour'";
        self.client().await?.execute(missed, &[]).await.map(drop).context("the queue's workers")
    }
}
