//! Customers' buckets, wherever they are on the public internet.

use futures::FutureExt;
use futures::future::BoxFuture;
use howdah_bundle::outside::{Allowed, Bucket, Guard, Trouble};

use crate::ports::OwnBuckets;

pub struct PublicBuckets {
    guard: Guard,
}

impl PublicBuckets {
    /// `allowed`: where connections may lead.
    #[must_use]
    pub fn new(allowed: Allowed) -> Self {
        Self { guard: Guard::new(allowed) }
    }
}

impl OwnBuckets for PublicBuckets {
    fn try_out<'a>(&'a self, bucket: &'a Bucket, key: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        bucket.try_out(&self.guard, &[], key).boxed()
    }
}
