//! Who the server is: its names and the secrets it was born with.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use data_encoding::BASE64URL_NOPAD;

use super::reader::{Reader, Refusal};
use crate::version::Version;

#[derive(Clone, Debug)]
pub struct Identity {
    pub local_domain: String,
    pub web_domain: String,
    pub alternate_domains: Vec<String>,
    pub secret_key_base: String,
    pub record_encryption: RecordEncryption,
    pub vapid_public_key: String,
}

/// The three `ACTIVE_RECORD_ENCRYPTION_*`: from 4.7 every local signing key is encrypted with them.
#[derive(Clone, Debug)]
pub struct RecordEncryption {
    pub primary_key: String,
    pub key_derivation_salt: String,
}

impl Identity {
    /// The names this server answers to; any other `Host` is refused (UP:config/initializers/1_hosts.rb).
    pub fn answers_to(&self, host: &str) -> bool {
        let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name);
        let mut names = [&self.local_domain, &self.web_domain].into_iter().chain(&self.alternate_domains);
        names.any(|known| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host))
    }
}

pub fn read(reader: &mut Reader<'_>, version: Version) -> Identity {
    let local_domain = reader.checked("LOCAL_DOMAIN", "a host name is wanted, without scheme or path", is_host);
    let web_domain = optional_host(reader, "WEB_DOMAIN").unwrap_or_else(|| local_domain.clone());
    let alternate_domains: Vec<String> = reader
        .env
        .get("ALTERNATE_DOMAINS")
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if !alternate_domains.iter().all(|name| is_host(name)) {
        reader.malformed("ALTERNATE_DOMAINS", "host names with commas between them are wanted");
    }
    let is_hex = |key: &str| key.len() == 128 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let secret_key_base = reader.checked("SECRET_KEY_BASE", "128 hexadecimal digits are wanted", is_hex);
    let record_encryption = RecordEncryption {
        primary_key: encryption_key(reader, "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"),
        key_derivation_salt: encryption_key(reader, "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT"),
    };
    encryption_key(reader, "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY");
    if version.line() < (4, 4) {
        reader.required("OTP_SECRET");
    }
    let vapid_public_key = vapid(reader);
    Identity { local_domain, web_domain, alternate_domains, secret_key_base, record_encryption, vapid_public_key }
}

/// Blank or a placeholder aborts the boot (UP:config/initializers/active_record_encryption.rb).
fn encryption_key(reader: &mut Reader<'_>, name: &str) -> String {
    let key = reader.required(name);
    if key.ends_with("DO_NOT_USE_IN_PRODUCTION") {
        reader.refuse(Refusal::Placeholder { name: name.to_owned() });
    }
    key
}

/// A P-256 pair, base64url, padded or not: web push signs with it.
fn vapid(reader: &mut Reader<'_>) -> String {
    let decode = |key: &str| BASE64URL_NOPAD.decode(key.trim_end_matches('=').as_bytes()).ok();
    let private =
        reader.checked("VAPID_PRIVATE_KEY", "base64url of 32 bytes is wanted", |key| decode(key).is_some_and(|key| key.len() == 32));
    let is_point = |key: &str| decode(key).is_some_and(|key| key.len() == 65 && key[0] == 4);
    let public = reader.checked("VAPID_PUBLIC_KEY", "base64url of an uncompressed P-256 point is wanted", is_point);
    if let (Some(private_key), Some(public_key)) = (decode(&private), decode(&public))
        && private_key.len() == 32
        && public_key.len() == 65
        && EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &private_key, &public_key).is_err()
    {
        reader.malformed("VAPID_PUBLIC_KEY", "it does not belong to VAPID_PRIVATE_KEY");
    }
    public
}

fn optional_host(reader: &mut Reader<'_>, name: &str) -> Option<String> {
    let host = reader.env.get(name)?;
    if !is_host(host) {
        reader.malformed(name, "a host name is wanted, without scheme or path");
    }
    Some(host.to_owned())
}

pub fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}
