//! A server's identity: born here once, as Mastodon's own tasks make it (UP:lib/tasks/mastodon.rake, UP:lib/tasks/db.rake), and
//! regenerated never.

use data_encoding::{BASE64URL, HEXLOWER};
use howdah_crd::secrets::identity as keys;
use howdah_domain::Randomness;
use p256::elliptic_curve::sec1::ToSec1Point;

pub(crate) use crate::bearer::new_token;
use crate::sealed::Variables;

/// Everything that a new server's identity Secret holds.
pub(crate) fn new_identity(needs_otp_secret: bool, randomness: &dyn Randomness) -> Variables {
    let (private, public) = vapid_pair(randomness);
    let mut variables = Variables::from([
        (keys::SECRET_KEY_BASE.to_owned(), hex(randomness)),
        (keys::PRIMARY_KEY.to_owned(), alphanumeric(randomness)),
        (keys::DETERMINISTIC_KEY.to_owned(), alphanumeric(randomness)),
        (keys::KEY_DERIVATION_SALT.to_owned(), alphanumeric(randomness)),
        (keys::VAPID_PRIVATE_KEY.to_owned(), private),
        (keys::VAPID_PUBLIC_KEY.to_owned(), public),
    ]);
    if needs_otp_secret {
        variables.insert(keys::OTP_SECRET.to_owned(), hex(randomness));
    }
    variables
}

fn bytes<const N: usize>(randomness: &dyn Randomness) -> [u8; N] {
    let mut bytes = [0; N];
    randomness.fill(&mut bytes);
    bytes
}

fn hex(randomness: &dyn Randomness) -> String {
    HEXLOWER.encode(&bytes::<64>(randomness))
}

/// 32 letters and digits, each as likely as the others.
fn alphanumeric(randomness: &dyn Randomness) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // The largest multiple of 62 in a byte: above it the first letters would come more often.
    const FAIR: u8 = 248;
    let mut key = String::with_capacity(32);
    while key.len() < 32 {
        let [byte] = bytes::<1>(randomness);
        if byte < FAIR {
            key.push(char::from(ALPHABET[usize::from(byte % 62)]));
        }
    }
    key
}

/// A P-256 pair: the private scalar and the uncompressed public point, base64url as the Webpush gem writes them.
fn vapid_pair(randomness: &dyn Randomness) -> (String, String) {
    loop {
        // All but one in 2³² draws are in range.
        if let Ok(secret) = p256::SecretKey::from_slice(&bytes::<32>(randomness)) {
            let point = secret.public_key().to_sec1_point(false);
            return (BASE64URL.encode(&secret.to_bytes()), BASE64URL.encode(point.as_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsRandomness;

    #[test]
    fn an_identity_is_as_mastodon_makes_it() {
        let identity = new_identity(false, &OsRandomness);
        assert_eq!(identity.keys().map(String::as_str).collect::<Vec<_>>().len(), keys::REQUIRED.len());
        assert!(keys::REQUIRED.iter().all(|it| identity.contains_key(*it)));
        let secret = &identity[keys::SECRET_KEY_BASE];
        assert!(secret.len() == 128 && secret.bytes().all(|it| it.is_ascii_hexdigit()));
        for name in [keys::PRIMARY_KEY, keys::DETERMINISTIC_KEY, keys::KEY_DERIVATION_SALT] {
            assert!(identity[name].len() == 32 && identity[name].bytes().all(|it| it.is_ascii_alphanumeric()), "{name}");
        }
        assert!(new_identity(true, &OsRandomness).contains_key(keys::OTP_SECRET));
    }

    #[test]
    fn the_vapid_halves_belong_together() {
        let identity = new_identity(false, &OsRandomness);
        let private = BASE64URL.decode(identity[keys::VAPID_PRIVATE_KEY].as_bytes()).unwrap();
        let public = BASE64URL.decode(identity[keys::VAPID_PUBLIC_KEY].as_bytes()).unwrap();
        assert_eq!((private.len(), public.len(), public[0]), (32, 65, 4));
        let point = p256::SecretKey::from_slice(&private).unwrap().public_key().to_sec1_point(false);
        assert_eq!(point.as_bytes(), public);
    }

    #[test]
    fn no_two_are_alike() {
        let (one, two) = (new_identity(true, &OsRandomness), new_identity(true, &OsRandomness));
        assert!(one.iter().all(|(name, value)| two[name] != *value));
        assert_ne!(new_token(&OsRandomness), new_token(&OsRandomness));
    }
}
