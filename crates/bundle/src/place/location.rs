//! What a person writes, and the place that it names.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use reqwest::{Certificate, Client};

use super::{PlaceError, Prefix, s3::connect};
use crate::outside::{Guard, check};
use crate::s3::{S3Settings, SettingError};

/// Where a bundle lies, as a person writes it: `DIR`, `FILE.tar`, `-`, or `s3://BUCKET/PREFIX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    Directory(PathBuf),
    /// A name that ends in `.tar`.
    TarFile(PathBuf),
    /// `-`: a tar on standard output, or from standard input.
    Pipe,
    S3 {
        bucket: String,
        /// Without slashes at its ends; empty for the bucket's root.
        prefix: String,
    },
}

impl FromStr for Location {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let refused = |problem| Err(PlaceError::Location { text: text.to_owned(), problem });
        if text == "-" {
            return Ok(Self::Pipe);
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            return Self::s3(bucket, prefix).or_else(refused);
        }
        if text.contains("://") {
            return refused("of addresses only `s3://BUCKET/PREFIX` is known");
        }
        let path = Path::new(text);
        match path.extension().and_then(|it| it.to_str()) {
            _ if text.is_empty() => refused("it is empty"),
            _ if text.ends_with('/') => Ok(Self::Directory(path.to_owned())),
            Some("tar") => Ok(Self::TarFile(path.to_owned())),
            Some("tgz" | "gz" | "zst" | "xz" | "bz2" | "zip") => {
                refused("a bundle's tar is not compressed, since its dump and its media are; name a `FILE.tar` or a directory")
            }
            _ => Ok(Self::Directory(path.to_owned())),
        }
    }
}

impl Location {
    fn s3(bucket: &str, prefix: &str) -> Result<Self, &'static str> {
        let prefix = prefix.trim_matches('/');
        let safe = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
        if bucket.is_empty() || !bucket.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._".contains(&it)) {
            Err("a bucket's name has letters, digits, `-` and `.`")
        } else if !prefix.is_empty() && !prefix.split('/').all(safe) {
            Err("the prefix has a part that is empty, `.`, `..`, or holds a control character")
        } else {
            Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) | Self::TarFile(path) => path.display().fmt(f),
            Self::Pipe => f.write_str("-"),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// A location that can be gone to.
#[derive(Clone)]
pub enum Place {
    Directory(PathBuf),
    TarFile(PathBuf),
    Pipe,
    Prefix(Prefix),
}

impl Place {
    /// `s3`: what a place in S3 needs, and no other.
    ///
    /// # Errors
    /// [`PlaceError::Setting`] for S3 without settings, or with some that can't be used.
    pub fn at(location: &Location, s3: Option<&S3Settings>) -> Result<Self, PlaceError> {
        Self::by(location, s3, None)
    }

    /// Somebody else's bucket, who must not reach what only this machine does.
    ///
    /// # Errors
    /// [`PlaceError::Outside`] for an endpoint that is not asked; as [`Self::at`].
    pub fn guarded(location: &Location, s3: &S3Settings, guard: &Guard, authorities: &[Certificate]) -> Result<Self, PlaceError> {
        let endpoint = s3.endpoint.as_ref().ok_or_else(|| SettingError::new("AWS_ENDPOINT_URL", "it is needed for somebody's bucket"))?;
        let refused = |source| PlaceError::Outside { at: endpoint.host_str().unwrap_or_default().to_owned(), source };
        check(endpoint, guard.allowed()).map_err(refused)?;
        let unusable = |error: reqwest::Error| SettingError::new("AWS_ENDPOINT_URL", format!("no client can be made: {error}"));
        Self::by(location, Some(s3), Some(guard.client(authorities).map_err(unusable)?))
    }

    fn by(location: &Location, s3: Option<&S3Settings>, client: Option<Client>) -> Result<Self, PlaceError> {
        Ok(match location {
            Location::Directory(path) => Self::Directory(path.clone()),
            Location::TarFile(path) => Self::TarFile(path.clone()),
            Location::Pipe => Self::Pipe,
            Location::S3 { bucket, prefix } => {
                let needed = || SettingError::new("AWS_ACCESS_KEY_ID", format!("{location} can't be reached without it"));
                let root =
                    object_store::path::Path::parse(prefix).map_err(|it| PlaceError::store("name", &prefix.as_str().into())(it.into()))?;
                let store = connect(s3.ok_or_else(needed)?, bucket, client)?;
                Self::Prefix(Prefix::new(Arc::new(store), root, location.to_string()))
            }
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) | Self::TarFile(path) => path.display().fmt(f),
            Self::Pipe => f.write_str("the pipe"),
            Self::Prefix(prefix) => f.write_str(&prefix.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_writes_is_a_place() {
        let s3 = |bucket: &str, prefix: &str| Location::S3 { bucket: bucket.into(), prefix: prefix.into() };
        for (text, location, shown) in [
            ("-", Location::Pipe, "-"),
            ("/srv/bundle", Location::Directory("/srv/bundle".into()), "/srv/bundle"),
            ("bundle.tar/", Location::Directory("bundle.tar/".into()), "bundle.tar/"),
            ("example.org", Location::Directory("example.org".into()), "example.org"),
            ("./b/example.org.tar", Location::TarFile("./b/example.org.tar".into()), "./b/example.org.tar"),
            ("s3://backups", s3("backups", ""), "s3://backups"),
            ("s3://backups/a/b/", s3("backups", "a/b"), "s3://backups/a/b"),
        ] {
            assert_eq!(text.parse::<Location>().unwrap(), location);
            assert_eq!(location.to_string(), shown);
        }
        for text in [
            "",
            "s3://",
            "s3:///x",
            "s3://b/../c",
            "s3://b/a//c",
            "s3://b/a\nc",
            "s3://b u/c",
            "https://example.org/b.tar",
            "b.tar.gz",
            "b.tgz",
        ] {
            let refused = text.parse::<Location>().unwrap_err().to_string();
            assert!(refused.contains(text), "{refused}");
        }
    }
}
