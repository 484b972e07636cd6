//! Why a pass over one server failed: what was tried on what, the source, and a cause for the metrics.

use std::time::Duration;

use crate::provider::{DatabaseError, ObjectStoreError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to {action} `{object}`")]
    Kubernetes {
        action: &'static str,
        object: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("failed on the database of `{name}`")]
    Database {
        name: String,
        #[source]
        source: Box<DatabaseError>,
    },
    #[error("failed on the bucket of `{name}`")]
    ObjectStore {
        name: String,
        #[source]
        source: Box<ObjectStoreError>,
    },
    #[error("failed on the S3 user of `{name}`")]
    S3User {
        name: String,
        #[source]
        source: Box<ObjectStoreError>,
    },
    #[error("the Secret `{name}` lacks `{key}`")]
    SecretKey { name: String, key: String },
    #[error("`{name}` was deleted or made anew meanwhile")]
    Superseded { name: String },
    #[error("the work on `{name}` took too long")]
    TooLong { name: String },
}

/// The label of an error in the metrics: few, and our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody else has written in between.
    Conflict,
    Forbidden,
    TooManyRequests,
    Refused,
    ApiServerUnavailable,
    Database,
    ObjectStore,
    Secret,
    TooLong,
}

impl Cause {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::TooManyRequests => "too_many_requests",
            Self::Refused => "refused",
            Self::ApiServerUnavailable => "api_server_unavailable",
            Self::Database => "database",
            Self::ObjectStore => "object_store",
            Self::Secret => "secret",
            Self::TooLong => "too_long",
        }
    }
}

impl Error {
    /// For `map_err`.
    pub fn kubernetes(action: &'static str, object: impl ToString) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Kubernetes { action, object: object.to_string(), source: Box::new(source) }
    }

    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Kubernetes { source, .. } => match status_code(source) {
                Some(409) => Cause::Conflict,
                Some(403) => Cause::Forbidden,
                Some(429) => Cause::TooManyRequests,
                Some(code) if code < 500 => Cause::Refused,
                _ => Cause::ApiServerUnavailable,
            },
            Self::Database { .. } => Cause::Database,
            Self::ObjectStore { .. } | Self::S3User { .. } => Cause::ObjectStore,
            Self::SecretKey { .. } => Cause::Secret,
            Self::Superseded { .. } => Cause::Conflict,
            Self::TooLong { .. } => Cause::TooLong,
        }
    }

    /// How long to wait after the n-th failure in a row. What passes by itself within moments is tried again soon.
    #[must_use]
    pub fn backoff(&self, failures: u32) -> Duration {
        let (first, longest) = match self.cause() {
            // A new namespace's rights take a moment to be known; a conflict is over once the watch has caught up.
            Cause::Conflict | Cause::Forbidden => (Duration::from_millis(25), Duration::from_secs(10)),
            _ => (Duration::from_secs(1), Duration::from_secs(60)),
        };
        (first * (1 << failures.saturating_sub(1).min(9))).min(longest)
    }

    /// The API server's own words, where it refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Kubernetes { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => Some(&status.message),
                _ => None,
            },
            _ => None,
        }
    }
}

#[must_use]
pub fn status_code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// The error and all that it came from, in one line; of an answer of the API server's its sentence alone.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let separator = if text.is_empty() { "" } else { ": " };
        let boxed = error.downcast_ref::<Box<kube::Error>>().map(AsRef::as_ref);
        if let Some(kube::Error::Api(status)) = boxed.or_else(|| error.downcast_ref()) {
            return format!("{text}{separator}{}", status.message);
        }
        let words = error.to_string();
        // Some errors repeat what they came from.
        if !text.ends_with(&words) {
            text = format!("{text}{separator}{words}");
        }
        next = error.source();
    }
    text
}
