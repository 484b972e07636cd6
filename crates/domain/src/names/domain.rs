//! A domain that a server can be known by for ever: `LOCAL_DOMAIN`, `WEB_DOMAIN` and the media host.

use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_security::MixedScript;

use super::error::shown;
use super::lookalike::trademark_in;
use super::{NameError, Slug, text_newtype};

/// What the installation says about names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameRules {
    /// Domains directly under which customers get an address, ASCII and lower case: `fedi.example`.
    pub platform_domains: Vec<String>,
    /// Reserved top-level names that own domains may end in all the same: `test`, in a development stack.
    pub allowed_tlds: Vec<String>,
}

/// ASCII (punycode), lower case, at least two labels, at most 253 characters, below a public suffix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FediverseDomain(String);

text_newtype!(FediverseDomain);

const WHAT: &str = "a server's address";
const MAX: usize = 253;

/// RFC 6761, RFC 7686, RFC 8375, RFC 9476, and what private networks use.
pub(super) const RESERVED_TLDS: [&str; 16] = [
    "alt",
    "arpa",
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
    "workgroup",
];

impl FediverseDomain {
    /// A domain of the customer's own.
    ///
    /// # Errors
    /// [`NameError`], with the sentence for whoever typed it.
    pub fn parse(text: &str, rules: &NameRules) -> Result<Self, NameError> {
        let ascii = to_ascii(text)?;
        if rules.platform_domains.iter().any(|it| is_at_or_under(&ascii, it)) {
            return Err(NameError::PlatformDomain { value: ascii });
        }
        let tld = ascii.rsplit('.').next().unwrap_or_default();
        if RESERVED_TLDS.contains(&tld) && !rules.allowed_tlds.iter().any(|it| it == tld) {
            return Err(NameError::ReservedTld { tld: tld.to_owned(), value: ascii });
        }
        if psl::domain_str(&ascii).is_none() {
            return Err(NameError::PublicSuffix { value: ascii });
        }
        check_scripts(&ascii)?;
        Ok(Self(ascii))
    }

    /// The address of a platform's customer.
    #[must_use]
    pub fn under_platform(slug: &Slug, platform_domain: &str) -> Self {
        Self(format!("{slug}.{platform_domain}"))
    }

    /// `label.` before this domain.
    ///
    /// # Errors
    /// Where that would be too long for a domain name.
    pub(crate) fn prefixed(&self, label: &str) -> Result<Self, NameError> {
        let name = format!("{label}.{}", self.0);
        if name.len() > MAX {
            return Err(NameError::TooLong { what: WHAT, value: shown(&self.0), max: MAX - label.len() - 1 });
        }
        Ok(Self(name))
    }

    /// Whether the name holds a word that needs the trademark owner's permission: to be asked about where the domain is the
    /// customer's own (DOC:user/run-your-own.md).
    #[must_use]
    pub fn asks_about_trademark(&self) -> bool {
        trademark_in(&self.0.replace('.', "-")).is_some()
    }

    /// Whether this is `other`, or a name below it.
    #[must_use]
    pub fn is_at_or_under(&self, other: &Self) -> bool {
        is_at_or_under(&self.0, &other.0)
    }

    /// The name as people read it: `bücher.example` for `xn--bcher-kva.example`.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }
}

pub(crate) fn is_at_or_under(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The name in ASCII and lower case, of legal form and with at least two labels.
pub(crate) fn to_ascii(text: &str) -> Result<String, NameError> {
    let typed = text.trim();
    let name = typed.strip_suffix('.').unwrap_or(typed);
    let malformed = |rule| NameError::Malformed { what: WHAT, value: shown(text), rule };
    if name.is_empty() {
        return Err(NameError::Missing { what: "address" });
    }
    if name.contains("://") || name.contains('/') || name.contains('@') {
        return Err(malformed("write the name alone, without https:// or anything before or after it"));
    }
    if name.starts_with('[') || name.parse::<std::net::IpAddr>().is_ok() {
        return Err(NameError::IpAddress { value: shown(text) });
    }
    if name.contains(':') {
        return Err(malformed("it can't have a port"));
    }
    if name.len() > 4 * MAX {
        return Err(NameError::TooLong { what: WHAT, value: shown(text), max: MAX });
    }
    let lenient = Uts46::new().to_ascii(name.as_bytes(), idna::AsciiDenyList::STD3, Hyphens::Check, DnsLength::Ignore);
    let ascii = lenient.map_err(|_| malformed("use letters, digits, hyphens and dots, with a hyphen only between two others"))?;
    if ascii.len() > MAX {
        return Err(NameError::TooLong { what: WHAT, value: shown(text), max: MAX });
    }
    if ascii.split('.').any(|it| it.is_empty() || it.len() > 63) {
        return Err(malformed("the parts between the dots have 1 to 63 characters"));
    }
    let Some((_, tld)) = ascii.rsplit_once('.') else {
        return Err(NameError::SingleLabel { value: ascii.into_owned() });
    };
    // Programs take a name that ends in a number for an IPv4 address (WHATWG URL).
    if tld.bytes().all(|it| it.is_ascii_digit()) || tld.starts_with("0x") {
        return Err(NameError::IpAddress { value: shown(text) });
    }
    if tld.len() < 2 || !tld.as_bytes()[0].is_ascii_lowercase() {
        return Err(malformed("its last part is no top-level domain"));
    }
    Ok(ascii.into_owned())
}

/// Each label in one script, and none that is Latin in another script's letters.
fn check_scripts(ascii: &str) -> Result<(), NameError> {
    let (unicode, _) = idna::domain_to_unicode(ascii);
    let latin_tld = ascii.rsplit('.').next().is_some_and(|it| !it.starts_with("xn--"));
    for label in unicode.split('.').filter(|it| !it.is_ascii()) {
        if !label.is_single_script() {
            return Err(NameError::MixedScript { value: unicode.clone() });
        }
        let read_as: String = unicode_security::skeleton(label).collect();
        if latin_tld && read_as.is_ascii() {
            return Err(NameError::LooksLikeLatin { value: unicode.clone(), like: unicode.replace(label, &read_as) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> NameRules {
        NameRules { platform_domains: vec!["fedi.localhost".to_owned()], allowed_tlds: vec!["test".to_owned()] }
    }

    #[test]
    fn legal_names_are_taken_in_ascii_and_lower_case() {
        for (typed, name) in [
            ("Birds.Social", "birds.social"),
            (" birds.example.org. ", "birds.example.org"),
            ("bücher.de", "xn--bcher-kva.de"),
            ("xn--bcher-kva.de", "xn--bcher-kva.de"),
            ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
            ("例え.jp", "xn--r8jz45g.jp"),
            ("ひらカナ漢字.jp", "xn--y9j3b8e6e728tv2ya.jp"),
            ("birds.co.uk", "birds.co.uk"),
            ("birds.github.io", "birds.github.io"),
            ("own.test", "own.test"),
        ] {
            assert_eq!(FediverseDomain::parse(typed, &rules()).as_ref().map(FediverseDomain::as_str), Ok(name), "{typed}");
        }
    }

    #[test]
    fn illegal_names_are_refused_with_their_reason() {
        let label = "a".repeat(64);
        let long = format!("{}.org", vec!["a".repeat(60); 5].join("."));
        let table = [
            ("", "missing"),
            (".", "missing"),
            ("birds", "single_label"),
            ("localhost", "single_label"),
            ("https://birds.social", "malformed"),
            ("birds.social/about", "malformed"),
            ("anna@birds.social", "malformed"),
            ("birds.social:443", "malformed"),
            ("bi rds.social", "malformed"),
            ("bi_rds.social", "malformed"),
            ("-birds.social", "malformed"),
            ("birds-.social", "malformed"),
            ("bi--rds.social", "malformed"),
            ("birds..social", "malformed"),
            (".birds.social", "malformed"),
            ("xn--zzzzzzzzzz99999.de", "malformed"),
            (label.as_str(), "malformed"),
            (long.as_str(), "too_long"),
            ("192.0.2.7", "ip_address"),
            ("[2001:db8::1]", "ip_address"),
            ("2001:db8::1", "ip_address"),
            ("birds.7", "ip_address"),
            ("0x7f.0x1", "ip_address"),
            ("co.uk", "public_suffix"),
            ("github.io", "public_suffix"),
            ("birds.localhost", "reserved_tld"),
            ("birds.example", "reserved_tld"),
            ("birds.local", "reserved_tld"),
            ("birds.onion", "reserved_tld"),
            ("pаypal.com", "mixed_script"),
            ("аррӏе.com", "looks_like_latin"),
            ("fedi.localhost", "platform_domain"),
            ("birds.fedi.localhost", "platform_domain"),
        ];
        for (text, expected) in table {
            let refused = FediverseDomain::parse(text, &rules()).map_err(|it| it.reason());
            assert_eq!(refused.err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_trademark_is_asked_about() {
        let asks = |text| FediverseDomain::parse(text, &rules()).unwrap().asks_about_trademark();
        assert!(asks("mastodon.birds.org"));
        assert!(asks("mstdn.jp"));
        assert!(asks("mast0don.org"));
        assert!(!asks("birds.org"));
    }

    #[test]
    fn under_means_at_a_dot() {
        assert!(is_at_or_under("a.example.org", "example.org"));
        assert!(is_at_or_under("example.org", "example.org"));
        assert!(!is_at_or_under("badexample.org", "example.org"));
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_stable_and_of_legal_form(text in "[a-zA-Z0-9äéа-я.-]{0,40}\\.(org|de|test|рф)") {
            if let Ok(domain) = FediverseDomain::parse(&text, &rules()) {
                let name = domain.as_str();
                prop_assert!(name.len() <= 253 && name.contains('.'));
                prop_assert!(name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-' || it == b'.'));
                prop_assert_eq!(FediverseDomain::parse(name, &rules()), Ok(domain.clone()));
            }
        }

        #[test]
        fn parsing_never_panics(text in ".{0,300}") {
            let _ = FediverseDomain::parse(&text, &rules());
        }
    }
}
