//! An e-mail address, as far as it can be told without sending to it.

use std::str::FromStr;

use super::error::shown;
use super::{NameError, text_newtype};

/// One mailbox: a local part as it was written, and a domain in ASCII and lower case. At most 254 characters (RFC 5321).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

text_newtype!(EmailAddress);

const WHAT: &str = "an e-mail address";

impl FromStr for EmailAddress {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let trimmed = text.trim();
        let malformed = |rule| NameError::Malformed { what: WHAT, value: shown(text), rule };
        if trimmed.is_empty() {
            return Err(NameError::Missing { what: "e-mail address" });
        }
        let (local, domain) = trimmed.rsplit_once('@').ok_or_else(|| malformed("it needs an @, as in anna@example.org"))?;
        if local.is_empty() || local.len() > 64 {
            return Err(malformed("the part before the @ has 1 to 64 characters"));
        }
        // Quoted local parts are legal and used by nobody but attackers of whatever reads them next.
        if !local.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&it)) {
            return Err(malformed("the part before the @ has a character that can't stand there"));
        }
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return Err(malformed("the part before the @ has a dot at its end, or two in a row"));
        }
        let domain = idna::domain_to_ascii_cow(domain.as_bytes(), idna::AsciiDenyList::STD3)
            .map_err(|_| malformed("what stands after the @ is no domain"))?
            .into_owned();
        if !domain.contains('.') || domain.split('.').any(|it| it.is_empty() || it.len() > 63 || it.starts_with('-') || it.ends_with('-')) {
            return Err(malformed("what stands after the @ is no domain"));
        }
        let address = format!("{local}@{domain}");
        if address.len() > 254 {
            return Err(NameError::TooLong { what: WHAT, value: shown(text), max: 254 });
        }
        Ok(Self(address))
    }
}

impl EmailAddress {
    /// The address as people are told apart by: two spellings of one mailbox are one person.
    #[must_use]
    pub fn for_lookup(&self) -> String {
        self.0.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken() {
        for (text, address) in [
            (" anna@example.org ", "anna@example.org"),
            ("Anna.B+x@Example.ORG", "Anna.B+x@example.org"),
            ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), address);
        }
        assert_eq!("Anna@Example.org".parse::<EmailAddress>().unwrap().for_lookup(), "anna@example.org");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("a@{}.example", "b".repeat(260));
        for text in [
            "anna",
            "@example.org",
            "anna@",
            "anna@localhost",
            "an na@example.org",
            "anna@ex ample.org",
            "a\r\nBcc: b@example.org",
            ".a@example.org",
            "a..b@example.org",
            "\"a b\"@example.org",
            "a@-x.example",
            long.as_str(),
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text}");
        }
        assert_eq!("".parse::<EmailAddress>().unwrap_err().reason(), "missing");
    }
}
