//! The bucket of exports, in memory: what was put is listed, linked and deleted; away, it refuses all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use howdah_app::ports::{BundleFile, Bundles, BundlesError};
use url::Url;

#[derive(Default)]
pub struct FakeBundles {
    /// By whole key.
    files: Mutex<BTreeMap<String, u64>>,
    away: AtomicBool,
}

impl FakeBundles {
    pub fn put(&self, key: &str, size: u64) {
        self.files().insert(key.to_owned(), size);
    }

    pub fn keys(&self) -> Vec<String> {
        self.files().keys().cloned().collect()
    }

    pub fn go_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> Result<(), BundlesError> {
        if self.away.load(Ordering::Relaxed) { Err(BundlesError("it is away".to_owned())) } else { Ok(()) }
    }

    fn below(&self, prefix: &str) -> Vec<(String, u64)> {
        let start = format!("{prefix}/");
        self.files().iter().filter_map(|(key, size)| Some((key.strip_prefix(&start)?.to_owned(), *size))).collect()
    }
}

impl Bundles for FakeBundles {
    fn files(&self, prefix: &str) -> BoxStream<'static, Result<BundleFile, BundlesError>> {
        match self.answers() {
            Ok(()) => stream::iter(self.below(prefix)).map(|(path, size)| Ok(BundleFile { path, size })).boxed(),
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
            self.files().retain(|key, _| !key.starts_with(&start));
            Ok(())
        }
        .boxed()
    }
}
