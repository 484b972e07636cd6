//! Where a server is: the three names that the first federated post fixes for ever.

use crate::names::{FediverseDomain, NameError, NameRules, Slug, domain_form};

/// `LOCAL_DOMAIN`, `WEB_DOMAIN` and the media host of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// In people's handles.
    pub local_domain: FediverseDomain,
    /// Where the server answers.
    pub web_domain: FediverseDomain,
    /// Where its media is served: `media.` before the web domain.
    pub media_domain: FediverseDomain,
    pub kind: AddressKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressKind {
    /// A name directly under one of the platform's domains: needs no proof.
    Platform { slug: Slug },
    /// The customer's own: served only after its proof.
    Own,
}

/// The refusal of an address, with the field that it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct AddressError {
    /// `domain` or `web_domain`.
    pub field: &'static str,
    #[source]
    pub error: NameError,
}

impl ServerAddress {
    /// From what was typed. Without `web_domain` the server answers at `domain` itself.
    ///
    /// # Errors
    /// [`AddressError`], with the field and the sentence for whoever typed it.
    pub fn parse(domain: &str, web_domain: Option<&str>, rules: &NameRules) -> Result<Self, AddressError> {
        let at = |field| move |error| AddressError { field, error };
        let web_domain = web_domain.filter(|it| !it.trim().is_empty());
        let (local, kind) = match Self::parse_platform(domain, rules).map_err(at("domain"))? {
            Some((slug, name)) => (name, AddressKind::Platform { slug }),
            None => (FediverseDomain::parse(domain, rules).map_err(at("domain"))?, AddressKind::Own),
        };
        let web = match (web_domain, &kind) {
            (None, _) => local.clone(),
            (Some(text), AddressKind::Own) => FediverseDomain::parse(text, rules).map_err(at("web_domain"))?,
            (Some(text), AddressKind::Platform { .. }) => {
                let ascii = domain_form(text).map_err(at("web_domain"))?;
                if ascii != local.as_str() {
                    let rule = "an address under this platform is the handles' domain and the server's at once: leave it out";
                    return Err(at("web_domain")(NameError::Malformed { what: "another web address", value: ascii, rule }));
                }
                local.clone()
            }
        };
        let media = web.prefixed("media").map_err(at(if web == local { "domain" } else { "web_domain" }))?;
        Ok(Self { local_domain: local, web_domain: web, media_domain: media, kind })
    }

    /// The slug and name, where `domain` is one label before a platform domain.
    fn parse_platform(domain: &str, rules: &NameRules) -> Result<Option<(Slug, FediverseDomain)>, NameError> {
        let typed = domain.trim().trim_end_matches('.').to_ascii_lowercase();
        for platform in &rules.platform_domains {
            let Some(label) = typed.strip_suffix(platform.as_str()).and_then(|it| it.strip_suffix('.')) else {
                continue;
            };
            if label.contains('.') {
                return Err(NameError::PlatformDomain { value: typed });
            }
            let slug: Slug = label.parse()?;
            let name = FediverseDomain::under_platform(&slug, platform);
            return Ok(Some((slug, name)));
        }
        Ok(None)
    }

    /// Every host name that the server takes, each once.
    #[must_use]
    pub fn hosts(&self) -> Vec<&FediverseDomain> {
        let mut hosts = vec![&self.local_domain];
        if self.web_domain != self.local_domain {
            hosts.push(&self.web_domain);
        }
        hosts.push(&self.media_domain);
        hosts
    }

    /// The domains whose possession has to be proven: none for a platform address; the web domain besides the handles'
    /// where it is not below it.
    #[must_use]
    pub fn to_be_proven(&self) -> Vec<&FediverseDomain> {
        match self.kind {
            AddressKind::Platform { .. } => Vec::new(),
            AddressKind::Own if self.web_domain.is_at_or_under(&self.local_domain) => vec![&self.local_domain],
            AddressKind::Own => vec![&self.local_domain, &self.web_domain],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> NameRules {
        NameRules { platform_domains: vec!["fedi.localhost".to_owned()], allowed_tlds: vec![] }
    }

    fn names(domains: &[&FediverseDomain]) -> Vec<String> {
        domains.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_platform_address_is_one_label() {
        let address = ServerAddress::parse("Birds.fedi.localhost", None, &rules()).unwrap();
        assert_eq!(address.kind, AddressKind::Platform { slug: "birds".parse().unwrap() });
        assert_eq!(names(&address.hosts()), ["birds.fedi.localhost", "media.birds.fedi.localhost"]);
        assert!(address.to_be_proven().is_empty());
        assert_eq!(ServerAddress::parse("birds.fedi.localhost", Some("birds.fedi.localhost"), &rules()), Ok(address));
    }

    #[test]
    fn an_own_address_may_split_handles_and_server() {
        let one = ServerAddress::parse("birds.social", None, &rules()).unwrap();
        assert_eq!(names(&one.hosts()), ["birds.social", "media.birds.social"]);
        let below = ServerAddress::parse("birds.org", Some("social.birds.org"), &rules()).unwrap();
        assert_eq!(names(&below.hosts()), ["birds.org", "social.birds.org", "media.social.birds.org"]);
        assert_eq!(names(&below.to_be_proven()), ["birds.org"]);
        let beside = ServerAddress::parse("birds.org", Some("birds.social"), &rules()).unwrap();
        assert_eq!(names(&beside.to_be_proven()), ["birds.org", "birds.social"]);
    }

    #[test]
    fn what_cannot_be_served_is_refused_at_its_field() {
        let long = format!("{}.{}.org", vec!["a".repeat(60); 4].join("."), "b");
        let table = [
            ("birds.org", Some("x.fedi.localhost"), "web_domain", "platform_domain"),
            ("birds.fedi.localhost", Some("birds.org"), "web_domain", "malformed"),
            ("a.b.fedi.localhost", None, "domain", "platform_domain"),
            ("fedi.localhost", None, "domain", "platform_domain"),
            ("admin.fedi.localhost", None, "domain", "reserved"),
            ("mastodon.fedi.localhost", None, "domain", "trademark"),
            (long.as_str(), None, "domain", "too_long"),
            ("birds", None, "domain", "single_label"),
        ];
        for (domain, web, field, reason) in table {
            let refused = ServerAddress::parse(domain, web, &rules()).unwrap_err();
            assert_eq!((refused.field, refused.error.reason()), (field, reason), "{domain}");
        }
    }
}
