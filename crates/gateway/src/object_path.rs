//! From a request's path to the key of a media object, or to nothing.
//!
//! Decoded once and only here: what could mean another key to somebody else on the way (dot segments, an encoded slash, a
//! second layer of encoding, a backslash, control characters) is no key at all.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What Mastodon shows on its pages; `backups/` and `imports/` are for signed-in people.
const PREFIXES: [&str; 7] =
    ["accounts", "media_attachments", "custom_emojis", "site_uploads", "preview_cards", "preview_card_providers", "cache"];

/// The longest key that S3 has.
const KEY_LIMIT: usize = 1024;

/// A key below one of the prefixes, percent-encoded for a request to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPath(String);

impl ObjectPath {
    /// From the path as it came over the wire, without its query.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        if path.len() > 3 * KEY_LIMIT {
            return None;
        }
        let segments = path.strip_prefix('/')?.split('/').map(segment).collect::<Option<Vec<_>>>()?;
        let length = segments.iter().map(String::len).sum::<usize>() + segments.len() - 1;
        let known = segments.len() >= 2 && PREFIXES.contains(&segments[0].as_str()) && length <= KEY_LIMIT;
        known.then(|| Self(segments.iter().map(|it| encode(it)).collect::<Vec<_>>().join("/")))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One segment, decoded.
fn segment(text: &str) -> Option<String> {
    let decoded = decode(text)?;
    let bad = |it: char| it.is_control() || matches!(it, '/' | '\\' | '%');
    (!decoded.is_empty() && decoded != "." && decoded != ".." && !decoded.contains(bad)).then_some(decoded)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?].map(|it| char::from(it).to_digit(16));
            let [Some(high), Some(low)] = digits else { return None };
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

fn encode(text: &str) -> String {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_their_keys() {
        for (path, expected) in [
            ("/accounts/avatars/000/000/001/original/0f3a.png", Some("accounts/avatars/000/000/001/original/0f3a.png")),
            ("/media_attachments/files/112/233/original/a.mp4", Some("media_attachments/files/112/233/original/a.mp4")),
            ("/custom_emojis/images/000/000/001/static/a.png", Some("custom_emojis/images/000/000/001/static/a.png")),
            ("/site_uploads/files/000/000/001/@2x/a.png", Some("site_uploads/files/000/000/001/%402x/a.png")),
            ("/site_uploads/files/000/000/001/%402x/a.png", Some("site_uploads/files/000/000/001/%402x/a.png")),
            ("/preview_cards/images/1/a.png", Some("preview_cards/images/1/a.png")),
            ("/preview_card_providers/icons/1/a.png", Some("preview_card_providers/icons/1/a.png")),
            ("/cache/media_attachments/files/1/small/a.png", Some("cache/media_attachments/files/1/small/a.png")),
            ("/accounts/a%20b+c%C3%BC.png", Some("accounts/a%20b%2Bc%C3%BC.png")),
            ("/accounts/a..b", Some("accounts/a..b")),
            ("/accounts/...", Some("accounts/...")),
            // other people's, or nobody's
            ("/backups/dumps/1/original/a.zip", None),
            ("/imports/data/1/original/a.csv", None),
            ("/", None),
            ("", None),
            ("accounts/a", None),
            ("/accounts", None),
            ("/accounts/", None),
            ("/Accounts/a", None),
            ("/accountsx/a", None),
            ("/.well-known/x", None),
            // tricks
            ("/accounts/../backups/a.zip", None),
            ("/accounts/./a", None),
            ("/accounts/%2e%2e/backups/a.zip", None),
            ("/accounts/.%2E/backups/a.zip", None),
            ("/accounts/..%2fbackups/a.zip", None),
            ("/accounts%2fa", None),
            ("/accounts/%2e", None),
            ("/accounts/%252e%252e/a", None),
            ("/accounts/..%5cbackups", None),
            ("/accounts/..\\backups", None),
            ("/accounts//a", None),
            ("//accounts/a", None),
            ("/accounts/a/", None),
            ("/accounts/%00", None),
            ("/accounts/a%0d%0ax", None),
            ("/accounts/%7f", None),
            ("/accounts/%c2%85", None),
            ("/accounts/%ff", None),
            ("/accounts/%", None),
            ("/accounts/%4", None),
            ("/accounts/%4g", None),
            ("/accounts/%+1", None),
            ("http://elsewhere/accounts/a", None),
        ] {
            assert_eq!(ObjectPath::parse(path).as_ref().map(ObjectPath::as_str), expected, "{path}");
        }
    }

    #[test]
    fn keys_end_where_s3_ends() {
        let path = |length: usize| format!("/accounts/{}", "a".repeat(length - "accounts/".len()));
        assert!(ObjectPath::parse(&path(1024)).is_some());
        assert!(ObjectPath::parse(&path(1025)).is_none());
        assert!(ObjectPath::parse(&path(100_000)).is_none());
    }

    /// What comes out is read by the next one as the same key, and as nothing else.
    #[test]
    fn a_parsed_path_parses_to_itself() {
        for path in ["/accounts/a b", "/cache/ü/@1x/;=&?#", "/accounts/%7B%22"] {
            let parsed = ObjectPath::parse(path).expect(path);
            let again = format!("/{}", parsed.as_str());
            assert_eq!(ObjectPath::parse(&again), Some(parsed.clone()), "{path}");
            let url = url::Url::parse(&format!("http://store/bucket{again}")).expect("a URL");
            assert_eq!(url.path(), format!("/bucket{again}"), "{path}");
        }
    }
}
