//! Names of a bundle's files: relative, below known prefixes, nothing that could lead elsewhere.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest key that an S3 object may have, in bytes.
const LONGEST: usize = 1024;

/// A file's path inside a bundle, with `/` between its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct BundlePath(String);

/// Why a path is none of a bundle's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("`{0}` is no path inside a bundle: it is empty, absolute, or has a part that is empty, `.` or `..`")]
    Leads(String),
    #[error("`{0}` is no path inside a bundle: it has a control character or a backslash")]
    Character(String),
    #[error("a path of {0} bytes is longer than {LONGEST}")]
    Long(usize),
    #[error("`{0}` is not among the files that a bundle has")]
    Unknown(String),
}

impl BundlePath {
    /// # Errors
    /// [`PathError`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        safe(text)?;
        if known(text) { Ok(Self(text.to_owned())) } else { Err(PathError::Unknown(shown(text))) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it can only lead to a place below where it starts.
pub(super) fn safe(text: &str) -> Result<(), PathError> {
    if text.len() > LONGEST {
        return Err(PathError::Long(text.len()));
    }
    if text.chars().any(|it| it.is_control() || it == '\\') {
        return Err(PathError::Character(shown(text)));
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(PathError::Leads(shown(text)));
    }
    Ok(())
}

fn known(text: &str) -> bool {
    const FILES: [&str; 7] =
        [super::PREFLIGHT, super::MANIFEST, super::VERIFY, super::SIGNATURE, super::VERIFY_SIGNATURE, "RESTORE.md", "restore.sh"];
    const FOLDERS: [&str; 4] = ["env/", "postgres/", "proxy/", "media/"];
    FILES.contains(&text) || FOLDERS.iter().any(|it| text.starts_with(it))
}

/// For an error: what a terminal can show.
fn shown(text: &str) -> String {
    text.chars().take(120).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}

impl TryFrom<String> for BundlePath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl From<BundlePath> for String {
    fn from(path: BundlePath) -> Self {
        path.0
    }
}

impl fmt::Display for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_known_prefixes_are_taken() {
        for good in ["PREFLIGHT.json", "env/.env.production", "media/accounts/avatars/000/000/001/original/a b.png", "restore.sh"] {
            assert_eq!(BundlePath::parse(good).map(|it| it.to_string()), Ok(good.to_owned()));
        }
        for bad in
            ["", "/etc/passwd", "media/../../etc/passwd", "media//x", "./MANIFEST.json", "media/x/", "elsewhere/x", "media\\x", "env/a\nb"]
        {
            assert!(BundlePath::parse(bad).is_err(), "{bad:?} must be refused");
        }
        assert_eq!(BundlePath::parse(&format!("media/{}", "a".repeat(LONGEST))), Err(PathError::Long(LONGEST + 6)));
    }
}
