//! Each `sslmode` against servers that have TLS, have none, or insist on one or the other: before the test's own server stands one that ends TLS.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use howdah_bundle::source::{DatabaseHost, DatabaseSettings, Limits, Roots, Snapshot, SslMode, Tls};
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::{TestDatabase, server};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Serves {
    Both,
    PlainAlone,
    TlsAlone,
    /// It offers TLS, and `pg_hba.conf` then refuses it.
    TlsRefusedLater,
    TlsBroken,
}

/// What it was spoken to with, connection by connection: whether by TLS, and whether it went through.
type Seen = Arc<Mutex<Vec<bool>>>;

struct Front {
    port: u16,
    seen: Seen,
}

impl Front {
    async fn start(serves: Serves, tls: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, seen) = (listener.local_addr().unwrap().port(), Seen::default());
        let front = Self { port, seen: seen.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(serves, tls.clone(), stream, seen.clone()));
            }
        });
        front
    }

    /// Whether the last that went through was by TLS.
    fn last(&self) -> Option<bool> {
        self.seen.lock().unwrap().last().copied()
    }
}

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

async fn serve(serves: Serves, tls: TlsAcceptor, mut stream: TcpStream, seen: Seen) {
    let mut first = [0; 8];
    if stream.read_exact(&mut first).await.is_err() {
        return;
    }
    if first != SSL_REQUEST {
        return if serves == Serves::TlsAlone { refuse(&mut stream).await } else { pass(stream, &first, seen, false).await };
    }
    match serves {
        Serves::PlainAlone => {
            stream.write_all(b"N").await.unwrap();
            if stream.read_exact(&mut first).await.is_ok() {
                pass(stream, &first, seen, false).await;
            }
        }
        Serves::TlsBroken => drop(stream.write_all(b"Snonsense").await),
        Serves::Both | Serves::TlsAlone | Serves::TlsRefusedLater => {
            stream.write_all(b"S").await.unwrap();
            let Ok(mut stream) = tls.accept(stream).await else { return };
            if serves == Serves::TlsRefusedLater {
                refuse(&mut stream).await;
            } else {
                pass(stream, &[], seen, true).await;
            }
        }
    }
}

async fn refuse(stream: &mut (impl AsyncWrite + Unpin)) {
    let fields = b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    let _ = stream.write_all(&[b"E", length.as_slice(), fields].concat()).await;
    let _ = stream.shutdown().await;
}

async fn pass(mut stream: impl AsyncRead + AsyncWrite + Unpin, first: &[u8], seen: Seen, by_tls: bool) {
    let url = server();
    let mut behind = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap_or(5432))).await.unwrap();
    seen.lock().unwrap().push(by_tls);
    behind.write_all(first).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut behind).await;
}

/// Certificates of an authority for a name, of another authority, and one that signed itself.
struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for authority in ["ours", "others"] {
            let mut of_authority = CertificateParams::new(Vec::new()).unwrap();
            of_authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            of_authority.distinguished_name.push(rcgen::DnType::CommonName, authority);
            let key = KeyPair::generate().unwrap();
            write(folder.path(), &format!("{authority}.crt"), &of_authority.self_signed(&key).unwrap().pem());
            let issuer = Issuer::new(of_authority, key);
            let key = KeyPair::generate().unwrap();
            let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
            write(folder.path(), &format!("of-{authority}.crt"), &certificate.pem());
            write(folder.path(), &format!("of-{authority}.key"), &key.serialize_pem());
            let key = KeyPair::generate().unwrap();
            let elsewhere = CertificateParams::new(vec!["elsewhere.example".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
            write(folder.path(), &format!("elsewhere-of-{authority}.crt"), &elsewhere.pem());
            write(folder.path(), &format!("elsewhere-of-{authority}.key"), &key.serialize_pem());
        }
        let key = KeyPair::generate().unwrap();
        write(folder.path(), "itself.crt", &CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap().pem());
        write(folder.path(), "itself.key", &key.serialize_pem());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let certificate = CertificateDer::from_pem_file(self.path(&format!("{name}.crt"))).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth().with_single_cert(vec![certificate], key);
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn through(front: &Front, database: &TestDatabase, mode: SslMode, roots: Option<Roots>) -> DatabaseSettings {
    DatabaseSettings { host: DatabaseHost::Tcp("localhost".to_owned()), port: front.port, tls: Tls { mode, roots }, ..database.settings() }
}

#[tokio::test]
async fn each_mode_tries_what_libpq_tries() {
    let (database, certificates) = (TestDatabase::mastodon().await, Certificates::make());
    for (serves, by_mode) in [
        (Serves::Both, [Some(false), Some(false), Some(true), Some(true)]),
        (Serves::PlainAlone, [Some(false), Some(false), Some(false), None]),
        (Serves::TlsAlone, [None, Some(true), Some(true), Some(true)]),
        (Serves::TlsRefusedLater, [Some(false), Some(false), Some(false), None]),
        (Serves::TlsBroken, [Some(false), Some(false), Some(false), None]),
    ] {
        for (mode, expected) in [SslMode::Disable, SslMode::Allow, SslMode::Prefer, SslMode::Require].into_iter().zip(by_mode) {
            let front = Front::start(serves, certificates.acceptor("itself")).await;
            let opened = Snapshot::open(&through(&front, &database, mode, None), &Limits::default()).await;
            assert_eq!(opened.is_ok(), expected.is_some(), "{serves:?}, {}: {:?}", mode.as_str(), opened.err());
            assert_eq!(front.last(), expected, "{serves:?}, {}", mode.as_str());
        }
    }
}

#[tokio::test]
async fn a_certificate_is_believed_as_libpq_believes_it() {
    let (database, certificates) = (TestDatabase::mastodon().await, Certificates::make());
    for (mode, roots, certificate, believed) in [
        (SslMode::VerifyCa, "ours", "of-ours", true),
        (SslMode::VerifyCa, "ours", "elsewhere-of-ours", true),
        (SslMode::VerifyCa, "ours", "of-others", false),
        (SslMode::VerifyCa, "ours", "itself", false),
        (SslMode::VerifyCa, "itself", "itself", true),
        (SslMode::VerifyFull, "ours", "of-ours", true),
        (SslMode::VerifyFull, "ours", "elsewhere-of-ours", false),
        (SslMode::VerifyFull, "ours", "of-others", false),
        (SslMode::VerifyFull, "itself", "itself", true),
    ] {
        let front = Front::start(Serves::Both, certificates.acceptor(certificate)).await;
        let roots = Roots::File(certificates.path(&format!("{roots}.crt")));
        let opened = Snapshot::open(&through(&front, &database, mode, Some(roots)), &Limits::default()).await;
        assert_eq!(opened.is_ok(), believed, "{} {certificate}: {:?}", mode.as_str(), opened.err());
        assert_eq!(front.last(), believed.then_some(true), "{} {certificate}", mode.as_str());
    }
}

/// A preference that can't be kept is given up, as libpq does; a demand is not.
#[tokio::test]
async fn without_the_right_authority_prefer_goes_without_tls() {
    let (database, certificates) = (TestDatabase::mastodon().await, Certificates::make());
    let front = Front::start(Serves::Both, certificates.acceptor("of-others")).await;
    let roots = Some(Roots::File(certificates.path("ours.crt")));
    Snapshot::open(&through(&front, &database, SslMode::Prefer, roots), &Limits::default()).await.unwrap();
    assert_eq!(front.last(), Some(false));
}

#[tokio::test]
async fn a_file_without_certificates_is_named() {
    let (database, certificates) = (TestDatabase::mastodon().await, Certificates::make());
    let front = Front::start(Serves::Both, certificates.acceptor("of-ours")).await;
    for name in ["nothing.crt", "of-ours.key"] {
        let roots = Some(Roots::File(certificates.path(name)));
        let error = Snapshot::open(&through(&front, &database, SslMode::VerifyFull, roots), &Limits::default()).await.err().unwrap();
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(front.last(), None);
}
