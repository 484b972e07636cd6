//! The bucket of exports, in memory: what was put is listed, linked and deleted; away, it refuses all.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use howdah_app::ports::{Bundles, BundlesError};
use url::Url;

#[derive(Default)]
pub struct FakeBundles {
    keys: Mutex<BTreeSet<String>>,
    away: AtomicBool,
}

impl FakeBundles {
    pub fn put(&self, key: &str) {
        self.there().insert(key.to_owned());
    }

    pub fn keys(&self) -> Vec<String> {
        self.there().iter().cloned().collect()
    }

    pub fn go_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    fn there(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> Result<(), BundlesError> {
        if self.away.load(Ordering::Relaxed) { Err(BundlesError("it is away".to_owned())) } else { Ok(()) }
    }

    fn below(&self, prefix: &str) -> Vec<String> {
        let start = format!("{prefix}/");
        self.there().iter().filter_map(|it| it.strip_prefix(&start)).map(str::to_owned).collect()
    }
}

impl Bundles for FakeBundles {
    fn files(&self, prefix: &str) -> BoxStream<'static, Result<String, BundlesError>> {
        match self.answers() {
            Ok(()) => stream::iter(self.below(prefix)).map(Ok).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn link<'a>(&'a self, prefix: &'a str, path: &'a str, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>> {
        let url = format!("https://s3.example/howdah-bundles/{prefix}/{path}?X-Amz-Expires={}", valid.as_secs());
        async move { Url::parse(&url).map_err(|error| BundlesError(error.to_string())) }.boxed()
    }

    fn delete<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), BundlesError>> {
        async move {
            self.answers()?;
            let start = format!("{prefix}/");
            self.there().retain(|it| !it.starts_with(&start));
            Ok(())
        }
        .boxed()
    }
}
