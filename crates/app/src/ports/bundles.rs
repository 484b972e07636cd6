//! The bucket where exports lie that are kept.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use url::Url;

/// It did not answer, or refused.
#[derive(Debug, thiserror::Error)]
#[error("the bucket of exports could not be asked: {0}")]
pub struct BundlesError(pub String);

/// A bundle lies below `prefix`, which has no slash at its ends.
pub trait Bundles: Send + Sync {
    /// Where all its files are, below the prefix (`media/accounts/…`), in no order. Whoever wrote them there chose the names.
    fn files(&self, prefix: &str) -> BoxStream<'static, Result<String, BundlesError>>;

    /// By which anyone can GET the file for so long: a week at most.
    fn link<'a>(&'a self, prefix: &'a str, path: &'a str, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>>;

    /// All of it; what is not there is well.
    fn delete<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), BundlesError>>;
}
