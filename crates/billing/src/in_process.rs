//! Stripe's counterpart in the same process: requests that are built, keyed and read like all others, and go over no wire and wait for no
//! limit. For tests that play histories by the ten thousand.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::Stripe;
use crate::transport::Transport;

/// A request as it would go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// `GET`, `POST`, `DELETE`
    pub method: String,
    /// `/v1/customers`
    pub path: String,
    /// The query, or the body of a POST, as it is encoded.
    pub form: String,
    pub key: Option<String>,
}

/// An answer as it would come back.
#[derive(Debug, Clone)]
pub struct Got {
    pub status: u16,
    /// As it was answered to the same key before.
    pub replayed: bool,
    pub body: Bytes,
}

/// What answers; `None` where the connection ends without an answer.
pub type Counterpart = dyn Fn(&Sent) -> Option<Got> + Send + Sync;

impl Stripe {
    /// A way to this counterpart, in test mode.
    #[must_use]
    pub fn in_process(counterpart: Box<Counterpart>) -> Self {
        Self { transport: Transport::in_process(counterpart), portal: Arc::new(OnceCell::new()), account: None, live: false }
    }
}
