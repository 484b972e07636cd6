//! Validated names. Whoever holds one of these types holds a legal name; the only way to get one is to parse.

mod display;
mod domain;
mod email;
mod error;
mod lookalike;
mod media_redirect;
mod slug;
mod username;
mod version;

pub use display::DisplayName;
pub(crate) use domain::to_ascii as domain_form;
pub use domain::{FediverseDomain, NameRules};
pub use email::EmailAddress;
pub use error::NameError;
pub use media_redirect::MediaRedirect;
pub use slug::Slug;
pub use username::Username;
pub use version::MastodonVersion;

/// Words of Mastodon's trademark, which a domain may hold only with permission (UP:lib/tasks/mastodon.rake).
const TRADEMARK: [&str; 2] = ["mastodon", "mstdn"];

/// `Display`, `as_str` and serde by parsing, for a newtype over `String` with `FromStr`.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}
use text_newtype;
