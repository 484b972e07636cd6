//! The tenants' database server: which databases and roles are there, and what lies in one.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use howdah_domain::InstanceId;
use tokio_postgres::{Client, Config, NoTls};

use crate::Stack;

#[derive(Clone)]
pub struct Tenants {
    provisioner: Config,
}

impl Tenants {
    pub fn new(stack: &Stack) -> Result<Self> {
        Ok(Self { provisioner: stack.tenant_database_url.parse()? })
    }

    /// As the provisioner.
    pub async fn provisioner(&self) -> Result<Client> {
        open(&self.provisioner).await
    }

    /// As this server's own role.
    pub async fn own(&self, id: InstanceId, password: &str) -> Result<Client> {
        let name = id.resource_name();
        open(self.provisioner.clone().user(&name).password(password).dbname(&name)).await
    }

    pub async fn leftovers(&self, id: InstanceId) -> Result<Vec<String>> {
        let client = self.provisioner().await?;
        let query = "select 'database' from pg_database where datname = $1 union all select 'role' from pg_roles where rolname = $1";
        let rows = client.query(query, &[&id.resource_name()]).await?;
        Ok(rows.iter().map(|it| format!("{} {}", it.get::<_, String>(0), id.resource_name())).collect())
    }

    /// Each table's rows in one digest.
    pub async fn digests(&self, id: InstanceId, password: &str) -> Result<BTreeMap<String, String>> {
        let client = self.own(id, password).await?;
        let tables = client.query("select tablename::text from pg_tables where schemaname = 'public' order by 1", &[]).await?;
        let mut digests = BTreeMap::new();
        for table in tables {
            let table: String = table.get(0);
            let query =
                format!("select count(*)::text || ' ' || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t");
            digests.insert(table, client.query_one(&query, &[]).await?.get(0));
        }
        Ok(digests)
    }

    /// Lets the server's role in, or keeps it out; sessions that are open end.
    pub async fn let_in(&self, id: InstanceId, let_in: bool) -> Result<()> {
        let client = self.provisioner().await?;
        let name = id.resource_name();
        let login = if let_in { "LOGIN" } else { "NOLOGIN" };
        client.batch_execute(&format!("alter role \"{name}\" {login}")).await?;
        if !let_in {
            client.batch_execute(&format!("set role \"{name}\"")).await?;
            client.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", &[&name]).await?;
        }
        Ok(())
    }
}

async fn open(config: &Config) -> Result<Client> {
    let (client, connection) = config.connect(NoTls).await.context("the tenants' PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}
