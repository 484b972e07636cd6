//! Addresses that somebody else wrote down, and connections to them: to the public internet alone.
//!
//! Whoever names a URL must not reach what only this machine reaches: a metadata service, a database, the cluster. So addresses are checked
//! inside the resolver of the client, for each connection anew (a name may lead elsewhere the second time), and a host that is an address
//! itself, which no resolver sees, wherever a URL is taken: the first, and that of each redirect. No proxy of the machine's is used.

mod address;
mod allowed;
mod bucket;
mod fetch;
mod guard;

pub use address::is_public;
pub use allowed::{Allowed, Network};
pub use bucket::{Bucket, Step, Trouble};
pub use fetch::{FetchError, Remote};
pub use guard::{Guard, Refused, Resolved, check};
/// An authority that is trusted besides the public ones.
pub use reqwest::Certificate;

pub(crate) use guard::Connector;
