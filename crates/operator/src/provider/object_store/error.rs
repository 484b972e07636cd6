//! What can go wrong with a tenant's bucket or user, and whether trying again is worth it.

#[derive(Debug, thiserror::Error)]
pub enum ObjectStoreError {
    #[error("`{endpoint}` is not the endpoint of an object store: `http(s)://host[:port]` is wanted")]
    Endpoint { endpoint: String },
    #[error("failed to build a client for the object store")]
    Client(#[source] reqwest::Error),
    #[error("failed to sign a request to {action} `{name}`")]
    Sign {
        action: &'static str,
        name: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("failed to {action} `{name}`")]
    Request {
        action: &'static str,
        name: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the object store refused to {action} `{name}`: {status} {code}")]
    Refused { action: &'static str, name: String, status: u16, code: String },
    #[error("the object store's answer to {action} `{name}` makes no sense")]
    Answer {
        action: &'static str,
        name: String,
        #[source]
        source: quick_xml::DeError,
    },
    #[error("the object store's answer to {action} `{name}` is too long")]
    TooLong { action: &'static str, name: String },
    #[error("the object `{key}` in `{name}` cannot be named in a request")]
    Key { name: String, key: String },
    #[error("the keys of `{name}` are not in effect yet")]
    KeysPending { name: String },
}

impl ObjectStoreError {
    /// True where the store is away, busy or has not caught up: the same call may work later. False for a refusal.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Request { source, .. } => !source.is_builder(),
            Self::Refused { status, code, .. } => is_transient(*status, code),
            Self::KeysPending { .. } => true,
            Self::Endpoint { .. } | Self::Client(_) | Self::Sign { .. } => false,
            Self::Answer { .. } | Self::TooLong { .. } | Self::Key { .. } => false,
        }
    }

    /// Is it a refusal with one of these codes?
    pub(super) fn has_code(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused { code, .. } if codes.contains(&code.as_str()))
    }

    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// `BucketNotEmpty` and `DeleteConflict` are answers to a race: somebody wrote, or a removal is not seen everywhere yet.
fn is_transient(status: u16, code: &str) -> bool {
    let busy = ["SlowDown", "RequestTimeout", "OperationAborted", "ConcurrentModification", "BucketNotEmpty", "DeleteConflict"];
    status >= 500 || status == 429 || busy.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_another_try() {
        for (status, code, expected) in [
            (500, "InternalError", true),
            (503, "SlowDown", true),
            (429, "", true),
            (409, "BucketNotEmpty", true),
            (403, "AccessDenied", false),
            (409, "BucketAlreadyExists", false),
            (501, "NotImplemented", true),
        ] {
            let error = ObjectStoreError::Refused { action: "make", name: "b".to_owned(), status, code: code.to_owned() };
            assert_eq!(error.is_unavailable(), expected, "{status} {code}");
        }
    }
}
