//! The releases of Mastodon that can be run: a data file, `data/releases.toml`, whose facts name their sources.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::Deserialize;

use crate::names::MastodonVersion;

/// One release with its images.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub version: MastodonVersion,
    /// Web, Sidekiq and Jobs.
    pub image: String,
    /// Streaming has an image of its own from 4.3 on.
    pub streaming_image: String,
    /// `OTP_SECRET` is one of its identity's secrets (removed in 4.4.0).
    pub needs_otp_secret: bool,
    /// Oldest major version of PostgreSQL.
    pub min_postgresql: u16,
    /// Oldest version of Redis, major and minor.
    pub min_redis: String,
    /// The end of its line's support; absent while nobody has set it.
    pub support_ends: Option<NaiveDate>,
}

/// The catalogue, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releases {
    default: MastodonVersion,
    releases: Vec<Release>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: MastodonVersion,
    release: Vec<Release>,
}

/// What is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum ReleasesError {
    #[error("the catalogue of releases is no TOML of the known form")]
    Form(#[from] toml::de::Error),
    #[error("release {0} is listed twice")]
    Twice(MastodonVersion),
    #[error("the default release {0} is not listed")]
    NoDefault(MastodonVersion),
}

impl Releases {
    /// The catalogue that the program carries.
    ///
    /// # Errors
    /// Never for the file in the repository: a test reads it.
    pub fn built_in() -> Result<Self, ReleasesError> {
        Self::from_toml(include_str!("../data/releases.toml"))
    }

    /// # Errors
    /// [`ReleasesError`].
    pub fn from_toml(text: &str) -> Result<Self, ReleasesError> {
        let File { default, release: mut releases } = toml::from_str(text)?;
        releases.sort_by_key(|it| it.version);
        if let Some(pair) = releases.windows(2).find(|it| it[0].version == it[1].version) {
            return Err(ReleasesError::Twice(pair[0].version));
        }
        if !releases.iter().any(|it| it.version == default) {
            return Err(ReleasesError::NoDefault(default));
        }
        Ok(Self { default, releases })
    }

    /// What a new server gets.
    #[must_use]
    pub fn default_release(&self) -> Option<&Release> {
        self.get(self.default)
    }

    #[must_use]
    pub fn get(&self, version: MastodonVersion) -> Option<&Release> {
        self.releases.iter().find(|it| it.version == version)
    }

    #[must_use]
    pub fn newest_of_line(&self, line: (u16, u16)) -> Option<&Release> {
        self.releases.iter().rev().find(|it| it.version.line() == line)
    }

    /// Every line with a release, oldest first.
    #[must_use]
    pub fn lines(&self) -> BTreeSet<(u16, u16)> {
        self.releases.iter().map(|it| it.version.line()).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Release> {
        self.releases.iter()
    }

    #[cfg(test)]
    pub(crate) fn for_tests(versions: &[MastodonVersion]) -> Self {
        let release = |version: &MastodonVersion| Release {
            version: *version,
            image: String::new(),
            streaming_image: String::new(),
            needs_otp_secret: false,
            min_postgresql: 14,
            min_redis: "7.0".to_owned(),
            support_ends: None,
        };
        let mut releases: Vec<Release> = versions.iter().map(release).collect();
        releases.sort_by_key(|it| it.version);
        Self { default: MastodonVersion::new(0, 0, 0), releases }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_is_sound() {
        let releases = Releases::built_in().unwrap();
        assert!(releases.default_release().is_some());
        assert_eq!(releases.lines().into_iter().collect::<Vec<_>>(), [(4, 3), (4, 4), (4, 5), (4, 6), (4, 7)]);
        for release in releases.iter() {
            assert!(release.image.ends_with(&format!(":v{}", release.version)), "{}", release.image);
            assert!(release.streaming_image.ends_with(&format!(":v{}", release.version)), "{}", release.streaming_image);
            assert_eq!(release.needs_otp_secret, release.version < MastodonVersion::new(4, 4, 0));
            assert!(release.min_postgresql <= 17);
        }
    }

    #[test]
    fn a_wrong_catalogue_is_refused() {
        let release = |version: &str| {
            format!(
                "[[release]]\nversion = \"{version}\"\nimage = \"i\"\nstreaming_image = \"s\"\nneeds_otp_secret = false\nmin_postgresql = 14\nmin_redis = \"7.0\"\n"
            )
        };
        let catalogue = |default: &str, versions: &[&str]| {
            let text = versions.iter().map(|it| release(it)).collect::<String>();
            Releases::from_toml(&format!("default = \"{default}\"\n{text}"))
        };
        assert!(catalogue("4.5.1", &["4.5.1"]).is_ok());
        assert!(matches!(catalogue("4.5.1", &["4.5.1", "4.5.1"]), Err(ReleasesError::Twice(_))));
        assert!(matches!(catalogue("4.5.2", &["4.5.1"]), Err(ReleasesError::NoDefault(_))));
        assert!(matches!(catalogue("4.5", &["4.5.1"]), Err(ReleasesError::Form(_))));
    }
}
