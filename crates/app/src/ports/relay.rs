//! The mail relay as a customer's server will meet it: with that server's own login and sender.

use futures::future::BoxFuture;

use crate::sealed::Variables;

/// Why mail of this server would not go out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    #[error("the mail relay cannot be reached: {0}")]
    Unavailable(String),
    #[error("the mail relay refused the server's login or sender: {0}")]
    Refused(String),
}

pub trait Relay: Send + Sync {
    /// Signs in and names the sender, and sends nothing. `login`: the server's `SMTP_*` variables.
    fn try_login<'a>(&'a self, login: &'a Variables) -> BoxFuture<'a, Result<(), RelayError>>;
}
