//! The server's database, in one snapshot.

mod catalogue;
mod checks;
mod connect;
mod count;
mod error;
mod facts;
mod known;
mod server;
mod session;
mod snapshot;
mod tls;

pub(crate) use connect::Connection;
pub use error::DatabaseError;
pub use facts::Facts;
pub(super) use facts::LONGEST_CIPHERTEXT;
pub(super) use known::ENCRYPTED;
pub use snapshot::{Limits, Snapshot};
