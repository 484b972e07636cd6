//! Work that runs in the worker, enqueued in the transaction that makes it necessary.
//!
//! Each job is a row of the queue with a small payload; it reads everything else from the record when it runs, so that it may
//! run late, twice, or after others. A business timer is a row that [`Tick`] compares with the clock, never a `run_at`.

mod billing;
mod delete_exports;
mod handlers;
mod look_outside;
mod resync_all;
mod send_mails;
mod sync_export;
mod sync_instance;
mod sync_pull;
mod tick;
mod verify_final_bundles;

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::queue::{JobOptions, enqueue};
use howdah_db::{Conn, QueryResult};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::worker::{WorkError, Worker};

pub use handlers::{Context, define};
pub(crate) use look_outside::ANOTHER_HOST;
pub(crate) use sync_export::recorded as recorded_export;
pub use sync_instance::manifest;
pub(crate) use verify_final_bundles::wrong_with as wrong_with_bundle;

/// Brings one server's Secrets and custom resource to what its row says now, or on its way out of the cluster. Syncs of one
/// server run one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncInstance {
    pub instance_id: Uuid,
    /// How often it was tried again because the cluster was away.
    #[serde(default)]
    pub attempt: u32,
}

/// Brings one export's custom resource to what its row says now. Syncs of one export run one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncExport {
    pub export_id: Uuid,
    /// How often it was tried again because the cluster was away.
    #[serde(default)]
    pub attempt: u32,
}

/// Begins a pull in a cluster, sees how far it is, and puts it away once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncPull {
    pub import_id: Uuid,
}

/// Looks after everything that time brings: holds and graces that end, operations that go on, mails that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {}

/// Looks from outside at servers and at the proofs of domains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookOutside {}

/// Syncs every server anew, spread over time, and reports orphans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResyncAll {}

/// Sends what waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMails {}

/// Deletes exports, and what was brought for imports, that were kept for their time: hours of requests, where they are large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteExports {}

/// Looks into final bundles of servers that have moved, before their data goes: many requests, where they are large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyFinalBundles {}

/// Handles what the payment provider told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandleBillingEvents {}

/// Looks after what the payment provider is asked by the hour and the day: many requests, where there are many customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingUpkeep {}

/// Looks after servers whose standing ends: what they may do, what their owners are told, and their removal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookAfterEndings {}

impl SyncInstance {
    pub const NAME: &'static str = "sync_instance";

    #[must_use]
    pub const fn of(instance_id: Uuid) -> Self {
        Self { instance_id, attempt: 0 }
    }

    /// What the worker does when its turn has come.
    ///
    /// # Errors
    /// What is worth a retry by the queue: everything that is wrong with the cluster is recorded, and no error.
    pub async fn work(self, worker: &Worker) -> Result<(), WorkError> {
        sync_instance::run(worker, self).await
    }

    /// As soon as this transaction commits; one that waits already is replaced.
    ///
    /// # Errors
    /// The query's.
    pub async fn enqueue(&self, conn: &mut Conn) -> QueryResult<()> {
        self.put(conn, &self.queue(), None).await
    }

    /// Once more after a while: 1 s, 2 s, 4 s … 15 s. Does not take the place of one that is asked for meanwhile.
    pub(crate) async fn enqueue_again(&self, conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<()> {
        let again = Self { attempt: self.attempt.saturating_add(1), ..*self };
        again.put(conn, &format!("{}:again", self.queue()), Some(now + pause(self.attempt))).await
    }

    pub(crate) async fn enqueue_at(&self, conn: &mut Conn, at: DateTime<Utc>) -> QueryResult<()> {
        self.put(conn, &format!("{}:resync", self.queue()), Some(at)).await
    }

    fn queue(&self) -> String {
        format!("sync:{}", self.instance_id)
    }

    async fn put(&self, conn: &mut Conn, key: &str, run_at: Option<DateTime<Utc>>) -> QueryResult<()> {
        let options = JobOptions { job_key: Some(key), queue: Some(&self.queue()), run_at, ..JobOptions::default() };
        enqueue(conn, Self::NAME, self, options).await
    }
}

impl SyncExport {
    pub const NAME: &'static str = "sync_export";

    #[must_use]
    pub const fn of(export_id: Uuid) -> Self {
        Self { export_id, attempt: 0 }
    }

    /// What the worker does when its turn has come.
    ///
    /// # Errors
    /// What is worth a retry by the queue.
    pub async fn work(self, worker: &Worker) -> Result<(), WorkError> {
        sync_export::run(worker, self).await
    }

    /// As soon as this transaction commits; one that waits already is replaced.
    ///
    /// # Errors
    /// The query's.
    pub async fn enqueue(&self, conn: &mut Conn) -> QueryResult<()> {
        self.put(conn, &self.queue(), None).await
    }

    /// Once more after a while, as a server's sync.
    pub(crate) async fn enqueue_again(&self, conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<()> {
        let again = Self { attempt: self.attempt.saturating_add(1), ..*self };
        again.put(conn, &format!("{}:again", self.queue()), Some(now + pause(self.attempt))).await
    }

    fn queue(&self) -> String {
        format!("export:{}", self.export_id)
    }

    async fn put(&self, conn: &mut Conn, key: &str, run_at: Option<DateTime<Utc>>) -> QueryResult<()> {
        let options = JobOptions { job_key: Some(key), queue: Some(&self.queue()), run_at, ..JobOptions::default() };
        enqueue(conn, Self::NAME, self, options).await
    }
}

impl SyncPull {
    pub const NAME: &'static str = "sync_pull";

    #[must_use]
    pub const fn of(import_id: Uuid) -> Self {
        Self { import_id }
    }

    /// What the worker does when its turn has come.
    ///
    /// # Errors
    /// What is worth a retry by the queue.
    pub async fn work(self, worker: &Worker) -> Result<(), WorkError> {
        sync_pull::run(worker, self).await
    }

    /// As soon as this transaction commits; one that waits already is replaced.
    ///
    /// # Errors
    /// The query's.
    pub async fn enqueue(&self, conn: &mut Conn) -> QueryResult<()> {
        self.put(conn, &self.queue(), None).await
    }

    /// Once more after a while: how far it is then.
    pub(crate) async fn enqueue_again(&self, conn: &mut Conn, at: DateTime<Utc>) -> QueryResult<()> {
        self.put(conn, &format!("{}:again", self.queue()), Some(at)).await
    }

    fn queue(&self) -> String {
        format!("pull:{}", self.import_id)
    }

    async fn put(&self, conn: &mut Conn, key: &str, run_at: Option<DateTime<Utc>>) -> QueryResult<()> {
        let options = JobOptions { job_key: Some(key), queue: Some(&self.queue()), run_at, ..JobOptions::default() };
        enqueue(conn, Self::NAME, self, options).await
    }
}

/// Before a sync is tried again.
fn pause(attempt: u32) -> TimeDelta {
    TimeDelta::seconds(2i64.saturating_pow(attempt).min(15))
}

/// A job of which one at a time is enough.
macro_rules! only_one {
    ($job:ident, $name:literal, $run:path) => {
        impl $job {
            pub const NAME: &'static str = $name;

            /// What the worker does when its turn has come.
            ///
            /// # Errors
            /// The record's.
            pub async fn work(self, worker: &Worker) -> Result<(), WorkError> {
                $run(worker, self).await
            }

            /// As soon as this transaction commits; one that waits already is replaced. Not tried again: the next one does
            /// the same.
            ///
            /// # Errors
            /// The query's.
            pub async fn enqueue(&self, conn: &mut Conn) -> QueryResult<()> {
                let options =
                    JobOptions { job_key: Some(Self::NAME), queue: Some(Self::NAME), max_attempts: Some(1), ..JobOptions::default() };
                enqueue(conn, Self::NAME, self, options).await
            }
        }
    };
}

only_one!(Tick, "tick", tick::run);
only_one!(LookOutside, "look_outside", look_outside::run);
only_one!(ResyncAll, "resync_all", resync_all::run);
only_one!(SendMails, "send_mails", send_mails::run);
only_one!(DeleteExports, "delete_exports", delete_exports::run);
only_one!(HandleBillingEvents, "handle_billing_events", billing::events);
only_one!(BillingUpkeep, "billing_upkeep", billing::upkeep);
only_one!(LookAfterEndings, "look_after_endings", billing::endings);
only_one!(VerifyFinalBundles, "verify_final_bundles", verify_final_bundles::run);
