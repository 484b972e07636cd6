//! Where the media of a server is that has moved to another host.

use std::str::FromStr;

use super::error::shown;
use super::{NameError, domain_form, text_newtype};

/// `https://`, a host, and perhaps a folder; without a slash at its end. The path of each file is appended as it is. At most 300
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MediaRedirect(String);

text_newtype!(MediaRedirect);

const WHAT: &str = "where media is";
const MAX: usize = 300;
const SCHEME: &str = "https://";

impl MediaRedirect {
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.0.strip_prefix(SCHEME).unwrap_or(&self.0);
        rest.split('/').next().unwrap_or(rest)
    }
}

impl FromStr for MediaRedirect {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let malformed = |rule| NameError::Malformed { what: WHAT, value: shown(text), rule };
        let typed = text.trim();
        if typed.is_empty() {
            return Err(NameError::Missing { what: "address of the media" });
        }
        if typed.len() > MAX {
            return Err(NameError::TooLong { what: WHAT, value: shown(text), max: MAX });
        }
        let is_https = typed.get(..SCHEME.len()).is_some_and(|it| it.eq_ignore_ascii_case(SCHEME));
        let rest = typed.get(SCHEME.len()..).filter(|_| is_https).ok_or_else(|| malformed("it begins with https://"))?;
        let (host, path) =
            rest.trim_end_matches('/').split_once('/').map_or((rest.trim_end_matches('/'), None), |(host, path)| (host, Some(path)));
        let host = domain_form(host)?;
        let mut address = format!("{SCHEME}{host}");
        for segment in path.into_iter().flat_map(|it| it.split('/')) {
            let is_plain = segment.bytes().all(|it| it.is_ascii_alphanumeric() || b"._~-".contains(&it));
            if segment.is_empty() || segment.starts_with('.') || !is_plain {
                return Err(malformed("a folder in it has letters, digits, and . _ ~ - alone, and no dot at its beginning"));
            }
            address.push('/');
            address.push_str(segment);
        }
        Ok(Self(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_media() {
        for (text, expected) in [
            ("https://files.example.org", Ok("https://files.example.org")),
            (" https://Files.Example.org/ ", Ok("https://files.example.org")),
            ("HTTPS://files.example.org", Ok("https://files.example.org")),
            ("https://s3.example.org/birds/media/", Ok("https://s3.example.org/birds/media")),
            ("https://bücher.example.org/a", Ok("https://xn--bcher-kva.example.org/a")),
            ("", Err("missing")),
            ("files.example.org", Err("malformed")),
            ("http://files.example.org", Err("malformed")),
            ("https://", Err("missing")),
            ("https://files", Err("single_label")),
            ("https://10.0.0.1/x", Err("ip_address")),
            ("https://files.example.org:8443", Err("malformed")),
            ("https://ana@files.example.org", Err("malformed")),
            ("https://files.example.org/a?b", Err("malformed")),
            ("https://files.example.org/a#b", Err("malformed")),
            ("https://files.example.org/../a", Err("malformed")),
            ("https://files.example.org/a//b", Err("malformed")),
            ("https://files.example.org/a b", Err("malformed")),
            ("https://files.example.org/a%2fb", Err("malformed")),
            ("javascript:alert(1)", Err("malformed")),
        ] {
            let found = text.parse::<MediaRedirect>();
            assert_eq!(found.as_ref().map(MediaRedirect::as_str).map_err(NameError::reason), expected, "{text}");
        }
        assert_eq!(format!("https://a.example.org/{}", "a".repeat(300)).parse::<MediaRedirect>().unwrap_err().reason(), "too_long");
        assert_eq!("https://a.example.org/b/c".parse::<MediaRedirect>().unwrap().host(), "a.example.org");
    }
}
