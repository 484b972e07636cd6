//! Passwords, kept as a PHC string. Mastodon keeps bcrypt; nothing that looks on from outside can tell, since only this server reads it.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use data_encoding::BASE64_NOPAD;

use super::random_bytes;

/// Few, for a machine that runs many stand-ins.
const ROUNDS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");

pub fn hash(password: &str) -> String {
    let salt = random_bytes(16);
    let mut hash = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &salt, password.as_bytes(), &mut hash);
    format!("$pbkdf2-sha256$i={ROUNDS},l=32${}${}", BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(&hash))
}

pub fn verify(password: &str, stored: &str) -> bool {
    let parts: Vec<&str> = stored.split('$').collect();
    let ["", "pbkdf2-sha256", _, salt, hash] = parts[..] else {
        return false;
    };
    let (Ok(salt), Ok(hash)) = (BASE64_NOPAD.decode(salt.as_bytes()), BASE64_NOPAD.decode(hash.as_bytes())) else {
        return false;
    };
    pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &salt, password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_opens() {
        let stored = hash("correct horse");
        assert!(verify("correct horse", &stored));
        assert!(!verify("correct hors", &stored) && !verify("correct horse", "") && !verify("", "$pbkdf2-sha256$i=1,l=32$!$!"));
    }
}
