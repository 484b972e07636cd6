//! The control plane's PostgreSQL, looked at from beside: what the API does not tell.

use anyhow::{Context, Result};
use howdah_domain::InstanceId;
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, NoTls};

use crate::Stack;

pub struct Record {
    client: Client,
}

impl Record {
    pub async fn open(stack: &Stack) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(&stack.database_url, NoTls).await.context("the control plane's PostgreSQL")?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// How many servers have this domain, tombstones too.
    pub async fn servers_with(&self, domain: &str) -> Result<i64> {
        Ok(self.client.query_one("select count(*) from instances where domain = $1", &[&domain]).await?.get(0))
    }

    /// The digest of each sealed secret as it lies there: what is never made anew never changes.
    pub async fn sealed(&self, id: InstanceId) -> Result<Vec<String>> {
        let rows = self
            .client
            .query("select row_to_json(s)::text from identity_secrets s where instance_id = $1 order by 1", &[&id.as_uuid()])
            .await?;
        Ok(rows.iter().map(|it| format!("{:x?}", Sha256::digest(it.get::<_, String>(0)))).collect())
    }

    /// What is left that should not be there of a server that is gone.
    pub async fn leftovers(&self, id: InstanceId) -> Result<Vec<String>> {
        let mut left = Vec::new();
        let row = self.client.query_opt("select tombstoned_at is not null from instances where id = $1", &[&id.as_uuid()]).await?;
        if row.is_some_and(|it| !it.get::<_, bool>(0)) {
            left.push(format!("record: {id} is no tombstone"));
        }
        for (what, query) in [
            ("owner bootstraps", "select count(*) from owner_bootstrap where instance_id = $1"),
            ("sealed secrets", "select count(*) from identity_secrets where instance_id = $1"),
            ("live operations", "select count(*) from operations where instance_id = $1 and state in ('queued', 'running')"),
        ] {
            let count: i64 = self.client.query_one(query, &[&id.as_uuid()]).await.with_context(|| what)?.get(0);
            if count > 0 {
                left.push(format!("record: {count} {what} of {id}"));
            }
        }
        Ok(left)
    }

    /// Runs a statement; tells how many rows it changed.
    pub async fn execute(&self, statement: &str) -> Result<u64> {
        self.client.execute(statement, &[]).await.with_context(|| statement.to_owned())
    }
}
