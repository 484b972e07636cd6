//! What makes a request safe to be sent again: the id of the operation that wanted it, stored before it is sent.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A step of an operation of ours. Sent again with the same one, a request has no second effect for 24 hours; later, what it
/// made is found by the operation's id in its metadata.
///
/// Stripe keeps what it answered under the key, be it a refusal or a failure of its own: what is to be tried with another card is
/// another operation, and after [`BillingError::Kept`](crate::BillingError::Kept) it is another attempt of the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation {
    id: Uuid,
    step: &'static str,
    attempt: u16,
}

impl Operation {
    #[must_use]
    pub const fn new(id: Uuid, step: &'static str) -> Self {
        Self { id, step, attempt: 0 }
    }

    /// With another key; what an attempt before it made is still found.
    #[must_use]
    pub const fn attempt(self, attempt: u16) -> Self {
        Self { attempt, ..self }
    }

    #[must_use]
    pub const fn id(self) -> Uuid {
        self.id
    }

    /// When the operation was begun, by its id, where that is a UUIDv7.
    pub(crate) fn begun(self) -> Option<DateTime<Utc>> {
        let (seconds, nanos) = self.id.get_timestamp()?.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
    }

    /// What is sent as `Idempotency-Key`.
    pub(crate) fn key(self) -> Key {
        Key(self.to_string())
    }

    /// The key of one of several like requests of this step.
    pub(crate) fn key_of(self, part: impl fmt::Display) -> Key {
        Key(format!("{self}:{part}"))
    }
}

/// An idempotency key: what changes something is not sent without.
pub(crate) struct Key(pub String);

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.step)?;
        if self.attempt == 0 { Ok(()) } else { write!(f, ":{}", self.attempt) }
    }
}

/// Keys of the metadata that we give Stripe's objects.
pub(crate) mod metadata {
    pub const ACCOUNT: &str = "howdah_account";
    pub const ADD_ON: &str = "howdah_add_on";
    pub const INSTANCE: &str = "howdah_instance";
    pub const OPERATION: &str = "howdah_operation";
    pub const PLAN: &str = "howdah_plan";
    pub const PORTAL: &str = "howdah_portal";
}

pub(crate) type Metadata = HashMap<String, String>;

pub(crate) fn metadata_of<const N: usize>(pairs: [(&str, String); N]) -> Metadata {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Whether the object was made by this operation, in whichever step.
pub(crate) fn made_by(metadata: Option<&Metadata>, operation: Operation) -> bool {
    let id = metadata.and_then(|it| it.get(metadata::OPERATION)).and_then(|it| it.parse::<Uuid>().ok());
    id == Some(operation.id)
}
