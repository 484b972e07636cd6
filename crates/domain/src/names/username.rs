//! The name of a local account, by Mastodon's own rules (UP:app/models/account.rb, UP:db/seeds/05_blocked_usernames.rb).

use std::str::FromStr;

use super::error::shown;
use super::{NameError, text_newtype};

/// 1–30 of letters, digits and underscores, and not one that Mastodon reserves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

text_newtype!(Username);

const WHAT: &str = "a username";
const MAX: usize = 30;

const RESERVED: [&str; 21] = [
    "abuse",
    "account",
    "accounts",
    "admin",
    "administration",
    "administrator",
    "admins",
    "help",
    "helpdesk",
    "instance",
    "mod",
    "moderator",
    "moderators",
    "mods",
    "owner",
    "root",
    "security",
    "server",
    "staff",
    "support",
    "webmaster",
];

impl FromStr for Username {
    type Err = NameError;

    /// A leading `@` is taken for what it is.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let trimmed = text.trim();
        let name = trimmed.strip_prefix('@').unwrap_or(trimmed);
        if name.is_empty() {
            return Err(NameError::Missing { what: "username" });
        }
        if !name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
            let rule = "use the letters a to z, digits and underscores only";
            return Err(NameError::Malformed { what: WHAT, value: shown(text), rule });
        }
        if name.len() > MAX {
            return Err(NameError::TooLong { what: WHAT, value: shown(text), max: MAX });
        }
        if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(NameError::Reserved { value: shown(name) });
        }
        Ok(Self(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mastodons_rule_holds() {
        assert_eq!("@Anna_2".parse::<Username>().unwrap().as_str(), "Anna_2");
        assert_eq!("a".parse::<Username>().unwrap().as_str(), "a");
        let long = "a".repeat(31);
        let table = [
            ("", "missing"),
            ("@", "missing"),
            ("anna.b", "malformed"),
            ("anna-b", "malformed"),
            ("änna", "malformed"),
            ("anna\nb", "malformed"),
            (long.as_str(), "too_long"),
            ("Admin", "reserved"),
            ("owner", "reserved"),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Username>().unwrap_err().reason(), expected, "{text}");
        }
    }
}
