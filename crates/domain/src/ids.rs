//! Ids: UUIDv7 wrapped in a type a kind, so that a person is never taken for an account.
//!
//! The time and the randomness of a new id are arguments. `InstanceId` also gives the one name that everything outside the
//! control plane derives from.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Randomness;

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not the id of {kind}: it must be a UUID")]
pub struct ParseIdError {
    pub kind: &'static str,
    pub value: String,
}

fn uuid_v7(now: DateTime<Utc>, randomness: &dyn Randomness) -> Uuid {
    let mut random = [0; 10];
    randomness.fill(&mut random);
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident: $kind:literal),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id: ids made later sort later, to the millisecond.
            #[must_use]
            pub fn generate(now: DateTime<Utc>, randomness: &dyn Randomness) -> Self {
                Self(uuid_v7(now, randomness))
            }

            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            /// Takes the hyphenated form only: one thing has one spelling in addresses and logs.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let error = || ParseIdError { kind: $kind, value: text.chars().take(80).collect() };
                let uuid = Uuid::try_parse(text).map_err(|_| error())?;
                if text.len() == 36 { Ok(Self(uuid)) } else { Err(error()) }
            }
        }
    )+};
}

ids! {
    /// One Mastodon server.
    InstanceId: "a server",
    /// Somebody who signs in.
    PersonId: "a person",
    /// Who owns servers and pays: a person's or an organisation's.
    AccountId: "an account",
    /// Long work with a name and an end.
    OperationId: "an operation",
    /// One run that takes a server along.
    ExportId: "an export",
    /// A server that is brought in as a bundle.
    ImportId: "an import",
    /// A proof of an own domain.
    DomainId: "a domain",
    ApiTokenId: "an API token",
    SessionId: "a session",
    PasskeyId: "a passkey",
    /// Somebody who asked for an account and has none yet.
    SignUpId: "a sign-up",
    /// To an account that exists.
    InvitationId: "an invitation",
    /// A link to somebody that is good once.
    PersonLinkId: "a link",
    MailId: "a mail",
    ClusterId: "a cluster",
    DatabaseServerId: "a database server",
    ObjectStoreId: "an object store",
}

impl InstanceId {
    const PREFIX: &'static str = "mi-";

    /// Name of its namespace, database, role, bucket and S3 user: `mi-` and 26 characters of base32, lower case.
    #[must_use]
    pub fn resource_name(self) -> String {
        resource_name(Self::PREFIX, self.0)
    }

    /// The reverse of [`Self::resource_name`]; `None` for a name that is not ours.
    #[must_use]
    pub fn from_resource_name(name: &str) -> Option<Self> {
        let encoded = name.strip_prefix(Self::PREFIX)?;
        if encoded.bytes().any(|it| it.is_ascii_uppercase()) {
            return None;
        }
        let bytes = BASE32_NOPAD.decode(encoded.to_ascii_uppercase().as_bytes()).ok()?;
        Some(Self(Uuid::from_slice(&bytes).ok()?))
    }
}

impl ExportId {
    /// Name of its custom resource, Job and S3 user: `mx-` and 26 characters of base32, lower case.
    #[must_use]
    pub fn resource_name(self) -> String {
        resource_name("mx-", self.0)
    }
}

fn resource_name(prefix: &str, id: Uuid) -> String {
    format!("{prefix}{}", BASE32_NOPAD.encode(id.as_bytes()).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);

    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_new_id_is_version_7_and_sorts_by_time() {
        let at = |millis| Utc.timestamp_millis_opt(millis).unwrap();
        let early = InstanceId::generate(at(1_700_000_000_000), &Fixed(0xff));
        let late = InstanceId::generate(at(1_700_000_000_001), &Fixed(0x00));
        assert_eq!(early.as_uuid().get_version_num(), 7);
        assert!(early < late);
        assert_ne!(early, InstanceId::generate(at(1_700_000_000_000), &Fixed(0xfe)));
    }

    #[test]
    fn one_spelling_is_taken() {
        let text = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";
        let id: InstanceId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        for wrong in ["", "42", "0192f0c12d3e7a4b8c5d6e7f8a9b0c1d", "{0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d}"] {
            let error = wrong.parse::<InstanceId>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{wrong}` is not the id of a server: it must be a UUID"));
        }
    }

    #[test]
    fn the_resource_name_is_a_dns_label() {
        let id = InstanceId::from_uuid(Uuid::max());
        assert_eq!(id.resource_name(), "mi-77777777777777777777777774");
        assert!(InstanceId::generate(Utc.timestamp_millis_opt(0).unwrap(), &Fixed(1)).resource_name().len() <= 63);
    }

    proptest! {
        #[test]
        fn the_resource_name_can_be_read_back(bytes in any::<[u8; 16]>()) {
            let id = InstanceId::from_uuid(Uuid::from_bytes(bytes));
            prop_assert_eq!(InstanceId::from_resource_name(&id.resource_name()), Some(id));
        }

        #[test]
        fn what_is_no_resource_name_is_refused(name in ".{0,40}") {
            if let Some(id) = InstanceId::from_resource_name(&name) {
                prop_assert_eq!(id.resource_name(), name);
            }
        }
    }
}
