//! What the installation says: fixed while the process runs. What an operator changes meanwhile lies in the record's settings.

use std::net::IpAddr;

use chrono::TimeDelta;
use howdah_crd::secrets::smtp;
use howdah_domain::{InstanceId, NameRules, Randomness, Release};
use secrecy::{ExposeSecret, SecretString};

use crate::identity;
use crate::sealed::Variables;

#[derive(Debug, Clone)]
pub struct Config {
    pub names: NameRules,
    /// `https://howdah.example`: for links in mails.
    pub dashboard_url: String,
    /// How long a Close or Remove can be undone.
    pub grace: TimeDelta,
    /// Addresses at which the clusters' ingress is reached from outside: what an own domain's records have to say.
    pub ingress_addresses: Vec<IpAddr>,
    /// A name with those addresses, for CNAME records; absent where there is none.
    pub ingress_name: Option<String>,
    /// Whom our certificates are from, as CAA records name it: `letsencrypt.org`.
    pub certificate_authority: String,
    pub relay: Relay,
    /// Other images than Mastodon's own; `{version}` stands for the version.
    pub images: Option<Images>,
}

/// The mail relay of the customers' servers. Each server has a login of its own.
#[derive(Debug, Clone)]
pub struct Relay {
    pub server: String,
    pub port: u16,
    /// A password that the relay takes for every server's login; absent: each has its own, random.
    pub password: Option<SecretString>,
    /// The domain of the sender's address: `mi-…@<domain>`.
    pub from_domain: String,
    pub starttls: Starttls,
}

/// Whether the servers speak to the relay encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starttls {
    /// Or not at all.
    Always,
    /// Where it is offered: whoever stands in between can hide the offer.
    Auto,
    Never,
}

impl Starttls {
    /// Mastodon's word, UP:config/email.yml and UP:lib/mastodon/email_configuration_helper.rb.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Auto => "auto",
            Self::Never => "never",
        }
    }
}

impl Relay {
    /// A server's login: the variables of its Secret.
    pub(crate) fn login_of(&self, id: InstanceId, randomness: &dyn Randomness) -> Variables {
        let login = id.resource_name();
        let password = match &self.password {
            Some(password) => password.expose_secret().to_owned(),
            None => identity::new_token(randomness),
        };
        Variables::from([
            (smtp::SERVER.to_owned(), self.server.clone()),
            (smtp::PORT.to_owned(), self.port.to_string()),
            (smtp::FROM_ADDRESS.to_owned(), format!("{login}@{}", self.from_domain)),
            (smtp::LOGIN.to_owned(), login),
            (smtp::PASSWORD.to_owned(), password),
            (smtp::ENABLE_STARTTLS.to_owned(), self.starttls.as_str().to_owned()),
        ])
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    pub mastodon: String,
    pub streaming: String,
}

impl Config {
    /// The images that a release is run from: Mastodon's and streaming's.
    #[must_use]
    pub fn images_of(&self, release: &Release) -> (String, String) {
        let filled = |text: &str| text.replace("{version}", &release.version.to_string());
        match &self.images {
            Some(images) => (filled(&images.mastodon), filled(&images.streaming)),
            None => (release.image.clone(), release.streaming_image.clone()),
        }
    }
}
