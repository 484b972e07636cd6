//! `media/INVENTORY.ndjson` and its companions: a line a file.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::digest::Sha256Hex;
use super::path::{BundlePath, PathError, safe};

/// Where a media file lies below `media/`, below `public/system/`, or in a bucket's root: Paperclip's layout,
/// `<class>/<attachment>/<id partition>/<style>/<file>` (UP:config/initializers/paperclip.rb).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct MediaKey(String);

/// The folders of own media that a bundle may have; `backups` and `imports` on request.
const CLASSES: [&str; 6] = ["accounts", "media_attachments", "custom_emojis", "site_uploads", "backups", "imports"];

impl MediaKey {
    /// # Errors
    /// [`PathError`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        safe(text)?;
        match text.split_once('/') {
            Some((class, _)) if CLASSES.contains(&class) => Ok(Self(text.to_owned())),
            _ => Err(PathError::Unknown(text.chars().take(120).collect())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its place in a bundle.
    ///
    /// # Errors
    /// [`PathError::Long`] for a key that is too long with `media/` before it.
    pub fn path(&self) -> Result<BundlePath, PathError> {
        BundlePath::parse(&format!("{}/{}", super::MEDIA, self.0))
    }
}

impl TryFrom<String> for MediaKey {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl From<MediaKey> for String {
    fn from(key: MediaKey) -> Self {
        key.0
    }
}

impl fmt::Display for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line of `media/INVENTORY.ndjson`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MediaFile {
    pub key: MediaKey,
    pub bytes: u64,
    pub sha256: Sha256Hex,
    /// What an object store has to answer with; a disk keeps none of these three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<String>,
    /// As the source's listing told them: a later pass that finds them unchanged does not read the file again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<DateTime<Utc>>,
}

impl MediaFile {
    /// The member of the content digest's multiset.
    #[must_use]
    pub fn digest_member(&self) -> String {
        format!("{} {} {}", self.key, self.bytes, self.sha256)
    }
}

/// A line of `media/MISSING.ndjson`: a file that a row names and the store doesn't have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MissingMedia {
    pub table: String,
    pub id: i64,
    pub key: MediaKey,
}

/// A line of `media/ORPHANS.ndjson`: a file in the store that no row of the server's own names. It is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrphanMedia {
    /// As listed: it need not be a legal [`MediaKey`].
    pub key: String,
    pub bytes: u64,
}
