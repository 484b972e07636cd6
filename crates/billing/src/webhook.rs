//! What comes to the webhook's endpoint: nothing of it is read before its signature is found good.
//!
//! Stripe signs `<t>.<body>` with HMAC-SHA256 and the endpoint's secret, and sends `Stripe-Signature: t=…,v1=…`; while a secret
//! is rolled there are two signatures, and here there may be two secrets.

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::event::Received;

/// How old, or ahead of our clock, a signature may be.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// Stripe's largest events, invoices with their first lines, are far below.
pub const BODY_LIMIT: usize = 1024 * 1024;
const HEADER_LIMIT: usize = 4096;
/// One for each secret that is good, and there are two at most.
const SIGNATURES: usize = 16;

/// Why an event is not taken. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the body is longer than 1 MiB")]
    Oversized,
    #[error("the header Stripe-Signature is none of Stripe's")]
    Malformed,
    #[error("no signature is good: another secret, or another body")]
    Forged,
    #[error("it was signed at {signed}, more than 5 minutes from now: an old event that is sent again, or a clock that is wrong")]
    Stale { signed: DateTime<Utc> },
    #[error("it is signed and no event of Stripe's API")]
    Unreadable,
}

/// Whether this came from Stripe, now, and what it is.
///
/// # Errors
/// Where it did not, or is none.
pub fn verify(raw: &[u8], header: &str, secrets: &[SecretString], now: DateTime<Utc>) -> Result<Received, Rejected> {
    if raw.len() > BODY_LIMIT {
        return Err(Rejected::Oversized);
    }
    let signature = Signature::parse(header).ok_or(Rejected::Malformed)?;
    if !secrets.iter().any(|it| signature.is_by(it, raw)) {
        return Err(Rejected::Forged);
    }
    let age = now.signed_duration_since(signature.signed);
    if age.abs() > TOLERANCE {
        return Err(Rejected::Stale { signed: signature.signed });
    }
    let raw = std::str::from_utf8(raw).map_err(|_| Rejected::Unreadable)?;
    Received::parse(raw).ok_or(Rejected::Unreadable)
}

struct Signature<'a> {
    /// As it was sent: this text is what was signed.
    timestamp: &'a str,
    signed: DateTime<Utc>,
    v1: Vec<Vec<u8>>,
}

impl<'a> Signature<'a> {
    /// `t=1492774577,v1=5257a8…,v1=6ffbb5…,v0=…`: other schemes than v1 are none that we know.
    fn parse(header: &'a str) -> Option<Self> {
        if header.len() > HEADER_LIMIT {
            return None;
        }
        let mut timestamp = None;
        let mut v1 = Vec::new();
        for (key, value) in header.split(',').map(|it| it.trim().split_once('=')).collect::<Option<Vec<_>>>()? {
            match key {
                "t" if timestamp.is_some() => return None,
                "t" => timestamp = Some(value),
                "v1" => v1.push(HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok()?),
                _ => {}
            }
        }
        let timestamp = timestamp.filter(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))?;
        let signed = DateTime::from_timestamp(timestamp.parse().ok()?, 0)?;
        (1..=SIGNATURES).contains(&v1.len()).then_some(Self { timestamp, signed, v1 })
    }

    fn is_by(&self, secret: &SecretString, body: &[u8]) -> bool {
        // Anybody has the empty secret.
        if secret.expose_secret().is_empty() {
            return false;
        }
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
        mac.update(self.timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        // In constant time.
        self.v1.iter().any(|it| mac.clone().verify_slice(it).is_ok())
    }
}
