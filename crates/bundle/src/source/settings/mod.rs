//! The settings that this program works with, parsed from an [`Environment`].
//!
//! Defaults are Mastodon's own (UP:config/database.yml, UP:config/initializers/paperclip.rb, DOC:admin/config.md).

mod database;
mod domains;
mod identity;
mod media;

use std::path::{Path, PathBuf};

use super::Environment;
use crate::format::{Domains, Finding};

pub use database::{DatabaseHost, DatabaseSettings, Roots, SslMode, Tls};
pub(super) use identity::{DETERMINISTIC_KEY, KEY_DERIVATION_SALT, PRIMARY_KEY};
pub use identity::{Identity, Needs};
pub use media::MediaSettings;

/// What of a server's environment a bundle is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub domains: Domains,
    pub database: DatabaseSettings,
    pub media: MediaSettings,
    pub identity: Identity,
    pub source_code: SourceCode,
    /// What is worth knowing, and stops nothing.
    pub findings: Vec<Finding>,
}

/// Where this program finds what the environment doesn't say.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Mastodon's own folder, such as `/home/mastodon/live`: the one that `.env.production` lies in.
    pub root: Option<PathBuf>,
    /// `--public-system`: the folder of the media on disk, whatever the environment says.
    pub public_system: Option<PathBuf>,
    /// `--no-media`: it is not looked for, wherever the environment says that it lies.
    pub without_media: bool,
    /// Mastodon's version, where its own folder is not at hand to say it.
    pub version: Option<String>,
    /// `$HOME`, where libpq looks for `.postgresql/root.crt`.
    pub home: Option<PathBuf>,
}

/// Where this server's source is, for whoever changed it (UP:lib/mastodon/version.rb).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceCode {
    /// `SOURCE_BASE_URL`, or of `GITHUB_REPOSITORY`.
    pub url: Option<String>,
    /// `SOURCE_COMMIT` or `SOURCE_TAG`.
    pub commit: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{name} is not set: {way_out}")]
    Missing { name: &'static str, way_out: &'static str },
    #[error("{name}: {what}; {way_out}")]
    Malformed { name: &'static str, what: String, way_out: &'static str },
    #[error(
        "this server keeps its media by {name}, which can't be read here: move it to S3 or to disk first (`tootctl` and DOC:admin/optional/object-storage.md), or give a copy by --public-system"
    )]
    MediaStore { name: &'static str },
}

impl SettingsError {
    /// The value is shown, shortened: it is no secret's.
    fn malformed(name: &'static str, value: &str, way_out: &'static str) -> Self {
        let shown: String = value.chars().take(60).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect();
        Self::Malformed { name, what: format!("`{shown}` can't be used"), way_out }
    }
}

impl Settings {
    /// # Errors
    /// [`SettingsError`] names the variable.
    pub fn parse(environment: &Environment, place: &Place) -> Result<Self, SettingsError> {
        let domains = domains::parse(environment)?;
        let mut findings = Vec::new();
        let media = MediaSettings::parse(environment, &domains, place)?;
        let database = DatabaseSettings::parse(environment, place)?;
        let identity = Identity::parse(environment);
        if environment.get("SELF_DESTRUCT").is_some() {
            findings.push(super::notice(
                "SELF_DESTRUCT",
                "self_destruct",
                "this server was told to delete itself everywhere; the bundle's environment leaves that out, and what is brought back from it still meets servers that deleted its accounts",
            ));
        }
        Ok(Self { domains, database, media, identity, source_code: SourceCode::parse(environment), findings })
    }
}

impl SourceCode {
    fn parse(environment: &Environment) -> Self {
        let of_repository = || environment.get("GITHUB_REPOSITORY").map(|it| format!("https://github.com/{it}"));
        Self {
            url: environment.get("SOURCE_BASE_URL").map(str::to_owned).or_else(of_repository),
            commit: environment.get("SOURCE_COMMIT").or_else(|| environment.get("SOURCE_TAG")).map(str::to_owned),
        }
    }
}

/// A path that the environment names, from the server's own folder on where it is relative.
fn resolved(path: &str, root: Option<&Path>) -> PathBuf {
    root.map_or_else(|| PathBuf::from(path), |root| root.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the documentation's own sample sets it up.
    #[test]
    fn a_usual_environment_is_parsed() {
        let text = "
            LOCAL_DOMAIN=a.example
            DB_HOST=/var/run/postgresql
            DB_USER=mastodon
            DB_NAME=mastodon_production
            DB_PASS=
            DB_PORT=5432
            SECRET_KEY_BASE=abc
            S3_ENABLED=true
            S3_BUCKET=files.a.example
            AWS_ACCESS_KEY_ID=key
            AWS_SECRET_ACCESS_KEY=secret
            S3_ALIAS_HOST=files.a.example
            GITHUB_REPOSITORY=birds/mastodon
            SOURCE_TAG=v4.5.11+birds";
        let parsed = |text: &str| Settings::parse(&Environment::from_dotenv(text, &|_| None), &Place::default()).unwrap();
        let settings = parsed(text);
        assert_eq!(settings.domains.web, "a.example");
        assert_eq!(settings.database.shown(), "mastodon_production on the socket in /var/run/postgresql (port 5432) as mastodon");
        assert_eq!(settings.media.facts().public_base_url.as_deref(), Some("https://files.a.example"));
        let source_code =
            SourceCode { url: Some("https://github.com/birds/mastodon".to_owned()), commit: Some("v4.5.11+birds".to_owned()) };
        assert_eq!((settings.source_code, settings.findings.len()), (source_code, 0));
        let leaving = parsed(&format!("{text}\nSELF_DESTRUCT=token"));
        assert_eq!(leaving.findings.iter().map(|it| it.reason.as_str()).collect::<Vec<_>>(), ["self_destruct"]);
    }
}
