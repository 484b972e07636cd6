//! How the database is reached: `DATABASE_URL` over `DB_*` over Mastodon's defaults, as Rails merges them (UP:config/database.yml;
//! rails: `ActiveRecord::DatabaseConfigurations::UrlConfig`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;

use super::{Place, SettingsError};
use crate::source::Environment;

#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    pub host: DatabaseHost,
    pub port: u16,
    pub name: String,
    pub user: String,
    pub password: Option<SecretString>,
    pub tls: Tls,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseHost {
    /// A name or an address.
    Tcp(String),
    /// The folder of a Unix socket.
    Socket(PathBuf),
}

/// libpq's words (PostgreSQL documentation, 34.1.2 and 34.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub mode: SslMode,
    pub roots: Option<Roots>,
}

/// `sslrootcert`: whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// PEM.
    File(PathBuf),
    /// The operating system's, for [`SslMode::VerifyFull`] alone: anybody can have a certificate of theirs.
    System,
}

impl SslMode {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    fn parse(name: &'static str, text: &str) -> Result<Self, SettingsError> {
        let known = [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];
        let malformed = || SettingsError::malformed(name, text, "write one of disable, allow, prefer, require, verify-ca, verify-full");
        known.into_iter().find(|it| it.as_str() == text).ok_or_else(malformed)
    }
}

const URL: &str = "DATABASE_URL";

impl DatabaseSettings {
    /// From a `postgres://` URL alone, such as `--database-url`.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn from_url(url: &str, place: &Place) -> Result<Self, SettingsError> {
        Merged { environment: &Environment::default(), url: parts(url)? }.settings(place)
    }

    pub(super) fn parse(environment: &Environment, place: &Place) -> Result<Self, SettingsError> {
        let url = environment.get(URL).map(parts).transpose()?.unwrap_or_default();
        Merged { environment, url }.settings(place)
    }

    /// Where it is, for people: without the password.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.host {
            DatabaseHost::Tcp(host) => format!("{} on {host}:{} as {}", self.name, self.port, self.user),
            DatabaseHost::Socket(folder) => {
                format!("{} on the socket in {} (port {}) as {}", self.name, folder.display(), self.port, self.user)
            }
        }
    }
}

struct Merged<'a> {
    environment: &'a Environment,
    /// By libpq's names.
    url: BTreeMap<String, String>,
}

impl Merged<'_> {
    /// With the variable that said it.
    fn get(&self, key: &str, variable: &'static str) -> Option<(&'static str, &str)> {
        let of_url = self.url.get(key).filter(|it| !it.is_empty()).map(|it| (URL, it.as_str()));
        of_url.or_else(|| self.environment.get(variable).map(|it| (variable, it)))
    }

    fn settings(&self, place: &Place) -> Result<DatabaseSettings, SettingsError> {
        let text = |key, variable, default: &str| self.get(key, variable).map_or(default, |(_, it)| it).to_owned();
        let port = self.get("port", "DB_PORT").map(|(name, it)| port(name, it)).transpose()?.unwrap_or(5432);
        let mode = self.get("sslmode", "DB_SSLMODE").map(|(name, it)| SslMode::parse(name, it)).transpose()?.unwrap_or(SslMode::Prefer);
        Ok(DatabaseSettings {
            host: self.host()?,
            port,
            name: text("database", "DB_NAME", "mastodon_production"),
            user: text("user", "DB_USER", "mastodon"),
            password: self.get("password", "DB_PASS").map(|(_, it)| SecretString::from(it)),
            tls: self.tls(mode, place)?,
        })
    }

    fn host(&self) -> Result<DatabaseHost, SettingsError> {
        let Some((name, host)) = self.get("host", "DB_HOST") else {
            // Set and empty is libpq's own default, which is a socket; Debian's folder for it.
            let empty = self.environment.raw("DB_HOST").is_some();
            return Ok(if empty { DatabaseHost::Socket("/var/run/postgresql".into()) } else { DatabaseHost::Tcp("localhost".to_owned()) });
        };
        if host.starts_with('/') {
            return Ok(DatabaseHost::Socket(host.into()));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let legal = host.len() <= 253 && host.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_' | ':' | '%'));
        if legal {
            return Ok(DatabaseHost::Tcp(host.to_owned()));
        }
        Err(SettingsError::malformed(
            name,
            host,
            "write one host's name or address, or the folder of its socket, such as /var/run/postgresql",
        ))
    }

    /// As libpq: a root certificate makes `require` verify, and no other mode verifies without one.
    fn tls(&self, mode: SslMode, place: &Place) -> Result<Tls, SettingsError> {
        let given = self.get("sslrootcert", "PGSSLROOTCERT");
        let at_home = || place.home.as_ref().map(|it| it.join(".postgresql/root.crt")).filter(|it| it.exists());
        let roots = match given {
            Some((_, "system")) => Some(Roots::System),
            Some((_, path)) => Some(Roots::File(super::resolved(path, place.root.as_deref()))),
            None => at_home().map(Roots::File),
        };
        let (name, _) = given.unwrap_or(("PGSSLROOTCERT", ""));
        match (mode, &roots) {
            (SslMode::VerifyCa | SslMode::VerifyFull, None) => Err(SettingsError::Missing {
                name,
                way_out: "the sslmode asks for the server's certificate to be verified: name a file of the certificates to believe, or `system` with verify-full",
            }),
            (SslMode::VerifyFull, Some(Roots::System)) | (_, None) => Ok(Tls { mode, roots }),
            (_, Some(Roots::System)) => {
                Err(SettingsError::malformed(name, "system", "use sslmode verify-full with it: anybody can have such a certificate"))
            }
            (SslMode::Require, Some(Roots::File(_))) => Ok(Tls { mode: SslMode::VerifyCa, roots }),
            (_, Some(Roots::File(_))) => Ok(Tls { mode, roots }),
        }
    }
}

fn port(name: &'static str, text: &str) -> Result<u16, SettingsError> {
    let malformed = || SettingsError::malformed(name, text, "write the port as a number, such as 5432");
    text.parse().ok().filter(|it| *it != 0).ok_or_else(malformed)
}

/// By libpq's names, what the URL says; what is in its query wins, as a socket's folder is written there.
fn parts(text: &str) -> Result<BTreeMap<String, String>, SettingsError> {
    // Never the text itself: it has a password.
    let malformed = |what: &str| SettingsError::Malformed {
        name: URL,
        what: what.to_owned(),
        way_out: "write it as postgresql://user:password@host:5432/mastodon_production, with special characters as %XX",
    };
    let (scheme, rest) = text.split_once("://").ok_or_else(|| malformed("is no URL"))?;
    if !matches!(scheme, "postgres" | "postgresql" | "postgis") {
        return Err(malformed("is no PostgreSQL URL"));
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    // All but the URL crate's rules: a user may stand before no host at all, where the query has a socket's.
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let port_at = host.rfind(':').filter(|it| !host[*it..].contains(']')).unwrap_or(host.len());
    let (host, port) = host.split_at(port_at);
    let mut parts = BTreeMap::new();
    let mut part = |name: &str, value: &str| {
        let value = decoded(value).ok_or_else(|| malformed("has a %XX that makes no text"))?;
        parts.insert(name.to_owned(), value);
        Ok(())
    };
    for (name, value) in
        [("host", host), ("port", port.trim_start_matches(':')), ("user", user), ("password", password), ("database", database)]
    {
        part(name, value)?;
    }
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = match name {
            "username" => "user",
            "dbname" => "database",
            name => name,
        };
        if ["host", "port", "user", "password", "database", "sslmode", "sslrootcert"].contains(&name) {
            part(name, value)?;
        }
    }
    Ok(parts)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = if *first == b'%' { after.get(..2) } else { None };
        match hex {
            Some(hex) => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|it| !it.contains('\0'))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn parsed(text: &str) -> Result<DatabaseSettings, String> {
        DatabaseSettings::parse(&Environment::from_dotenv(text, &|_| None), &Place::default()).map_err(|it| it.to_string())
    }

    fn tcp(host: &str) -> DatabaseHost {
        DatabaseHost::Tcp(host.to_owned())
    }

    #[test]
    fn the_url_goes_over_the_variables_and_they_over_the_defaults() {
        let socket = || DatabaseHost::Socket("/var/run/postgresql".into());
        for (text, host, port, name, user, password) in [
            ("", tcp("localhost"), 5432, "mastodon_production", "mastodon", None),
            ("DB_HOST=\nDB_PASS=\nDB_PORT=", socket(), 5432, "mastodon_production", "mastodon", None),
            ("DB_HOST=/var/run/postgresql", socket(), 5432, "mastodon_production", "mastodon", None),
            ("DB_HOST=db\nDB_PORT=5433\nDB_NAME=m\nDB_USER=u\nDB_PASS='p w'", tcp("db"), 5433, "m", "u", Some("p w")),
            ("DB_HOST=db\nDB_PASS=w\nDATABASE_URL=postgres://u@h", tcp("h"), 5432, "mastodon_production", "u", Some("w")),
            ("DATABASE_URL=postgresql://u:p%40%2F%25@h:1/d", tcp("h"), 1, "d", "u", Some("p@/%")),
            ("DATABASE_URL=postgresql:///d?host=/var/run/postgresql", socket(), 5432, "d", "mastodon", None),
            ("DATABASE_URL=postgresql://%2Fvar%2Frun%2Fpostgresql/d", socket(), 5432, "d", "mastodon", None),
            ("DATABASE_URL=postgresql://u:w@/d?host=/var/run/postgresql&port=6", socket(), 6, "d", "u", Some("w")),
            ("DATABASE_URL=postgresql://[::1]/d", tcp("::1"), 5432, "d", "mastodon", None),
            ("DATABASE_URL=postgresql://[::1]:6/d?pool=5", tcp("::1"), 6, "d", "mastodon", None),
        ] {
            let settings = parsed(text).unwrap();
            let found = settings.password.as_ref().map(|it| it.expose_secret());
            assert_eq!(
                (&settings.host, settings.port, settings.name.as_str(), settings.user.as_str(), found),
                (&host, port, name, user, password),
                "{text}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_the_variables_name_and_never_shown() {
        for (text, named) in [
            ("DB_PORT=postgres", "DB_PORT"),
            ("DB_PORT=0", "DB_PORT"),
            ("DB_HOST=a,b", "DB_HOST"),
            ("DB_SSLMODE=on", "DB_SSLMODE"),
            ("DB_SSLMODE=verify-full", "PGSSLROOTCERT"),
            ("DB_SSLMODE=verify-ca\nPGSSLROOTCERT=system", "PGSSLROOTCERT"),
            ("DATABASE_URL=mysql://u:hunter2@h/d", "DATABASE_URL"),
            ("DATABASE_URL=:hunter2", "DATABASE_URL"),
            ("DATABASE_URL=postgres://u:hunter2%FF@h/d", "DATABASE_URL"),
            ("DATABASE_URL=postgres://u:hunter2@h/d?sslmode=on", "DATABASE_URL"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with(named) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn a_root_certificate_makes_require_verify_as_in_libpq() {
        let roots = || Some(Roots::File("/ca.pem".into()));
        for (text, mode, roots) in [
            ("", SslMode::Prefer, None),
            ("DB_SSLMODE=require", SslMode::Require, None),
            ("DB_SSLMODE=require\nPGSSLROOTCERT=/ca.pem", SslMode::VerifyCa, roots()),
            ("DATABASE_URL=postgres://h?sslmode=verify-full&sslrootcert=/ca.pem", SslMode::VerifyFull, roots()),
            ("DB_SSLMODE=verify-full\nPGSSLROOTCERT=system", SslMode::VerifyFull, Some(Roots::System)),
        ] {
            assert_eq!(parsed(text).unwrap().tls, Tls { mode, roots }, "{text}");
        }
    }
}
