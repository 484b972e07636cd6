//! A released version of Mastodon: `4.5.11`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::NameError;
use super::error::shown;

/// Major, minor and patch, compared as numbers. Betas and nightlies are not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MastodonVersion {
    pub major: u16,
    pub minor: u16,
    pub patch: u16,
}

impl MastodonVersion {
    #[must_use]
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// The release line: `4.5` of `4.5.11`.
    #[must_use]
    pub const fn line(self) -> (u16, u16) {
        (self.major, self.minor)
    }
}

impl fmt::Display for MastodonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for MastodonVersion {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let error =
            || NameError::Malformed { what: "a version of Mastodon", value: shown(text), rule: "it has three numbers, as in 4.5.11" };
        let number = |part: &str| {
            let canonical = part == "0" || !part.starts_with('0');
            if canonical && part.bytes().all(|it| it.is_ascii_digit()) { part.parse().map_err(|_| error()) } else { Err(error()) }
        };
        let parts: Vec<&str> = text.split('.').collect();
        let [major, minor, patch] = parts[..] else { return Err(error()) };
        Ok(Self { major: number(major)?, minor: number(minor)?, patch: number(patch)? })
    }
}

impl Serialize for MastodonVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MastodonVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        let version = |text: &str| text.parse::<MastodonVersion>().unwrap();
        assert!(version("4.5.9") < version("4.5.11"));
        assert!(version("4.10.0") > version("4.9.9"));
        assert_eq!(version("4.5.11").to_string(), "4.5.11");
        assert_eq!(version("4.5.11").line(), (4, 5));
    }

    #[test]
    fn what_is_no_release_is_refused() {
        for text in ["", "4", "4.5", "4.5.1.2", "v4.5.1", "4.5.x", "4.5.1-rc1", "4.05.1", "4.5.-1", "4.5.+1", "4.5.99999"] {
            assert!(text.parse::<MastodonVersion>().is_err(), "{text}");
        }
    }
}
