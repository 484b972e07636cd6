//! The key pair of an actor, and the HTTP signature (draft-cavage, as the fediverse speaks it) that it makes.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use aws_lc_rs::{digest, error::Unspecified};
use chrono::{DateTime, Utc};
use data_encoding::BASE64;

/// An RSA pair, both halves as PEM.
pub struct ActorKey {
    pub private_pem: String,
    pub public_pem: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the actor's signing key can't be used")]
pub struct BadKey;

impl From<Unspecified> for BadKey {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl ActorKey {
    pub fn generate() -> Result<Self, BadKey> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let private: Pkcs8V1Der<'_> = pair.as_der()?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
        Ok(Self { private_pem: pem("PRIVATE KEY", private.as_ref()), public_pem: pem("PUBLIC KEY", public.as_ref()) })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = BASE64.encode(der);
    let lines: Vec<&str> = encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn der_of(pem: &str) -> Option<Vec<u8>> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64.decode(body.as_bytes()).ok()
}

/// The headers of a signed delivery.
pub struct SignedHeaders {
    pub date: String,
    pub digest: String,
    pub signature: String,
}

/// Signs a POST of `body` to `path` of `host` as the actor whose key has the id `key_id`.
pub fn sign_post(
    private_pem: &str,
    key_id: &str,
    host: &str,
    path: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<SignedHeaders, BadKey> {
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let digest = format!("SHA-256={}", BASE64.encode(digest::digest(&digest::SHA256, body).as_ref()));
    let signed = format!("(request-target): post {path}\nhost: {host}\ndate: {date}\ndigest: {digest}");
    let pair = KeyPair::from_pkcs8(&der_of(private_pem).ok_or(BadKey)?).map_err(|_| BadKey)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)?;
    let signature = format!(
        r#"keyId="{key_id}",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="{}""#,
        BASE64.encode(&signature)
    );
    Ok(SignedHeaders { date, digest, signature })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_delivery_is_signed_by_the_key_that_the_actor_shows() {
        let key = ActorKey::generate().unwrap();
        let now = "2026-08-07T12:00:00Z".parse().unwrap();
        let headers = sign_post(&key.private_pem, "https://a.example/users/b#main-key", "c.example", "/inbox", b"{}", now).unwrap();
        assert_eq!(headers.date, "Fri, 07 Aug 2026 12:00:00 GMT");
        assert_eq!(headers.digest, "SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
        let signature = headers.signature.split("signature=\"").nth(1).unwrap().trim_end_matches('"');
        let signed = format!("(request-target): post /inbox\nhost: c.example\ndate: {}\ndigest: {}", headers.date, headers.digest);
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der_of(&key.public_pem).unwrap());
        public.verify(signed.as_bytes(), &BASE64.decode(signature.as_bytes()).unwrap()).unwrap();
    }

    #[test]
    fn what_is_no_key_is_said() {
        assert!(sign_post("", "id", "host", "/", b"", "2026-08-07T12:00:00Z".parse().unwrap()).is_err());
    }
}
