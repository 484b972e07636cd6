//! TLS to the server, believing what libpq believes at each `sslmode`: any certificate, one of a given authority, or that and its name.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::DatabaseError;
use crate::source::settings::{Roots, SslMode, Tls};

pub fn connector(tls: &Tls) -> Result<MakeRustlsConnect, DatabaseError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = tls.roots.as_ref().map(Believed::load).transpose()?;
    let verifier = Verifier { roots, name: tls.mode == SslMode::VerifyFull, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| DatabaseError::Certificates { path: "TLS".to_owned(), said: error.to_string() })?;
    Ok(MakeRustlsConnect::new(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()))
}

#[derive(Debug)]
struct Believed {
    authorities: RootCertStore,
    /// The file's own: a server's self-signed certificate may be given instead of an authority's.
    certificates: Vec<CertificateDer<'static>>,
}

impl Believed {
    fn load(roots: &Roots) -> Result<Self, DatabaseError> {
        let failed = |path: String| move |said: String| DatabaseError::Certificates { path, said };
        let (certificates, path) = match roots {
            Roots::System => {
                let found = rustls_native_certs::load_native_certs();
                if found.certs.is_empty() {
                    let said = found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
                    return Err(failed("the system's".to_owned())(said));
                }
                (found.certs, "the system's".to_owned())
            }
            Roots::File(path) => {
                let path_shown = path.display().to_string();
                let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
                (read.map_err(|error| failed(path_shown.clone())(error.to_string()))?, path_shown)
            }
        };
        let mut authorities = RootCertStore::empty();
        let (taken, _) = authorities.add_parsable_certificates(certificates.iter().cloned());
        if taken == 0 {
            return Err(failed(path)("it has no certificate that can be used".to_owned()));
        }
        Ok(Self { authorities, certificates })
    }
}

#[derive(Debug)]
struct Verifier {
    /// Without any, every certificate will do: the connection is hidden from listeners alone.
    roots: Option<Believed>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        let parsed = ParsedCertificate::try_from(certificate)?;
        if !roots.certificates.iter().any(|it| it == certificate) {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&parsed, &roots.authorities, intermediates, now, algorithms)?;
        }
        if self.name {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
