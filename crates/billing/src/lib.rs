//! Stripe, in our words: the one crate that names it.
//!
//! Cards, tax forms and the customer's portal stay with Stripe. What is asked of it here is answered in the types of
//! [`howdah_domain::billing::facts`], made by pure functions from a fresh read, or not at all: a state that is not understood is
//! an error, never a guess, so that nobody is held back by it. An event is a hint what to read anew ([`event::Concern`]).
//!
//! Requests are built by async-stripe, whose types are Stripe's own description of its API. They go out by `transport`, which
//! keeps the limits, bounds what comes back and lets nothing go that changes something without an idempotency key
//! ([`Operation`]). Nothing is retried here: whoever asked has a job that does, with the same key. Answers are read into
//! `objects`, by what we need of them: async-stripe's types take none that lacks a field that nobody reads, and don't say which.

pub mod catalogue;
pub mod checkout;
pub mod customer;
mod error;
pub mod event;
pub mod events;
mod facts;
#[cfg(feature = "in-process")]
pub mod in_process;
pub mod invoice;
mod objects;
mod operation;
pub mod payment;
pub mod portal;
mod read;
pub mod subscription;
mod transport;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use url::Url;

pub use error::BillingError;
pub use operation::Operation;
use transport::Transport;

/// What every request speaks, and what the webhook's endpoint is told to speak.
pub const API_VERSION: &str = "2026-09-30.endive";

/// What is needed to speak with Stripe.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sk_…` or, better, a restricted `rk_…`.
    pub secret_key: SecretString,
    /// Another place than Stripe's own: a simulator's.
    pub base_url: Option<Url>,
    /// The connected account that everything happens in, where it is not the key's own.
    pub account: Option<String>,
    /// The portal's configuration, where somebody made one by hand; else it is the catalogue's.
    pub portal: Option<String>,
    /// Of a whole request.
    pub timeout: Duration,
}

impl Settings {
    #[must_use]
    pub fn new(secret_key: SecretString) -> Self {
        Self { secret_key, base_url: None, account: None, portal: None, timeout: Duration::from_secs(30) }
    }
}

/// A way to Stripe; its clones share the limits.
#[derive(Debug, Clone)]
pub struct Stripe {
    transport: Transport,
    /// The portal's configuration, looked for once.
    portal: Arc<OnceCell<String>>,
    account: Option<String>,
    live: bool,
}

impl Stripe {
    /// # Errors
    /// Where the key or the account can't be sent, or TLS can't be set up.
    pub fn new(settings: &Settings) -> Result<Self, BillingError> {
        let key = settings.secret_key.expose_secret();
        let live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        let portal = Arc::new(OnceCell::new_with(settings.portal.clone()));
        Ok(Self { transport: Transport::new(settings)?, portal, account: settings.account.clone(), live })
    }

    /// Whether an event is of the account and the mode (live or test) that this speaks with.
    #[must_use]
    pub fn is_ours(&self, event: &event::Received) -> bool {
        // An event names an account only where it comes to another's endpoint: a platform's.
        event.livemode == self.live && event.account.as_ref().is_none_or(|it| Some(it) == self.account.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_types() {
        assert_eq!(API_VERSION, stripe_client_core::VERSION.as_str());
    }
}
