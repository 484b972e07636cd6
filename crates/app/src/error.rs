//! The error vocabulary: a dozen meanings, each with a text for outside. What went wrong inside is kept as the source and logged
//! by whoever stands at the boundary; `web` alone decides which status a meaning gets.

use std::time::Duration;

use howdah_db::models::identity::SealedError;
use howdah_db::{Corrupt, QueryError, QueryErrorExt, Unavailable};
use howdah_domain::{NameError, Refusal};

use crate::excess::{Excess, wait_in_words};
use crate::ports::BundlesError;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// As in the API: `owner.email`.
    pub field: &'static str,
    /// A machine reason.
    pub reason: &'static str,
    /// What is wrong with the value and the way out.
    pub sentence: String,
}

impl FieldError {
    #[must_use]
    pub fn of(field: &'static str, error: &NameError) -> Self {
        Self { field, reason: error.reason(), sentence: error.to_string() }
    }
}

/// `Display` is the outside text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It doesn't exist, or the actor may not know that it does.
    #[error("There is no such {what}.")]
    NotFound { what: &'static str },
    /// What is asked for doesn't fit what is there.
    #[error("{sentence}")]
    Conflict { reason: &'static str, sentence: String },
    #[error("{}", sentence_of(fields))]
    Invalid { fields: Vec<FieldError> },
    #[error("{sentence}")]
    Forbidden { reason: &'static str, sentence: &'static str },
    #[error("Please sign in: the token or session is missing, unknown or expired.")]
    Unauthenticated,
    /// It has changed since the version that the caller knows.
    #[error("This has changed meanwhile. Look at it again before you change it.")]
    PreconditionFailed,
    #[error("{} Try again in {}.", excess.sentence(), wait_in_words(*retry_after))]
    RateLimited { excess: Excess, retry_after: Duration },
    /// New servers are not taken.
    #[error("{sentence}")]
    Closed { sentence: String },
    /// The account has all the servers it may have.
    #[error("{sentence}")]
    LimitReached { sentence: String },
    /// There is no place for a new server.
    #[error("There is no room for a new server at the moment. Nothing was charged; please try again later.")]
    NoRoom,
    /// Something that this needs is away; it can be asked again.
    #[error("This can't be answered at the moment. Please try again in a few seconds.")]
    Unavailable {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A mistake of ours.
    #[error("Something went wrong on our side. It was recorded; if it happens again, write to the support.")]
    Internal {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal { source: source.into() }
    }

    pub(crate) fn invalid(field: &'static str, reason: &'static str, sentence: impl Into<String>) -> Self {
        Self::Invalid { fields: vec![FieldError { field, reason, sentence: sentence.into() }] }
    }

    /// The machine reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Conflict { reason, .. } | Self::Forbidden { reason, .. } => reason,
            Self::Invalid { .. } => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::PreconditionFailed => "precondition_failed",
            Self::RateLimited { .. } => "rate_limited",
            Self::Closed { .. } => "new_servers_closed",
            Self::LimitReached { .. } => "limit_reached",
            Self::NoRoom => "no_room",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal { .. } => "internal",
        }
    }

    /// Everything for the log: the outside text and each source's, which may name internals.
    #[must_use]
    pub fn internal_text(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}

fn sentence_of(fields: &[FieldError]) -> String {
    fields.iter().map(|it| it.sentence.as_str()).collect::<Vec<_>>().join(" ")
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        if error.is_unavailable() { Self::Unavailable { source: Box::new(error) } } else { Self::Internal { source: Box::new(error) } }
    }
}

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<BundlesError> for Error {
    fn from(error: BundlesError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<Corrupt> for Error {
    fn from(error: Corrupt) -> Self {
        Self::internal(error)
    }
}

impl From<SealedError> for Error {
    fn from(error: SealedError) -> Self {
        match error {
            SealedError::Query(error) => error.into(),
            SealedError::Seal(_) => Self::internal(error),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Conflict { reason: refusal.reason(), sentence: refusal.to_string() }
    }
}

/// An error with all its sources, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internals_stay_inside() {
        let error = Error::internal("password of db-7 is wrong");
        assert!(!error.to_string().contains("db-7"));
        assert!(error.internal_text().contains("db-7"));
    }

    #[test]
    fn fields_are_told_together() {
        let field = |field, sentence: &str| FieldError { field, reason: "missing", sentence: sentence.to_owned() };
        let error = Error::Invalid { fields: vec![field("domain", "No domain."), field("plan", "No plan.")] };
        assert_eq!(error.to_string(), "No domain. No plan.");
    }
}
