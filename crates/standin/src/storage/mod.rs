//! Where Paperclip keeps files: a bucket, or the disk.

mod disk;
mod s3;

use crate::config::StorageConfig;

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("Aws::S3::Errors: the object store can't be reached for `{key}`")]
    Unreachable {
        key: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("Aws::S3::Errors: the object store refused `{key}` with {status}: {answer}")]
    Refused { key: String, status: u16, answer: String },
    #[error("Errno: `{path}` can't be written or removed")]
    Disk {
        path: String,
        #[source]
        source: std::io::Error,
    },
}

/// What is stored beside the bytes.
pub struct Object<'a> {
    pub key: &'a str,
    pub content_type: &'a str,
    pub access: Access,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `S3_PERMISSION`.
    Usual,
    /// Never for everybody: people's archives (UP:app/models/backup.rb).
    Private,
}

pub async fn put(http: &reqwest::Client, storage: &StorageConfig, object: &Object<'_>, body: Vec<u8>) -> Result<(), StorageError> {
    match storage {
        StorageConfig::S3(bucket) => s3::put(http, bucket, object, body).await,
        StorageConfig::Disk(disk) => disk::put(disk, object.key, &body),
    }
}

/// What is not there is gone already.
pub async fn delete(http: &reqwest::Client, storage: &StorageConfig, key: &str) -> Result<(), StorageError> {
    match storage {
        StorageConfig::S3(bucket) => s3::delete(http, bucket, key).await,
        StorageConfig::Disk(disk) => disk::delete(disk, key),
    }
}

/// Where people fetch it.
pub fn url(storage: &StorageConfig, web_domain: &str, key: &str) -> String {
    match storage {
        StorageConfig::S3(bucket) => format!("{}://{}/{}", bucket.protocol, bucket.alias_host, s3::full_key(bucket, key)),
        StorageConfig::Disk(disk) if disk.url.starts_with('/') => format!("https://{web_domain}{}/{key}", disk.url),
        StorageConfig::Disk(disk) => format!("{}/{key}", disk.url),
    }
}
