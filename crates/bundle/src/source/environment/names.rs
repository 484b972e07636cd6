//! Which variables are Mastodon's, and which of them a bundle carries on (DOC:admin/config.md, and `git grep ENV` over UP).

use crate::source::Identity;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Goes to `env/secrets.env` alone.
    Secret,
    /// Where something lies on the old host, or what opens it: left out, and listed.
    OfTheHost,
    /// Never carried on.
    Dropped,
    Kept,
}

pub fn class(name: &str, value: &str) -> Class {
    let of_the_host = among(OF_THE_HOST, name) || begins(OF_THE_HOST_BEGIN, name) && !among(KEPT, name);
    if Identity::NAMES.contains(&name) {
        Class::Secret
    } else if among(DROPPED, name) {
        Class::Dropped
    } else if of_the_host || is_credential(name) || has_password(value) {
        Class::OfTheHost
    } else {
        Class::Kept
    }
}

/// Whether Mastodon reads it: a process' environment has more than that.
pub fn is_known(name: &str) -> bool {
    let known = Identity::NAMES.contains(&name) || among(KNOWN, name) || among(OF_THE_HOST, name);
    (known || begins(KNOWN_BEGIN, name) || begins(OF_THE_HOST_BEGIN, name)) && !among(OF_THE_PROCESS, name)
}

fn among(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|it| it == name)
}

fn begins(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|it| name.starts_with(it))
}

/// Also of what nobody has heard of.
fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    const ENDS: &str = "_PASS _PASSWORD _SECRET _SECRET_KEY _API_KEY _PRIVATE_KEY _TOKEN _ACCESS_KEY _DSN";
    ENDS.split_ascii_whitespace().any(|it| name.ends_with(it))
}

/// A URL that names a user.
fn has_password(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')))
}

/// What would delete the server, and how the file itself is read.
const DROPPED: &str = "SELF_DESTRUCT DOTENV_LINEBREAK_MODE";

const OF_THE_HOST_BEGIN: &str = "DB_ REPLICA_ REDIS_ SIDEKIQ_REDIS_ CACHE_REDIS_ S3_ AWS_ SWIFT_ AZURE_ ES_ PAPERCLIP_ PG STATSD_ OTEL_ \
    MASTODON_PROMETHEUS_EXPORTER_";

/// Of those that begin so, what is the same anywhere: hosts that posts name, and preferences.
const KEPT: &str = "S3_ALIAS_HOST S3_CLOUDFRONT_HOST S3_PERMISSION S3_PROTOCOL ES_PRESET";

const OF_THE_HOST: &str = "DATABASE_URL PREPARED_STATEMENTS SMTP_SERVER SMTP_PORT SMTP_LOGIN SMTP_CA_FILE BULK_SMTP_SERVER BULK_SMTP_PORT \
    BULK_SMTP_LOGIN BULK_SMTP_CA_FILE TRUSTED_PROXY_IP BIND PORT SOCKET PATH HOME LD_PRELOAD http_proxy https_proxy http_hidden_proxy CACERT \
    ALLOWED_PRIVATE_ADDRESSES LDAP_HOST LDAP_BIND_DN FFMPEG_BINARY";

/// Known, but said to each process by itself.
const OF_THE_PROCESS: &str = "PATH HOME BIND PORT SOCKET LD_PRELOAD RAILS_ENV NODE_ENV";

const KNOWN_BEGIN: &str = "ACTIVE_RECORD_ENCRYPTION_ BULK_SMTP_ CACHE_BUSTER_ CAS_ DEEPL_ EMAIL_DOMAIN_ FETCH_REPLIES_ HCAPTCHA_ LDAP_ \
    LIBRE_TRANSLATE_ MASTODON_ OAUTH_ OIDC_ OMNIAUTH_ PAM_ RAILS_ SAML_ SIDEKIQ_ SMTP_ SOURCE_ SSO_ACCOUNT_ STREAMING_";

const KNOWN: &str = "ALLOW_ACCESS_TO_HIDDEN_SERVICE ALLOW_UNSAFE_AUTH_PROVIDER_REATTACH ALTERNATE_DOMAINS AUTHORIZED_FETCH BACKTRACE CDN_HOST \
    DEFAULT_LOCALE DISABLE_AUTOMATIC_SWITCHING_TO_APPROVED_REGISTRATIONS DISABLE_EMAIL_SUBSCRIPTIONS DISABLE_FOLLOWERS_SYNCHRONIZATION \
    DISALLOW_UNAUTHENTICATED_API_ACCESS ENABLE_SIDEKIQ_UNIQUE_JOBS_UI EXPERIMENTAL_FEATURES EXTRA_DATA_HOSTS EXTRA_MEDIA_HOSTS \
    FORCE_DEFAULT_LOCALE GITHUB_REPOSITORY IP_RETENTION_PERIOD LIMITED_FEDERATION_MODE LOCAL_DOMAIN LOCAL_HTTPS LOG_LEVEL MAX_FOLLOWS_RATIO \
    MAX_FOLLOWS_THRESHOLD MAX_REQUEST_POOL_SIZE MAX_SESSION_ACTIVATIONS MAX_THREADS MIN_THREADS ONE_CLICK_SSO_LOGIN PERSISTENT_TIMEOUT \
    PROXY_PROTO_V1 SELF_DESTRUCT SESSION_RETENTION_PERIOD SINGLE_USER_MODE SKIP_POST_DEPLOYMENT_MIGRATIONS UPDATE_CHECK_URL USER_ACTIVE_DAYS \
    WEB_CONCURRENCY WEB_DOMAIN WHITELIST_MODE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_the_hosts_own_stay_behind() {
        for (name, value, expected) in [
            ("SECRET_KEY_BASE", "x", Class::Secret),
            ("VAPID_PUBLIC_KEY", "x", Class::Secret),
            ("SELF_DESTRUCT", "x", Class::Dropped),
            ("DB_HOST", "x", Class::OfTheHost),
            ("DATABASE_URL", "x", Class::OfTheHost),
            ("S3_ENABLED", "true", Class::OfTheHost),
            ("S3_ALIAS_HOST", "files.example.org", Class::Kept),
            ("SMTP_PASSWORD", "x", Class::OfTheHost),
            ("SMTP_FROM_ADDRESS", "Birds <birds@example.org>", Class::Kept),
            ("OIDC_CLIENT_SECRET", "x", Class::OfTheHost),
            ("HCAPTCHA_SECRET_KEY", "x", Class::OfTheHost),
            ("HCAPTCHA_SITE_KEY", "x", Class::Kept),
            ("SOMETHING_NEW", "https://me:word@example.org/", Class::OfTheHost),
            ("SOMETHING_NEW", "https://example.org/@me", Class::Kept),
            ("LOCAL_DOMAIN", "example.org", Class::Kept),
        ] {
            assert_eq!(class(name, value), expected, "{name}={value}");
        }
    }

    #[test]
    fn a_process_has_more_than_mastodons_variables() {
        for name in ["LOCAL_DOMAIN", "DB_HOST", "OTP_SECRET", "SMTP_TLS", "http_proxy", "S3_BUCKET"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["PATH", "HOME", "HOSTNAME", "KUBERNETES_SERVICE_HOST", "RAILS_ENV", "PORT", "LANG"] {
            assert!(!is_known(name), "{name}");
        }
    }
}
