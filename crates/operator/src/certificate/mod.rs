//! The certificate provider `ca`: certificates for servers' hosts, signed by an authority whose key the operator holds.
//!
//! For private networks and development. On the public web, cert-manager orders them; this module knows nothing of it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose, SerialNumber};
use secrecy::SecretString;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Machines whose clocks run behind take a new certificate too.
const BACKDATED: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("the certificate authority's certificate or key cannot be used")]
    Authority(#[source] rcgen::Error),
    #[error("the certificate authority's certificate cannot be read")]
    Unreadable,
    #[error("the certificate authority has expired")]
    Expired,
    #[error("failed to sign a certificate for {}", names.join(", "))]
    Sign {
        names: Vec<String>,
        #[source]
        source: rcgen::Error,
    },
}

/// A certificate and its key, as `tls.crt` and `tls.key` of a Secret.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate, then its authority's.
    pub chain_pem: String,
    pub key_pem: SecretString,
}

/// What signs.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    not_after: Timestamp,
}

impl CertificateAuthority {
    /// From `tls.crt` and `tls.key` of the authority's Secret.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, CertificateError> {
        let key = KeyPair::from_pem(key).map_err(CertificateError::Authority)?;
        let issuer = Issuer::from_ca_cert_pem(certificate, key).map_err(CertificateError::Authority)?;
        let not_after = Facts::read(certificate).ok_or(CertificateError::Unreadable)?.not_after;
        Ok(Self { issuer, certificate_pem: certificate.trim().to_owned(), not_after })
    }

    /// A new key and a certificate for it, for 90 days or as long as the authority itself lasts. `serial` is random.
    pub fn sign(&self, names: &[String], now: Timestamp, serial: [u8; 16]) -> Result<Certificate, CertificateError> {
        let failed = |source| CertificateError::Sign { names: names.to_vec(), source };
        let not_after = (now + LIFETIME).min(self.not_after);
        if not_after <= now {
            return Err(CertificateError::Expired);
        }
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(names).map_err(failed)?;
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + since_epoch(now - BACKDATED);
        params.not_after = epoch + since_epoch(not_after);
        params.serial_number = Some(SerialNumber::from(positive(serial).to_vec()));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        // Only the alternative names count; the subject's own is limited to 64 characters, which a host's isn't.
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Mastodon server");
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Certificate {
            chain_pem: format!("{}\n{}\n", certificate.pem().trim(), self.certificate_pem),
            key_pem: SecretString::from(key.serialize_pem()),
        })
    }
}

/// True where a third of its life or less is left, where it is for other names, or where it can't be read.
#[must_use]
pub fn needs_renewal(certificate_pem: &str, names: &[String], now: Timestamp) -> bool {
    let Some(Facts { names: present, not_before, not_after }) = Facts::read(certificate_pem) else {
        return true;
    };
    let wanted: BTreeSet<_> = names.iter().cloned().collect();
    let life = not_after.duration_since(not_before);
    present != wanted || not_after.duration_since(now) <= life / 3
}

/// What counts of the first certificate in a PEM file.
struct Facts {
    names: BTreeSet<String>,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Facts {
    fn read(pem: &str) -> Option<Self> {
        let pem = Pem::iter_from_buffer(pem.as_bytes()).next()?.ok()?;
        let certificate = pem.parse_x509().ok()?;
        let alternative = certificate.subject_alternative_name().ok()?;
        let names = alternative.iter().flat_map(|it| &it.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        Some(Self {
            names: names.collect(),
            not_before: Timestamp::from_second(certificate.validity().not_before.timestamp()).ok()?,
            not_after: Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?,
        })
    }
}

fn since_epoch(time: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default())
}

/// A serial number is a positive integer, without leading zeros.
fn positive(mut serial: [u8; 16]) -> [u8; 16] {
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

#[cfg(test)]
mod tests;
