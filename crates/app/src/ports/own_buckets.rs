//! Buckets of customers' own, tried out before an export goes there.

use futures::future::BoxFuture;
use howdah_bundle::outside::{Bucket, Trouble};

pub trait OwnBuckets: Send + Sync {
    /// Puts a small file there, reads it, and deletes it.
    fn try_out<'a>(&'a self, bucket: &'a Bucket, key: &'a str) -> BoxFuture<'a, Result<(), Trouble>>;
}
