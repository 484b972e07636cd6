//! A transaction in which nothing of the database's owner's is looked up or waited for.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::connect::Connection;
use super::{DatabaseError, Limits};
use crate::source::DatabaseSettings;

/// A connection inside its one transaction, which ends with it.
pub struct Session {
    client: Client,
    driver: JoinHandle<()>,
}

impl Session {
    /// With a snapshot of its own, or in one that another session exported.
    pub async fn open(settings: &DatabaseSettings, limits: &Limits, snapshot: Option<&str>) -> Result<Self, DatabaseError> {
        let Connection { client, driver } = Connection::open(settings, limits.connect).await?;
        client.batch_execute(&beginning(limits, snapshot)).await.map_err(DatabaseError::query("a transaction on the database"))?;
        Ok(Self { client, driver })
    }

    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Ends the transaction and waits until the server knows.
    pub async fn close(self) {
        let Self { client, driver } = self;
        // An aborted one ends all the same.
        let _ = client.batch_execute("ROLLBACK").await;
        drop(client);
        let _ = driver.await;
    }
}

/// `SET LOCAL`, not session-wide and not at the start: also where somebody put a pooler between after all, it holds for this transaction.
///
/// Settings of newer servers are set where there are any; what the server doesn't know needs no setting. Sequential scans alone, since an
/// index may be corrupt, and what it misses would be missed here, too.
fn beginning(limits: &Limits, snapshot: Option<&str>) -> String {
    let milliseconds = |it: Duration| it.as_millis().min(i32::MAX as u128);
    // Only ever what a server gave, such as `00000003-0000001B-1`.
    let import = snapshot.map(|it| format!("SET TRANSACTION SNAPSHOT '{}';", it.replace('\'', "''"))).unwrap_or_default();
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
         {import}
         SET LOCAL search_path = '';
         SET LOCAL row_security = off;
         SET LOCAL statement_timeout = {statement};
         SET LOCAL lock_timeout = {lock};
         SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL enable_indexscan = off;
         SET LOCAL enable_indexonlyscan = off;
         SET LOCAL enable_bitmapscan = off;
         SET LOCAL constraint_exclusion = off;
         SET LOCAL jit = off;
         SELECT pg_catalog.set_config(known.name, wanted.setting, true)
           FROM pg_catalog.pg_settings AS known
           JOIN (VALUES ('restrict_nonsystem_relation_kind', 'view,foreign-table'), ('transaction_timeout', '0'), ('idle_session_timeout', '0'))
             AS wanted (name, setting) ON known.name = wanted.name;",
        statement = milliseconds(limits.statement),
        lock = milliseconds(limits.lock),
    )
}
