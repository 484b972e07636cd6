use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use howdah_domain::InstanceId;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use secrecy::SecretString;

use super::*;
use crate::provider::{DatabaseServer, SslMode};

/// Its certificate, and a key.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

/// What speaks TLS as PostgreSQL does, in the name `localhost`, and then knows nobody's password. Returns its port.
fn server(issuer: &Issuer<'static, KeyPair>) -> u16 {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut request = [0; 8];
            socket.read_exact(&mut request).unwrap();
            socket.write_all(b"S").unwrap();
            let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::Stream::new(&mut session, &mut socket);
            // Whoever doesn't trust the certificate is gone before it says who it is.
            if stream.read(&mut [0; 1024]).is_ok_and(|it| it > 0) {
                let fields = b"SFATAL\0VFATAL\0C28P01\0Mwrong password\0\0";
                let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
                stream.write_all(&[b"E", &length[..], fields].concat()).unwrap();
            }
        }
    });
    port
}

fn file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("howdah-operator-{}-{name}.pem", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn the_password_is_said_only_to_a_server_of_the_right_name_and_authority() {
    let ((good, issuer), (other, _)) = (authority(), authority());
    let (good, other) = (file("good", &good), file("other", &other));
    let port = server(&issuer);
    for (host, ca_file, trusted) in [
        ("localhost", Some(&good), true),
        ("localhost", Some(&other), false),
        ("127.0.0.1", Some(&good), false),
        // The system's own.
        ("localhost", None, false),
    ] {
        let settings = DatabaseServerSettings {
            host: host.to_owned(),
            port,
            user: "p".to_owned(),
            password: SecretString::from("p"),
            sslmode: SslMode::VerifyFull,
            ca_file: ca_file.cloned(),
            database: "postgres".to_owned(),
            template: "t".to_owned(),
        };
        let id = InstanceId::from_uuid(uuid::Uuid::nil());
        let error = DatabaseServer::new(settings).lock(id).await.err().expect("no password is right");
        let reached = matches!(&error, DatabaseError::Connect { source, .. } if source.code().is_some());
        assert_eq!(reached, trusted, "{host} {ca_file:?}: {error:?}");
        assert!(!error.is_unavailable(), "waiting helps nobody: {host} {ca_file:?}: {error:?}");
    }
    for path in [good, other] {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn of_the_file_tenants_see_its_certificates_alone() {
    let ((first, _), (second, _)) = (authority(), authority());
    let key = KeyPair::generate().unwrap().serialize_pem();
    let path = file("mixed", &format!("# ours\n{first}{key}\n{second}"));
    let found = authorities(&path).unwrap();
    std::fs::write(&path, &key).unwrap();
    assert!(matches!(authorities(&path), Err(DatabaseError::Authorities { .. })), "no certificate in it");
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(authorities(&path), Err(DatabaseError::Authorities { .. })), "no file");
    let lines = |text: &str| text.lines().map(|it| it.trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(&found), lines(&format!("{first}{second}")));
}
