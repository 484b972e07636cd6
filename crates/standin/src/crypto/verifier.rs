//! `ActiveSupport::MessageVerifier`, as `Rails.application.message_verifier('self-destruct')` is set up: HMAC-SHA1 in hexadecimal after
//! `--`, over strict base64 of JSON, wrapped in an envelope only where an expiry or a purpose was given.

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;

use super::keys::rails_key;

pub struct MessageVerifier {
    key: hmac::Key,
}

impl MessageVerifier {
    pub fn new(secret_key_base: &str, name: &str) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &rails_key(secret_key_base, name)) }
    }

    pub fn generate(&self, value: &str) -> String {
        let encoded = BASE64.encode(Value::from(value).to_string().as_bytes());
        let digest = HEXLOWER.encode(hmac::sign(&self.key, encoded.as_bytes()).as_ref());
        format!("{encoded}--{digest}")
    }

    /// The signed value; `None` for what Rails raises `InvalidSignature` over: a foreign signature, an expired or purposed message.
    pub fn verified(&self, message: &str, now: DateTime<Utc>) -> Option<String> {
        let (encoded, digest) = message.rsplit_once("--")?;
        hmac::verify(&self.key, encoded.as_bytes(), &HEXLOWER.decode(digest.as_bytes()).ok()?).ok()?;
        let payload: Value = serde_json::from_slice(&BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
        let value = match payload.get("_rails") {
            None => payload,
            Some(envelope) => {
                let expired = envelope["exp"].as_str().is_some_and(|end| end.parse::<DateTime<Utc>>().is_ok_and(|end| now >= end));
                if expired || !envelope["pur"].is_null() {
                    return None;
                }
                envelope["data"].clone()
            }
        };
        value.as_str().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifier() -> MessageVerifier {
        MessageVerifier::new(&"0123456789abcdef".repeat(8), "self-destruct")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    /// The messages were made by Ruby with ActiveSupport 7.2.
    #[test]
    fn a_message_is_written_and_read_as_rails_does() {
        let by_rails = "InNvY2lhbC5leGFtcGxlIg==--9f39087cefce4991f4dd6c2e3f551cfc21f6678c";
        assert_eq!(verifier().generate("social.example"), by_rails);
        assert_eq!(verifier().verified(by_rails, at("2026-01-01T00:00:00Z")).as_deref(), Some("social.example"));
    }

    #[test]
    fn an_envelope_ends_and_a_purpose_is_another_message() {
        let expiring = "eyJfcmFpbHMiOnsiZGF0YSI6InNvY2lhbC5leGFtcGxlIiwiZXhwIjoiMjAyMC0wMS0wMVQwMDowMDowMC4wMDBaIn19--70c8bfd986b2ff7fbb853349f2d5e79d61dc28df";
        assert_eq!(verifier().verified(expiring, at("2019-12-31T23:59:59Z")).as_deref(), Some("social.example"));
        assert_eq!(verifier().verified(expiring, at("2020-01-01T00:00:00Z")), None);
        let purposed = "eyJfcmFpbHMiOnsiZGF0YSI6InNvY2lhbC5leGFtcGxlIiwicHVyIjoieCJ9fQ==--f76b6e5fd233315ab26b48cccaaac0b954b74b49";
        assert_eq!(verifier().verified(purposed, at("2020-01-01T00:00:00Z")), None);
    }

    #[test]
    fn a_changed_message_is_refused() {
        let now = at("2026-01-01T00:00:00Z");
        let message = verifier().generate("social.example");
        assert_eq!(verifier().verified(&message.replace("InN", "InM"), now), None);
        assert_eq!(verifier().verified("true", now), None);
        assert_eq!(MessageVerifier::new("other", "self-destruct").verified(&message, now), None);
        assert_eq!(MessageVerifier::new(&"0123456789abcdef".repeat(8), "other").verified(&message, now), None);
    }
}
