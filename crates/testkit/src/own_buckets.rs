//! Customers' buckets, in memory: what was tried out, and the trouble that a test wants.

use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use howdah_app::ports::OwnBuckets;
use howdah_bundle::outside::Bucket;
pub use howdah_bundle::outside::Trouble;

#[derive(Default)]
pub struct FakeOwnBuckets {
    trouble: Mutex<Option<Trouble>>,
    tried: Mutex<Vec<String>>,
}

impl FakeOwnBuckets {
    pub fn fail(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Bucket and key of each.
    pub fn tried(&self) -> Vec<String> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl OwnBuckets for FakeOwnBuckets {
    fn try_out<'a>(&'a self, bucket: &'a Bucket, key: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{}/{key}", bucket.bucket));
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ready(trouble.map_or(Ok(()), Err)).boxed()
    }
}
