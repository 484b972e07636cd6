use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use secrecy::ExposeSecret;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

fn authority_until(year: i32) -> (CertificateAuthority, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
    let pem = params.self_signed(&key).expect("a certificate").pem();
    (CertificateAuthority::from_pem(&pem, &key.serialize_pem()).expect("an authority"), pem)
}

/// What a browser would say.
fn accepted(chain: &str, root: &str, host: &str, now: Timestamp) -> bool {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).expect("a certificate")).expect("a root");
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("a verifier");
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().expect("certificates");
    let host = ServerName::try_from(host.to_owned()).expect("a host");
    verifier.verify_server_cert(&chain[0], &chain[1..], &host, &[], UnixTime::since_unix_epoch(since_epoch(now))).is_ok()
}

#[test]
fn a_certificate_is_accepted_for_its_names_and_its_time() {
    let (authority, root) = authority_until(2036);
    let now = at("2026-08-01T12:00:00Z");
    let long = format!("{}.example.org", "a".repeat(63));
    let certificate = authority.sign(&names(&["social.example.org", &long]), now, [0xff; 16]).expect("a certificate");
    for (host, time, expected) in [
        ("social.example.org", now, true),
        (long.as_str(), now, true),
        ("media.social.example.org", now, false),
        ("social.example.org", now + SignedDuration::from_hours(89 * 24), true),
        ("social.example.org", now + SignedDuration::from_hours(91 * 24), false),
        ("social.example.org", now - SignedDuration::from_hours(2), false),
    ] {
        assert_eq!(accepted(&certificate.chain_pem, &root, host, time), expected, "{host} at {time}");
    }
    assert!(KeyPair::from_pem(certificate.key_pem.expose_secret()).is_ok());
}

#[test]
fn two_certificates_have_two_keys() {
    let (authority, _) = authority_until(2036);
    let now = at("2026-08-01T12:00:00Z");
    let sign = || authority.sign(&names(&["a.example.org"]), now, [1; 16]).expect("a certificate");
    assert_ne!(sign().key_pem.expose_secret(), sign().key_pem.expose_secret());
}

#[test]
fn renewed_with_a_third_of_its_life_left_or_for_other_names() {
    let (authority, _) = authority_until(2036);
    let now = at("2026-08-01T12:00:00Z");
    let pem = authority.sign(&names(&["b.example.org", "a.example.org"]), now, [7; 16]).expect("a certificate").chain_pem;
    let same = names(&["a.example.org", "b.example.org"]);
    for (wanted, days, expected) in [
        (&same, 0, false),
        (&same, 59, false),
        (&same, 61, true),
        (&same, 100, true),
        (&names(&["a.example.org"]), 0, true),
        (&names(&["a.example.org", "c.example.org"]), 0, true),
    ] {
        assert_eq!(needs_renewal(&pem, wanted, now + SignedDuration::from_hours(days * 24)), expected, "{wanted:?} after {days} days");
    }
    assert!(needs_renewal("no certificate", &same, now));
}

#[test]
fn a_certificate_does_not_outlive_its_authority() {
    let (authority, root) = authority_until(2027);
    let now = at("2026-12-20T00:00:00Z");
    let pem = authority.sign(&names(&["a.example.org"]), now, [7; 16]).expect("a certificate").chain_pem;
    assert!(accepted(&pem, &root, "a.example.org", at("2026-12-31T00:00:00Z")));
    assert_eq!(Facts::read(&pem).expect("facts").not_after, at("2027-01-01T00:00:00Z"));
    let late = authority.sign(&names(&["a.example.org"]), at("2027-01-02T00:00:00Z"), [7; 16]);
    assert!(matches!(late, Err(CertificateError::Expired)));
}

#[test]
fn what_is_no_authority_is_refused() {
    let key = KeyPair::generate().expect("a key").serialize_pem();
    assert!(matches!(CertificateAuthority::from_pem("nothing", &key), Err(CertificateError::Authority(_))));
    assert!(matches!(CertificateAuthority::from_pem("nothing", "nothing"), Err(CertificateError::Authority(_))));
}
