//! The bucket where exports lie that are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use url::Url;

/// It did not answer, or refused.
#[derive(Debug, thiserror::Error)]
#[error("the bucket of exports could not be asked: {0}")]
pub struct BundlesError(pub String);

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    /// Below the bundle's prefix, `media/accounts/…`.
    pub path: String,
    pub bytes: u64,
}

/// A file that is brought in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The whole key in the bucket.
    pub key: String,
    pub id: String,
    /// That are there, by their numbers, which begin with 1.
    pub parts: BTreeMap<u32, UploadedPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedPart {
    pub bytes: u64,
    pub etag: String,
}

/// A bundle lies below `prefix`, which has no slash at its ends.
pub trait Bundles: Send + Sync {
    /// Where its links lead, as a browser names it: `https://s3.example.com`.
    fn origin(&self) -> String;

    /// All its files, in no order. Whoever wrote them there chose the names.
    fn files(&self, prefix: &str) -> BoxStream<'static, Result<BundleFile, BundlesError>>;

    /// A file of so many bytes at most; `None` where there is none, or a larger one.
    fn read<'a>(&'a self, prefix: &'a str, path: &'a str, most: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, BundlesError>>;

    /// Of one file, in bytes; `None` where there is none.
    fn size<'a>(&'a self, prefix: &'a str, path: &'a str) -> BoxFuture<'a, Result<Option<u64>, BundlesError>>;

    /// By which anyone can GET the file for so long: a week at most.
    fn link<'a>(&'a self, prefix: &'a str, path: &'a str, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>>;

    /// By which anyone can PUT the file for so long, over what is there, if it has just so many bytes.
    fn upload_link<'a>(&'a self, prefix: &'a str, path: &'a str, bytes: u64, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>>;

    /// The upload in parts of one file, with what of it is there; begun where there is none.
    fn upload<'a>(&'a self, prefix: &'a str, path: &'a str) -> BoxFuture<'a, Result<Upload, BundlesError>>;

    /// Bytes of the parts of all files that aren't whole yet.
    fn begun<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<u64, BundlesError>>;

    /// By which anyone can PUT this part for so long, if it has just so many bytes.
    fn part_link<'a>(&'a self, upload: &'a Upload, number: u32, bytes: u64, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>>;

    /// All parts are there: from now on the file is.
    fn complete<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), BundlesError>>;

    /// These files of it, and every upload that was begun; what is not there is well.
    fn forget<'a>(&'a self, prefix: &'a str, paths: &'a [String]) -> BoxFuture<'a, Result<(), BundlesError>>;

    /// All of it, and uploads that were begun; what is not there is well.
    fn delete<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), BundlesError>>;
}
