//! Passwords: what may be one, and whether one is right.
//!
//! Argon2id (19 MiB, 2 passes, 1 lane), off the threads that answer requests and only a few at a time: each takes its memory.
//! Of somebody who is unknown, or has no password, a fixed hash is compared with, so that the answer takes the same time.

use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::{Error, FieldError};

/// NIST SP 800-63B: length is what counts, and no rules of composition.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// The commonest ones of at least 12 characters, lower case, sorted.
const COMMON: &str = include_str!("common.txt");

/// Of a random password that nobody knows: as much work as a real one.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$sLqr0t/vQO7gTtsQJTSgHQ$Yk3GBR7wNn+zVBPXzGOPBHbHGdO8nO2rgl1WmKtMBEc";

/// At once, of 19 MiB each.
static AT_ONCE: Semaphore = Semaphore::const_new(4);
/// How long a caller waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
#[error("too many passwords are being looked at")]
struct Crowded;

/// What is wrong with a new password. `own` are texts that a guesser tries first: the e-mail address, the name.
pub(crate) fn fault(field: &'static str, password: &SecretString, own: &[&str]) -> Option<FieldError> {
    let text = password.expose_secret();
    let length = text.chars().count();
    let fault = |reason, sentence: String| Some(FieldError { field, reason, sentence });
    if length < *LENGTH.start() {
        return fault("too_short", format!("A password has at least {} characters. Several words make a good one.", LENGTH.start()));
    }
    if length > *LENGTH.end() {
        return fault("too_long", format!("A password has at most {} characters.", LENGTH.end()));
    }
    let lower = text.to_lowercase();
    let is_own = own.iter().any(|it| !it.is_empty() && lower == it.to_lowercase());
    let first = lower.chars().next();
    let is_one_character = lower.chars().all(|it| Some(it) == first);
    if is_own || is_one_character || COMMON.lines().any(|it| it == lower) {
        return fault("too_common", "This password is one of the first that a guesser tries. Please choose another.".to_owned());
    }
    None
}

/// The hash of a new password, as a PHC string.
pub(crate) async fn hash(password: SecretString) -> Result<String, Error> {
    at_turn(move || {
        let hash: Result<PasswordHash, _> = argon2().hash_password(password.expose_secret().as_bytes());
        hash.map(|it| it.to_string()).map_err(|it| Error::internal(it.to_string()))
    })
    .await?
}

/// Whether it is the password of that hash; `None`: somebody's without one, which takes the same time.
pub(crate) async fn is_right(password: SecretString, hash: Option<&str>) -> Result<bool, Error> {
    let is_somebodys = hash.is_some();
    let hash = hash.unwrap_or(NOBODYS).to_owned();
    let matches = at_turn(move || {
        let hash = PasswordHash::new(&hash).map_err(|it| Error::internal(it.to_string()))?;
        Ok::<_, Error>(argon2().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
    });
    Ok(matches.await?? && is_somebodys)
}

async fn at_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tracing::trace!(target: "howdah_app::passwords", "a password is worked on");
    let crowded = || Error::Unavailable { source: Box::new(Crowded) };
    let turn = tokio::time::timeout(PATIENCE, AT_ONCE.acquire()).await.map_err(|_| crowded())?.map_err(Error::internal)?;
    let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal);
    drop(turn);
    done
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("the parameters are within their bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(password: &str) -> Option<&'static str> {
        fault("password", &password.into(), &["ada.lovelace@birds.example", "Ada Lovelace"]).map(|it| it.reason)
    }

    #[test]
    fn length_counts_and_composition_does_not() {
        let long = "é".repeat(128);
        for password in ["only lower case", "            x", "пароль из слов", long.as_str()] {
            assert_eq!(reason(password), if password == long { Some("too_common") } else { None }, "{password}");
        }
        let table = [
            ("elevenchars", Some("too_short")),
            ("twelve chars", None),
            ("correct horse battery staple", Some("too_common")),
            ("Password1234", Some("too_common")),
            ("aaaaaaaaaaaaaaaa", Some("too_common")),
            ("ada lovelace", Some("too_common")),
            ("Ada.Lovelace@birds.example", Some("too_common")),
        ];
        for (password, expected) in table {
            assert_eq!(reason(password), expected, "{password}");
        }
        assert_eq!(reason(&format!("{long}a")), Some("too_long"));
    }

    #[test]
    fn the_list_holds_only_what_could_be_one() {
        for line in COMMON.lines() {
            assert!(LENGTH.contains(&line.chars().count()) && line == line.to_lowercase(), "{line}");
        }
        assert!(COMMON.lines().is_sorted());
    }

    #[tokio::test]
    async fn right_is_right_and_nobodys_is_never() {
        let hash = hash("a password of words".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_right("a password of words".into(), Some(&hash)).await.unwrap());
        assert!(!is_right("another of words".into(), Some(&hash)).await.unwrap());
        assert!(!is_right("a password of words".into(), None).await.unwrap());
    }

    #[test]
    fn nobodys_hash_is_as_much_work_as_a_real_one() {
        let parts = |text: &str| text.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let real: PasswordHash = argon2().hash_password(b"a password of words").unwrap();
        assert_eq!(parts(NOBODYS), parts(&real.to_string()));
        let nobodys = PasswordHash::new(NOBODYS).unwrap();
        assert_eq!(nobodys.hash.map(|it| it.len()), real.hash.map(|it| it.len()));
    }
}
