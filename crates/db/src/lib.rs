//! The business record: tables, queries named for the question they answer, and the job queue beside them.
//!
//! Everything that a use case changes, it changes in one [`transaction`] together with its audit entry and the jobs that it
//! [`queue::enqueue`]s. Queries live on models and take `&mut Conn`; none of them opens a transaction, and no other crate names
//! diesel. This crate must not know HTTP, Kubernetes or Stripe.

pub mod lock;
pub mod migrate;
pub mod models;
pub mod pool;
pub mod queue;
#[rustfmt::skip]
pub mod schema;
pub mod seal;
mod tls;

mod error;
mod transaction;

pub use diesel::result::{Error as QueryError, OptionalExtension, QueryResult};
pub use error::{Corrupt, QueryErrorExt};
pub use migrate::migrate;
pub use pool::{Database, Pooled, Unavailable};
pub use transaction::transaction;

/// One connection, inside or outside a transaction.
pub type Conn = diesel_async::AsyncPgConnection;
