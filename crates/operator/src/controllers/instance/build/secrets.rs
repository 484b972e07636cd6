//! Which Secrets a server has, and where each comes from. Their content is made or copied when they are applied; what exists is
//! never made anew.

use howdah_crd::MEDIA_NAMESPACE;

use crate::config::Issuer;
use crate::controllers::instance::import::Import;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::{DatabaseCa, NewLink, Site, Valid};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretWish {
    pub namespace: String,
    pub name: String,
    pub source: SecretSource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An immutable copy of an inbox Secret; where it is there, the inbox is not asked for it again.
    Copy { from: String },
    /// Certificates of authorities, under [`super::CA_KEY`]; immutable.
    Authorities { pem: String },
    /// A random password under this key, made once.
    Password { key: &'static str },
    /// Made by a later step (the bucket's keys, the farewell's token), and kept.
    Later,
    /// A copy of the platform's wildcard certificate, brought up to date with it.
    PlatformCertificate { from: String },
    /// Signed by the CA in this inbox Secret, and renewed.
    Certificate { ca: String, host: String },
    /// Written by cert-manager.
    Foreign,
}

pub fn secrets(valid: &Valid<'_>) -> Vec<SecretWish> {
    let wish = |name: &str, source| SecretWish { namespace: valid.namespace.clone(), name: name.to_owned(), source };
    let mut wishes = vec![
        wish(names::IDENTITY, SecretSource::Copy { from: valid.spec.identity_secret_ref.name.clone() }),
        wish(&valid.smtp_secret, SecretSource::Copy { from: valid.spec.smtp_ref.name.clone() }),
        wish(names::DATABASE, SecretSource::Password { key: "DB_PASS" }),
        wish(names::REDIS, SecretSource::Password { key: "REDIS_PASSWORD" }),
        wish(names::OBJECT_STORE, SecretSource::Later),
    ];
    if let Some(DatabaseCa { secret, pem }) = &valid.database_ca {
        wishes.push(wish(secret, SecretSource::Authorities { pem: (*pem).to_owned() }));
    }
    if let Some(from) = &valid.owner_secret {
        wishes.push(wish(names::OWNER, SecretSource::Copy { from: from.clone() }));
    }
    if let Some(Import { is_loaded: false, key: Some(key), key_from, .. }) = &valid.import {
        wishes.push(wish(&key.secret, SecretSource::Copy { from: (*key_from).to_owned() }));
    }
    if let NewLink::Wanted { from, secret, .. } = &valid.new_link {
        wishes.push(wish(secret, SecretSource::Copy { from: from.clone() }));
    }
    if valid.farewell_wanted {
        wishes.push(wish(names::FAREWELL, SecretSource::Later));
    }
    if let Some(host) = valid.rehearsal {
        wishes.push(wish(names::PREVIEW_TLS, certificate(valid, host)));
    } else if valid.spec.routing.enabled {
        wishes.push(wish(names::WEB_TLS, certificate(valid, valid.spec.web_domain())));
        wishes.push(of_media(valid));
    }
    wishes
}

/// The media host's certificate, beside its Ingress.
pub fn of_media(site: &Site<'_>) -> SecretWish {
    SecretWish { namespace: MEDIA_NAMESPACE.to_owned(), name: names::media_tls(site.id), source: certificate(site, &site.media_domain) }
}

fn certificate(site: &Site<'_>, host: &str) -> SecretSource {
    match (site.platform_secret, site.issuer) {
        (Some(from), _) if site.on_platform(host) => SecretSource::PlatformCertificate { from: from.to_owned() },
        (_, Issuer::Ca { secret }) => SecretSource::Certificate { ca: secret.clone(), host: host.to_owned() },
        (_, Issuer::CertManager { .. }) => SecretSource::Foreign,
    }
}
