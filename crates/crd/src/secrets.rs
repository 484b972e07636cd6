//! Keys of the Secrets that the control plane writes into the inbox and the operator reads.

/// The identity of a server: lose it and two-factor sign-in, web push and (from 4.7) federation are lost with it.
/// Keys are the environment variables' own names, so that the Secret is used with `envFrom`.
pub mod identity {
    pub const SECRET_KEY_BASE: &str = "SECRET_KEY_BASE";
    pub const PRIMARY_KEY: &str = "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY";
    pub const DETERMINISTIC_KEY: &str = "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY";
    pub const KEY_DERIVATION_SALT: &str = "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT";
    pub const VAPID_PRIVATE_KEY: &str = "VAPID_PRIVATE_KEY";
    pub const VAPID_PUBLIC_KEY: &str = "VAPID_PUBLIC_KEY";
    /// Only for versions before 4.4.
    pub const OTP_SECRET: &str = "OTP_SECRET";
    /// What every identity Secret must hold.
    pub const REQUIRED: [&str; 6] =
        [SECRET_KEY_BASE, PRIMARY_KEY, DETERMINISTIC_KEY, KEY_DERIVATION_SALT, VAPID_PRIVATE_KEY, VAPID_PUBLIC_KEY];
}

/// What the owner's account is made from; deleted from the inbox and the tenant's namespace after bootstrap. Once more, and as
/// briefly, what a new link is made from.
pub mod owner {
    pub const USERNAME: &str = "OWNER_USERNAME";
    pub const EMAIL: &str = "OWNER_EMAIL";
    /// The raw set-password token; Mastodon stores only its digest.
    pub const RESET_PASSWORD_TOKEN: &str = "OWNER_RESET_PASSWORD_TOKEN";
    pub const REQUIRED: [&str; 3] = [USERNAME, EMAIL, RESET_PASSWORD_TOKEN];
    /// What a new link is made from.
    pub const LINK: [&str; 2] = [USERNAME, RESET_PASSWORD_TOKEN];
}

/// The relay login of a server: Mastodon's own variables, used with `envFrom`.
pub mod smtp {
    pub const SERVER: &str = "SMTP_SERVER";
    pub const PORT: &str = "SMTP_PORT";
    pub const LOGIN: &str = "SMTP_LOGIN";
    pub const PASSWORD: &str = "SMTP_PASSWORD";
    pub const FROM_ADDRESS: &str = "SMTP_FROM_ADDRESS";
    /// `always`, `auto` (where the relay offers it: whoever stands in between can hide the offer) or `never`. Absent: `auto`.
    pub const ENABLE_STARTTLS: &str = "SMTP_ENABLE_STARTTLS";
    pub const REQUIRED: [&str; 5] = [SERVER, PORT, LOGIN, PASSWORD, FROM_ADDRESS];
}

/// Keys of a bucket that is not the platform's, which an export is written to.
pub mod bucket {
    pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
    pub const REQUIRED: [&str; 2] = [ACCESS_KEY_ID, SECRET_ACCESS_KEY];
}

/// What opens the seal of a bundle that is imported; deleted from the inbox and the tenant's namespace once it is loaded for good.
pub mod import {
    /// An age identity, `AGE-SECRET-KEY-1…`. Empty where the bundle is not sealed.
    pub const IDENTITY: &str = "IDENTITY";
    pub const REQUIRED: [&str; 1] = [IDENTITY];
}
