//! The secrets that make a server who it is: without them there is no second factor, no web push, and from 4.7 on no federation.

use secrecy::{ExposeSecret, SecretString};

use crate::source::Environment;

/// What the database's schema says that its secrets are needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// It has a column that Active Record encrypts: from 4.3 on.
    pub record_encryption: bool,
    /// Second factors lie in the columns from before 4.3, encrypted with `OTP_SECRET`.
    pub otp_secret: bool,
}

/// `env/secrets.env`. An empty value counts as missing.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    pub secret_key_base: Option<SecretString>,
    pub primary_key: Option<SecretString>,
    pub deterministic_key: Option<SecretString>,
    pub key_derivation_salt: Option<SecretString>,
    pub vapid_private_key: Option<SecretString>,
    pub vapid_public_key: Option<SecretString>,
    pub otp_secret: Option<SecretString>,
}

pub const SECRET_KEY_BASE: &str = "SECRET_KEY_BASE";
pub const PRIMARY_KEY: &str = "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY";
pub const DETERMINISTIC_KEY: &str = "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY";
pub const KEY_DERIVATION_SALT: &str = "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT";
pub const VAPID_PRIVATE_KEY: &str = "VAPID_PRIVATE_KEY";
pub const VAPID_PUBLIC_KEY: &str = "VAPID_PUBLIC_KEY";
pub const OTP_SECRET: &str = "OTP_SECRET";

impl Identity {
    pub const NAMES: [&str; 7] =
        [SECRET_KEY_BASE, PRIMARY_KEY, DETERMINISTIC_KEY, KEY_DERIVATION_SALT, VAPID_PRIVATE_KEY, VAPID_PUBLIC_KEY, OTP_SECRET];

    #[must_use]
    pub fn parse(environment: &Environment) -> Self {
        let secret = |name| environment.get(name).map(SecretString::from);
        Self {
            secret_key_base: secret(SECRET_KEY_BASE),
            primary_key: secret(PRIMARY_KEY),
            deterministic_key: secret(DETERMINISTIC_KEY),
            key_derivation_salt: secret(KEY_DERIVATION_SALT),
            vapid_private_key: secret(VAPID_PRIVATE_KEY),
            vapid_public_key: secret(VAPID_PUBLIC_KEY),
            otp_secret: secret(OTP_SECRET),
        }
    }

    /// Those that are there, by the names of their variables.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &SecretString)> {
        self.all().into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    fn all(&self) -> [(&'static str, Option<&SecretString>); 7] {
        [
            (SECRET_KEY_BASE, self.secret_key_base.as_ref()),
            (PRIMARY_KEY, self.primary_key.as_ref()),
            (DETERMINISTIC_KEY, self.deterministic_key.as_ref()),
            (KEY_DERIVATION_SALT, self.key_derivation_salt.as_ref()),
            (VAPID_PRIVATE_KEY, self.vapid_private_key.as_ref()),
            (VAPID_PUBLIC_KEY, self.vapid_public_key.as_ref()),
            (OTP_SECRET, self.otp_secret.as_ref()),
        ]
    }

    /// Those that this server can't do without and that aren't there, by name.
    #[must_use]
    pub fn missing(&self, needs: Needs) -> Vec<&'static str> {
        let needed = |name: &str| match name {
            PRIMARY_KEY | DETERMINISTIC_KEY | KEY_DERIVATION_SALT => needs.record_encryption,
            OTP_SECRET => needs.otp_secret,
            _ => true,
        };
        self.all().into_iter().filter(|(name, value)| value.is_none() && needed(name)).map(|(name, _)| name).collect()
    }

    /// `env/secrets.env`, quoted for dotenv.
    ///
    /// # Errors
    /// The name of a secret that dotenv can't express.
    pub fn to_dotenv(&self) -> Result<SecretString, &'static str> {
        let mut text = String::new();
        for (name, value) in self.all() {
            let Some(value) = value else { continue };
            let line = crate::source::environment::dotenv_line(name, value.expose_secret()).ok_or(name)?;
            text.push_str(&line);
        }
        Ok(SecretString::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_needs_and_has_not_is_named() {
        let identity = |text: &str| Identity::parse(&Environment::from_dotenv(text, &|_| None));
        let needs = |record_encryption, otp_secret| Needs { record_encryption, otp_secret };
        let nothing = identity("SECRET_KEY_BASE=\nOTHER=x");
        assert_eq!(nothing.missing(needs(true, true)), Identity::NAMES);
        assert_eq!(nothing.missing(needs(false, false)), [SECRET_KEY_BASE, VAPID_PRIVATE_KEY, VAPID_PUBLIC_KEY]);
        let whole: String = Identity::NAMES.iter().filter(|it| **it != OTP_SECRET).map(|it| format!("{it}=x\n")).collect();
        assert!(identity(&whole).missing(needs(true, false)).is_empty());
        assert_eq!(identity(&whole).missing(needs(true, true)), [OTP_SECRET]);
    }

    #[test]
    fn secrets_are_written_as_they_are_read_and_never_shown() {
        let text = "LOCAL_DOMAIN=a.example\nSECRET_KEY_BASE='it is $ecret # hunter2'\nVAPID_PUBLIC_KEY=abc=\nOTP_SECRET=\n";
        let identity = Identity::parse(&Environment::from_dotenv(text, &|_| None));
        let written = identity.to_dotenv().unwrap();
        assert_eq!(written.expose_secret(), "SECRET_KEY_BASE='it is $ecret # hunter2'\nVAPID_PUBLIC_KEY=abc=\n");
        assert!(!format!("{identity:?} {written:?}").contains("hunter2"));
        let unspeakable = Identity { otp_secret: Some(SecretString::from("a\rb")), ..identity };
        assert_eq!(unspeakable.to_dotenv().err(), Some(OTP_SECRET));
    }
}
