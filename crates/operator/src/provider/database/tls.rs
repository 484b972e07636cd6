//! Who may have signed a database server's certificate: the authorities of `caFile`, or, without one, those that the system
//! trusts. They are read anew each time: authorities are rotated while the operator runs.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};

use super::{DatabaseError, DatabaseServerSettings};

/// Characters in a line of PEM.
const LINE: usize = 64;

pub(super) fn client(settings: &DatabaseServerSettings) -> Result<rustls::ClientConfig, DatabaseError> {
    let mut roots = rustls::RootCertStore::empty();
    match &settings.ca_file {
        Some(path) => {
            for certificate in read(path)? {
                roots.add(certificate).map_err(DatabaseError::Tls)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(DatabaseError::NoAuthorities { server: format!("{}:{}", settings.host, settings.port) });
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(DatabaseError::Tls)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The file's certificates in PEM, and nothing else of what lies in it: tenants get to see this.
pub(super) fn authorities(path: &Path) -> Result<String, DatabaseError> {
    Ok(read(path)?.iter().map(pem).collect())
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, DatabaseError> {
    let unreadable = |source| DatabaseError::Authorities { path: path.to_owned(), source };
    let found: Vec<_> = CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    if found.is_empty() { Err(unreadable(PemError::NoItemsFound)) } else { Ok(found) }
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = data_encoding::BASE64.encode(certificate);
    let lines: Vec<&str> = (0..text.len()).step_by(LINE).map(|at| &text[at..text.len().min(at + LINE)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
