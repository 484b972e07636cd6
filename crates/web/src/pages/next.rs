//! Where somebody goes after signing in: a place on our own pages, whatever the address that brought them says.

use std::fmt;

use url::form_urlencoded::byte_serialize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next(String);

const HOME: &str = "/servers";

impl Default for Next {
    fn default() -> Self {
        Self(HOME.to_owned())
    }
}

impl Next {
    /// What isn't a path of ours leads home.
    pub fn parse(text: &str) -> Self {
        let is_path = text.starts_with('/') && !text.starts_with("//");
        // Browsers read a backslash as a slash, and skip tabs and line ends.
        let is_plain = text.len() <= 500 && text.bytes().all(|it| it.is_ascii_graphic() && it != b'\\');
        let leads_round = ["/sign-in", "/sign-out"].iter().any(|it| text.starts_with(it));
        if is_path && is_plain && !leads_round { Self(text.to_owned()) } else { Self::default() }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The page to sign in at, which leads there.
    pub fn through_sign_in(&self) -> String {
        self.through("/sign-in")
    }

    /// A page of ours that comes first, and leads there.
    pub fn through(&self, page: &str) -> String {
        if *self == Self::default() {
            return page.to_owned();
        }
        format!("{page}?next={}", byte_serialize(self.0.as_bytes()).collect::<String>())
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        let evil = [
            "",
            "servers",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/sign-in?next=/sign-in",
            "/sign-out",
            "/é",
        ];
        for text in evil {
            assert_eq!(Next::parse(text), Next::default(), "{text:?}");
        }
        assert_eq!(Next::parse(&format!("/{}", "a".repeat(500))), Next::default());
        assert_eq!(Next::parse("/servers/birds?tab=address#top").as_str(), "/servers/birds?tab=address#top");
    }

    #[test]
    fn the_way_round_comes_back() {
        assert_eq!(Next::parse("/servers/birds?a=1&b=2").through_sign_in(), "/sign-in?next=%2Fservers%2Fbirds%3Fa%3D1%26b%3D2");
        assert_eq!(Next::default().through_sign_in(), "/sign-in");
    }
}
