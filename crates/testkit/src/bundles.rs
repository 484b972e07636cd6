//! The bucket of exports, in memory: what was put is listed, linked and deleted; away, it refuses all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use howdah_app::ports::{BundleFile, Bundles, BundlesError, Upload, UploadedPart};
use url::Url;

#[derive(Default)]
pub struct FakeBundles {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Made of parts: their bytes are not held.
    whole: Mutex<BTreeMap<String, u64>>,
    /// Of uploads by their key, the parts that are there and their bytes.
    uploads: Mutex<BTreeMap<String, BTreeMap<u32, u64>>>,
    away: AtomicBool,
}

impl FakeBundles {
    /// An empty file.
    pub fn put(&self, key: &str) {
        self.put_bytes(key, b"");
    }

    pub fn put_bytes(&self, key: &str, bytes: &[u8]) {
        self.there().insert(key.to_owned(), bytes.to_owned());
    }

    pub fn forget(&self, key: &str) {
        self.there().remove(key);
    }

    /// All of a bundle, below a prefix.
    pub fn put_all(&self, prefix: &str, files: &BTreeMap<String, Vec<u8>>) {
        files.iter().for_each(|(path, bytes)| self.put_bytes(&format!("{prefix}/{path}"), bytes));
    }

    pub fn keys(&self) -> Vec<String> {
        self.there().keys().cloned().collect()
    }

    pub fn go_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    fn there(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As by its link.
    pub fn put_part(&self, key: &str, number: u32, bytes: u64) {
        self.uploads().entry(key.to_owned()).or_default().insert(number, bytes);
    }

    fn whole(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<u32, u64>>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> Result<(), BundlesError> {
        if self.away.load(Ordering::Relaxed) { Err(BundlesError("it is away".to_owned())) } else { Ok(()) }
    }

    fn below(&self, prefix: &str) -> Vec<BundleFile> {
        let start = format!("{prefix}/");
        let file =
            |(key, bytes): (&String, &Vec<u8>)| Some(BundleFile { path: key.strip_prefix(&start)?.to_owned(), bytes: bytes.len() as u64 });
        let made = |(key, bytes): (&String, &u64)| Some(BundleFile { path: key.strip_prefix(&start)?.to_owned(), bytes: *bytes });
        let whole: Vec<BundleFile> = self.whole().iter().filter_map(made).collect();
        self.there().iter().filter_map(file).chain(whole).collect()
    }
}

impl Bundles for FakeBundles {
    fn origin(&self) -> String {
        "https://s3.example".to_owned()
    }

    fn files(&self, prefix: &str) -> BoxStream<'static, Result<BundleFile, BundlesError>> {
        match self.answers() {
            Ok(()) => stream::iter(self.below(prefix)).map(Ok).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn link<'a>(&'a self, prefix: &'a str, path: &'a str, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>> {
        let url = format!("https://s3.example/howdah-bundles/{prefix}/{path}?X-Amz-Expires={}", valid.as_secs());
        async move { Url::parse(&url).map_err(|error| BundlesError(error.to_string())) }.boxed()
    }

    fn read<'a>(&'a self, prefix: &'a str, path: &'a str, most: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, BundlesError>> {
        async move {
            self.answers()?;
            Ok(self.there().get(&format!("{prefix}/{path}")).filter(|it| it.len() as u64 <= most).cloned())
        }
        .boxed()
    }

    fn size<'a>(&'a self, prefix: &'a str, path: &'a str) -> BoxFuture<'a, Result<Option<u64>, BundlesError>> {
        async move {
            self.answers()?;
            let key = format!("{prefix}/{path}");
            let held = self.there().get(&key).map(|it| it.len() as u64);
            Ok(held.or_else(|| self.whole().get(&key).copied()))
        }
        .boxed()
    }

    fn upload_link<'a>(&'a self, prefix: &'a str, path: &'a str, bytes: u64, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>> {
        let url = format!("https://s3.example/howdah-bundles/{prefix}/{path}?X-Amz-Expires={}&for=PUT&of={bytes}", valid.as_secs());
        async move { Url::parse(&url).map_err(|error| BundlesError(error.to_string())) }.boxed()
    }

    fn upload<'a>(&'a self, prefix: &'a str, path: &'a str) -> BoxFuture<'a, Result<Upload, BundlesError>> {
        async move {
            self.answers()?;
            let key = format!("{prefix}/{path}");
            let parts = self.uploads().entry(key.clone()).or_default().clone();
            let parts = parts.into_iter().map(|(number, bytes)| (number, UploadedPart { bytes, etag: format!("\"{number}\"") }));
            Ok(Upload { id: format!("upload of {key}"), key, parts: parts.collect() })
        }
        .boxed()
    }

    fn begun<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<u64, BundlesError>> {
        async move {
            self.answers()?;
            let start = format!("{prefix}/");
            let uploads = self.uploads();
            Ok(uploads.iter().filter(|(key, _)| key.starts_with(&start)).flat_map(|(_, parts)| parts.values()).sum())
        }
        .boxed()
    }

    fn part_link<'a>(&'a self, upload: &'a Upload, number: u32, bytes: u64, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>> {
        let url = format!(
            "https://s3.example/howdah-bundles/{}?partNumber={number}&X-Amz-Expires={}&for=PUT&of={bytes}",
            upload.key,
            valid.as_secs()
        );
        async move { Url::parse(&url).map_err(|error| BundlesError(error.to_string())) }.boxed()
    }

    fn complete<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), BundlesError>> {
        async move {
            self.answers()?;
            let parts = self.uploads().remove(&upload.key).ok_or_else(|| BundlesError("there is no such upload".to_owned()))?;
            // Of what is there only what is named is joined.
            let bytes = upload.parts.keys().filter_map(|it| parts.get(it)).sum::<u64>();
            self.whole().insert(upload.key.clone(), bytes);
            Ok(())
        }
        .boxed()
    }

    fn forget<'a>(&'a self, prefix: &'a str, paths: &'a [String]) -> BoxFuture<'a, Result<(), BundlesError>> {
        async move {
            self.answers()?;
            let start = format!("{prefix}/");
            let is_named = |key: &String| key.strip_prefix(&start).is_some_and(|path| paths.iter().any(|it| it == path));
            self.there().retain(|key, _| !is_named(key));
            self.whole().retain(|key, _| !is_named(key));
            self.uploads().retain(|key, _| !key.starts_with(&start));
            Ok(())
        }
        .boxed()
    }

    fn delete<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), BundlesError>> {
        async move {
            self.answers()?;
            let start = format!("{prefix}/");
            self.there().retain(|key, _| !key.starts_with(&start));
            self.whole().retain(|key, _| !key.starts_with(&start));
            self.uploads().retain(|key, _| !key.starts_with(&start));
            Ok(())
        }
        .boxed()
    }
}
