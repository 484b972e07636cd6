//! Codes: the six digits that an app shows for half a minute (RFC 6238, by SHA-1, as every app can), and recovery codes.
//!
//! A recovery code is 80 random bits: nobody finds it by trying digests, so one round of SHA-256 keeps it as well as a password's hash
//! would.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use howdah_domain::Randomness;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Totp, TotpError};
use uuid::Uuid;

/// As RFC 4226 recommends, and a round number of characters in base 32.
const SECRET: usize = 20;
/// Half a minute before and after: clocks differ, and people take their time.
const SKEW: u16 = 1;
/// Characters of a recovery code.
const RECOVERY: usize = 16;
pub(super) const RECOVERY_CODES: usize = 10;

/// What somebody typed where a code is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Of the app.
    OneTime(String),
    /// In capitals, without its hyphens.
    Recovery(String),
}

impl Code {
    /// `None` for what is neither: people put spaces between digits, and apps do too.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 100 {
            return None;
        }
        let plain: String = typed.chars().filter(|it| !it.is_whitespace() && *it != '-').map(|it| it.to_ascii_uppercase()).collect();
        if plain.len() == 6 && plain.bytes().all(|it| it.is_ascii_digit()) {
            return Some(Self::OneTime(plain));
        }
        let is_recovery = plain.len() == RECOVERY && BASE32_NOPAD.decode(plain.as_bytes()).is_ok();
        is_recovery.then_some(Self::Recovery(plain))
    }
}

/// A new shared secret.
pub(super) fn new_secret(randomness: &dyn Randomness) -> [u8; SECRET] {
    let mut bytes = [0; SECRET];
    randomness.fill(&mut bytes);
    bytes
}

fn builder(secret: &[u8]) -> Builder {
    Builder::new().with_skew(SKEW).with_secret(secret)
}

/// How an app names it, and reads it from a QR code: an `otpauth:` URL.
pub(super) fn for_app(secret: &[u8], issuer: &str, email: &str) -> Result<Totp, TotpError> {
    // A colon parts the two names.
    builder(secret).with_issuer(Some(issuer.replace(':', " "))).with_account_name(email).build()
}

/// Which half minute since 1970 a code is of; `None` for a wrong one, and for one of a half minute of which, or after which, one was taken.
pub(super) fn step_of(secret: &[u8], code: &str, now: DateTime<Utc>, last: Option<i64>) -> Result<Option<i64>, TotpError> {
    let time = u64::try_from(now.timestamp()).unwrap_or_default();
    let step = builder(secret).build()?.check(code, time).and_then(|it| i64::try_from(it).ok());
    Ok(step.filter(|step| last.is_none_or(|last| *step > last)))
}

/// As it is shown, and what the record keeps of it.
pub(super) fn new_recovery_code(person: Uuid, randomness: &dyn Randomness) -> (SecretString, Vec<u8>) {
    let mut bytes = [0; 10];
    randomness.fill(&mut bytes);
    let plain = BASE32_NOPAD.encode(&bytes);
    let shown = [&plain[..4], &plain[4..8], &plain[8..12], &plain[12..]].join("-");
    (shown.into(), recovery_digest(person, &plain))
}

pub(super) fn recovery_digest(person: Uuid, plain: &str) -> Vec<u8> {
    Sha256::new().chain_update(person.as_bytes()).chain_update(plain.as_bytes()).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::OsRandomness;

    /// RFC 6238, appendix B, whose codes have eight digits: the last six are those of six.
    const RFC: &[u8; 20] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(step_of(RFC, code, at(seconds), None).unwrap(), Some(seconds / 30), "{seconds}");
            assert_eq!(step_of(RFC, code, at(seconds + 600), None).unwrap(), None, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_half_a_minute_around_and_once() {
        // Of the half minute from 1,234,567,890 on, which is step 41,152,263.
        let (code, step) = ("005924", 41_152_263);
        let table = [
            (-31, None, None),
            (-30, None, Some(step)),
            (0, None, Some(step)),
            (29, None, Some(step)),
            (59, None, Some(step)),
            (60, None, None),
            (0, Some(step - 1), Some(step)),
            (0, Some(step), None),
            (30, Some(step), None),
            (0, Some(step + 1), None),
        ];
        for (seconds, last, expected) in table {
            assert_eq!(step_of(RFC, code, at(1_234_567_890 + seconds), last).unwrap(), expected, "{seconds} {last:?}");
        }
    }

    #[test]
    fn what_is_typed_is_a_code_or_nothing() {
        let table = [
            ("005924", Some(Code::OneTime("005924".to_owned()))),
            (" 005 924\n", Some(Code::OneTime("005924".to_owned()))),
            ("abcd-efgh-ijkl-2345", Some(Code::Recovery("ABCDEFGHIJKL2345".to_owned()))),
            ("ABCDEFGHIJKL2345", Some(Code::Recovery("ABCDEFGHIJKL2345".to_owned()))),
            ("ABCDEFGHIJKL2341", None),
            ("00592", None),
            ("0059245", None),
            ("+05924", None),
            ("٠٠٥٩٢٤", None),
            ("", None),
        ];
        for (typed, expected) in table {
            assert_eq!(Code::parse(typed), expected, "{typed}");
        }
        assert_eq!(Code::parse(&" 005924".repeat(50)), None);
    }

    #[test]
    fn a_recovery_code_is_known_again_by_its_person_alone() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (shown, digest) = new_recovery_code(one, &OsRandomness);
        let Some(Code::Recovery(plain)) = Code::parse(shown.expose_secret()) else { panic!("{}", shown.expose_secret()) };
        assert_eq!(recovery_digest(one, &plain), digest);
        assert_ne!(recovery_digest(other, &plain), digest);
    }

    #[test]
    fn an_app_reads_who_and_where() {
        let url = for_app(RFC, "howdah.example", "ada+x@birds.example").unwrap().to_url().unwrap();
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(url, format!("otpauth://totp/howdah.example:ada%2Bx%40birds.example?secret={secret}&issuer=howdah.example"));
    }
}
