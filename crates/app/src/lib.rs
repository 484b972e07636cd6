//! What Howdah does: use cases, jobs, and the observer that reads the clusters back.
//!
//! A use case checks the actor's rights first, changes the record in one transaction together with its audit entry and the jobs
//! that follow from it, and returns a view. It never talks to a cluster: only jobs and the observer do, through `ports`. What
//! goes wrong is an [`Error`] of a dozen meanings; internals never reach its outside text. This crate knows no HTTP framework, no
//! page and no SQL.

pub mod account;
pub mod activity;
pub mod adapters;
pub mod admin;
pub mod authz;
pub mod billing;
pub mod config;
pub mod error;
pub mod exports;
pub mod fleet;
pub mod idempotency;
pub mod imports;
pub mod incidents;
pub mod instances;
pub mod jobs;
pub mod mails;
pub mod members;
pub mod metrics;
pub mod observer;
pub mod operations;
pub mod passkeys;
pub mod ports;
pub mod profile;
pub mod reset;
pub mod sealed;
pub mod second_factor;
pub mod sessions;
pub mod settings;
pub mod sign_up;
pub mod tokens;
pub mod upkeep;
pub mod worker;

mod bearer;
mod excess;
mod identity;
mod limits;
mod links;
mod own_bucket;
mod passwords;
mod people;
mod progress;
mod random;
mod text;

use std::fmt;
use std::sync::Arc;

use crate::ports::{Bundles, OwnBuckets};
use chrono::{DateTime, Utc};
use howdah_db::seal::KeyRing;
use howdah_db::{Database, Pooled};
use howdah_domain::{Clock, Plans, Randomness, Releases};

pub use authz::{Actor, Role, Scope};
pub use config::Config;
pub use error::{Error, FieldError};
pub use excess::Excess;
pub use howdah_db::models::instance::Page;
pub use idempotency::{IdempotencyKey, Once};
pub use own_bucket::BucketRequest;
pub use random::OsRandomness;

/// What every use case needs.
#[derive(Clone)]
pub struct App {
    pub database: Database,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    /// Opens and seals what lies sealed in the record.
    pub keys: Arc<KeyRing>,
    pub plans: Arc<Plans>,
    pub releases: Arc<Releases>,
    pub config: Arc<Config>,
    /// Absent where exports are not handed out by links, and whoever runs the platform deletes them.
    pub bundles: Option<Arc<dyn Bundles>>,
    /// Absent where operators grant servers, and nothing is paid.
    pub billing: Option<Arc<billing::Billing>>,
    /// Where customers' own buckets are tried out.
    pub own_buckets: Arc<dyn OwnBuckets>,
}

impl App {
    pub(crate) async fn conn(&self) -> Result<Pooled, Error> {
        Ok(self.database.conn().await?)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("clock", &self.clock).finish_non_exhaustive()
    }
}
