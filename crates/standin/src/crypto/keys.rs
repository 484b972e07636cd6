//! `ActiveSupport::KeyGenerator` and Devise's token digests.
//!
//! Two generators live in one application: Rails' own takes 1,000 rounds of PBKDF2 with SHA-256 (`load_defaults` 7.0 and later); Devise
//! makes its own in an initializer, before Rails sets that digest, and so keeps the class's defaults: 2¹⁶ rounds with SHA-1.
//! (rails: `railties/lib/rails/application.rb`, `activesupport/lib/active_support/{key_generator,railtie}.rb`; devise: `lib/devise/rails.rb`.)

use std::num::NonZeroU32;

use aws_lc_rs::{hmac, pbkdf2};
use data_encoding::HEXLOWER;

const RAILS_ROUNDS: NonZeroU32 = NonZeroU32::new(1000).expect("not zero");
const DEFAULT_ROUNDS: NonZeroU32 = NonZeroU32::new(1 << 16).expect("not zero");

/// `Rails.application.key_generator.generate_key(salt)`.
pub fn rails_key(secret_key_base: &str, salt: &str) -> [u8; 64] {
    derive(pbkdf2::PBKDF2_HMAC_SHA256, RAILS_ROUNDS, secret_key_base, salt)
}

/// The key of `ActiveRecord::Encryption` (SHA-256 since `load_defaults` 7.1).
pub fn record_encryption_key(primary_key: &str, salt: &str) -> [u8; 32] {
    derive(pbkdf2::PBKDF2_HMAC_SHA256, DEFAULT_ROUNDS, primary_key, salt)
}

/// Digests tokens as `Devise.token_generator.digest(User, :reset_password_token, raw)` does.
pub struct ResetPasswordTokens {
    key: hmac::Key,
}

impl ResetPasswordTokens {
    pub fn new(secret_key_base: &str) -> Self {
        let key: [u8; 64] = derive(pbkdf2::PBKDF2_HMAC_SHA1, DEFAULT_ROUNDS, secret_key_base, "Devise reset_password_token");
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) }
    }

    pub fn digest(&self, raw: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.key, raw.as_bytes()).as_ref())
    }
}

fn derive<const N: usize>(algorithm: pbkdf2::Algorithm, rounds: NonZeroU32, secret: &str, salt: &str) -> [u8; N] {
    let mut key = [0; N];
    pbkdf2::derive(algorithm, rounds, salt.as_bytes(), secret.as_bytes(), &mut key);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected digest was made by Ruby with ActiveSupport 7.2.
    #[test]
    fn a_token_is_digested_as_devise_does() {
        let tokens = ResetPasswordTokens::new(&"0123456789abcdef".repeat(8));
        assert_eq!(tokens.digest("raw-token"), "d0448ec2b0ad1db7f6104982affb6213836a2482f07c177761237ea1009d68fc");
    }
}
