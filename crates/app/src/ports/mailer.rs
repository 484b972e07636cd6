//! Sending a mail of the platform's own.

use futures::future::BoxFuture;

/// One mail as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Also its Message-ID, so that one that is sent twice is one.
    pub id: String,
    pub recipient: String,
    /// Where an answer goes, if not to the sender.
    pub reply_to: Option<String>,
    pub subject: String,
    pub text_body: String,
    pub html_body: Option<String>,
}

/// It was not taken; it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MailError(pub String);

pub trait Mailer: Send + Sync {
    fn send<'a>(&'a self, mail: &'a Envelope) -> BoxFuture<'a, Result<(), MailError>>;
}
