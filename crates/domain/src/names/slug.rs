//! The label of a server under one of the platform's domains: `birds` of `birds.fedi.example`.

use std::str::FromStr;

use super::error::shown;
use super::lookalike::{skeleton, trademark_in};
use super::{NameError, text_newtype};

/// 3–30 of `a`–`z`, `0`–`9` and `-`; not reserved, not the trademark, and not to be taken for either.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

text_newtype!(Slug);

const WHAT: &str = "an address under this platform";

/// Names that the platform keeps for itself, that stand for a service, or that lend an authority nobody was given.
const RESERVED: [&str; 84] = [
    "abuse",
    "account",
    "accounts",
    "admin",
    "administration",
    "administrator",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "cache",
    "cdn",
    "community",
    "console",
    "contact",
    "control",
    "customer",
    "customers",
    "dashboard",
    "demo",
    "dev",
    "dns",
    "docs",
    "download",
    "email",
    "example",
    "files",
    "forum",
    "ftp",
    "grafana",
    "help",
    "helpdesk",
    "host",
    "hosting",
    "howdah",
    "imap",
    "info",
    "instance",
    "internal",
    "joinfediverse",
    "legal",
    "localhost",
    "login",
    "mail",
    "media",
    "metrics",
    "moderator",
    "monitoring",
    "official",
    "operator",
    "owner",
    "payment",
    "payments",
    "platform",
    "pop",
    "postmaster",
    "press",
    "privacy",
    "prometheus",
    "relay",
    "root",
    "secure",
    "security",
    "server",
    "servers",
    "shop",
    "smtp",
    "staff",
    "staging",
    "static",
    "status",
    "streaming",
    "support",
    "system",
    "team",
    "test",
    "webmail",
    "webmaster",
    "www",
];

impl FromStr for Slug {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let slug = text.trim().to_ascii_lowercase();
        let malformed = |rule| NameError::Malformed { what: WHAT, value: shown(text), rule };
        if slug.is_empty() {
            return Err(NameError::Missing { what: "address" });
        }
        if !slug.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-') {
            return Err(malformed("use the letters a to z, digits and hyphens only"));
        }
        if slug.len() < 3 {
            return Err(NameError::TooShort { what: WHAT, value: shown(text), min: 3 });
        }
        if slug.len() > 30 {
            return Err(NameError::TooLong { what: WHAT, value: shown(text), max: 30 });
        }
        if slug.starts_with('-') || slug.ends_with('-') || slug.contains("--") {
            return Err(malformed("a hyphen stands between two letters or digits"));
        }
        if slug.bytes().all(|it| it.is_ascii_digit() || it == b'-') {
            return Err(malformed("it needs a letter"));
        }
        if let Some(word) = trademark_in(&slug) {
            return Err(NameError::Trademark { value: slug, word });
        }
        if RESERVED.contains(&slug.as_str()) {
            return Err(NameError::Reserved { value: slug });
        }
        let read_as = skeleton(&slug);
        if let Some(like) = RESERVED.into_iter().find(|it| skeleton(it) == read_as) {
            return Err(NameError::LooksLikeReserved { value: slug, like });
        }
        Ok(Self(slug))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(text: &str) -> &'static str {
        text.parse::<Slug>().unwrap_err().reason()
    }

    #[test]
    fn plain_names_are_taken_in_lower_case() {
        for (typed, slug) in [("birds", "birds"), (" Birds ", "birds"), ("a-b", "a-b"), ("x2y", "x2y"), ("cl-artists", "cl-artists")] {
            assert_eq!(typed.parse::<Slug>().unwrap().as_str(), slug);
        }
    }

    #[test]
    fn bad_names_are_refused_with_their_reason() {
        let long = "a".repeat(31);
        let table = [
            ("", "missing"),
            ("  ", "missing"),
            ("ab", "too_short"),
            (long.as_str(), "too_long"),
            ("bir ds", "malformed"),
            ("bird.s", "malformed"),
            ("vögel", "malformed"),
            ("-birds", "malformed"),
            ("birds-", "malformed"),
            ("xn--80ak6aa92e", "malformed"),
            ("123", "malformed"),
            ("1-2", "malformed"),
            ("admin", "reserved"),
            ("WWW", "reserved"),
            ("media", "reserved"),
            ("adm1n", "looks_like_reserved"),
            ("supp0rt", "looks_like_reserved"),
            ("d-a-s-hboard", "looks_like_reserved"),
            ("adrnin", "looks_like_reserved"),
            ("mastodon", "trademark"),
            ("my-mastodon-x", "trademark"),
            ("mast0d0n", "trademark"),
            ("rnastodon", "trademark"),
            ("mas-todon", "trademark"),
            ("mstdn", "trademark"),
            ("m5tdn", "trademark"),
        ];
        for (text, expected) in table {
            assert_eq!(reason(text), expected, "{text}");
        }
    }

    #[test]
    fn the_sentence_names_the_value_and_the_way_out() {
        assert_eq!("admin".parse::<Slug>().unwrap_err().to_string(), "“admin” is reserved. Please choose another name.");
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_a_dns_label(text in ".{0,40}") {
            if let Ok(slug) = text.parse::<Slug>() {
                let label = slug.as_str();
                prop_assert!((3..=30).contains(&label.len()));
                prop_assert!(label.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-'));
                prop_assert!(label.as_bytes()[0] != b'-' && label.as_bytes()[label.len() - 1] != b'-');
                prop_assert_eq!(&slug.as_str().parse::<Slug>(), &Ok(slug.clone()));
            }
        }
    }
}
