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
    /// True where the same call may work later: the store is away, or has not caught up. False for a refusal.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        // Answers to a race: somebody wrote, or a removal is not seen everywhere yet.
        let racing = ["OperationAborted", "ConcurrentModification", "BucketNotEmpty", "DeleteConflict"];
        matches!(self, Self::KeysPending { .. }) || self.has_code(&racing) || self.is_away()
    }

    /// True where the store is away or overloaded, so that no other tenant's call would fare better now.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Request { source, .. } => !source.is_builder(),
            Self::Refused { status, code, .. } => {
                *status >= 500 || *status == 429 || ["SlowDown", "RequestTimeout"].contains(&code.as_str())
            }
            Self::Endpoint { .. } | Self::Client(_) | Self::Sign { .. } | Self::KeysPending { .. } => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_another_try() {
        for (status, code, away, unavailable) in [
            (500, "InternalError", true, true),
            (503, "SlowDown", true, true),
            (429, "", true, true),
            (409, "BucketNotEmpty", false, true),
            (403, "AccessDenied", false, false),
            (409, "BucketAlreadyExists", false, false),
        ] {
            let error = ObjectStoreError::Refused { action: "make", name: "b".to_owned(), status, code: code.to_owned() };
            assert_eq!((error.is_away(), error.is_unavailable()), (away, unavailable), "{status} {code}");
        }
    }
}
