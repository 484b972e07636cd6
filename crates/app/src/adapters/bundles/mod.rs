//! The bucket of exports, by S3.

mod signed;
mod uploads;

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::signed::Signer as Links;
use crate::ports::bundles::{BundleFile, Bundles, BundlesError, Upload};

/// Requests that delete, at a time.
const AT_ONCE: usize = 8;

pub struct S3Bundles {
    store: AmazonS3,
    bucket: String,
    /// What `object_store` doesn't sign: links that bind a length, and uploads in parts.
    links: Links,
    client: reqwest::Client,
}

/// Where the bucket is, and whose keys list, read and delete in it.
pub struct S3BundlesSettings {
    pub endpoint: Url,
    pub region: String,
    pub bucket: String,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
}

impl S3Bundles {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// [`BundlesError`] for settings that fit no client.
    pub fn new(settings: &S3BundlesSettings) -> Result<Self, BundlesError> {
        let options = ClientOptions::new()
            .with_allow_http(settings.endpoint.scheme() == "http")
            .with_connect_timeout(Duration::from_secs(5))
            .with_timeout(Duration::from_secs(30));
        let builder = AmazonS3Builder::new()
            .with_endpoint(settings.endpoint.as_str().trim_end_matches('/'))
            .with_region(&settings.region)
            .with_bucket_name(&settings.bucket)
            .with_access_key_id(&settings.access_key_id)
            .with_secret_access_key(settings.secret_access_key.expose_secret())
            // Not every store has the request that deletes many.
            .with_disable_bulk_delete(true)
            .with_client_options(options);
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            // Of ten thousand parts a store makes a file in minutes.
            .timeout(Duration::from_secs(300))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(error)?;
        Ok(Self { store: builder.build().map_err(error)?, bucket: settings.bucket.clone(), links: Links::new(settings), client })
    }

    /// SeaweedFS checks a signature with `X-Forwarded-Prefix` before the request's path, and acts on the path alone: whoever could choose a path
    /// with the bucket's name inside could use its link for any object.
    fn to_be_signed(&self, prefix: &str, path: &str) -> Result<Path, BundlesError> {
        let key = format!("{prefix}/{path}");
        if key.split('/').any(|it| it == self.bucket) {
            return Err(BundlesError(format!("no link is signed to a path with `{}` in it", self.bucket)));
        }
        Path::parse(key).map_err(error)
    }
}

impl Bundles for S3Bundles {
    fn origin(&self) -> String {
        self.links.origin()
    }

    fn files(&self, prefix: &str) -> BoxStream<'static, Result<BundleFile, BundlesError>> {
        let root = Path::from(prefix);
        let listed = self.store.list(Some(&root)).map_err(error);
        listed
            .map_ok(move |it| {
                let path = it.location.as_ref();
                let path = path.strip_prefix(root.as_ref()).unwrap_or(path).trim_start_matches('/').to_owned();
                BundleFile { path, bytes: it.size }
            })
            .boxed()
    }

    fn read<'a>(&'a self, prefix: &'a str, path: &'a str, most: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, BundlesError>> {
        async move {
            let path = Path::parse(format!("{prefix}/{path}")).map_err(error)?;
            match self.store.get(&path).await {
                Ok(found) if found.meta.size <= most => Ok(Some(found.bytes().await.map_err(error)?.into())),
                Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(other) => Err(error(other)),
            }
        }
        .boxed()
    }

    fn size<'a>(&'a self, prefix: &'a str, path: &'a str) -> BoxFuture<'a, Result<Option<u64>, BundlesError>> {
        async move {
            let path = Path::parse(format!("{prefix}/{path}")).map_err(error)?;
            match self.store.head(&path).await {
                Ok(found) => Ok(Some(found.size)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(other) => Err(error(other)),
            }
        }
        .boxed()
    }

    fn upload_link<'a>(&'a self, prefix: &'a str, path: &'a str, bytes: u64, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>> {
        async move {
            let key = self.to_be_signed(prefix, path)?;
            self.links.link(&Method::PUT, key.as_ref(), &[], Some(bytes), valid)
        }
        .boxed()
    }

    fn upload<'a>(&'a self, prefix: &'a str, path: &'a str) -> BoxFuture<'a, Result<Upload, BundlesError>> {
        async move { self.upload_of(self.to_be_signed(prefix, path)?.as_ref()).await }.boxed()
    }

    fn begun<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<u64, BundlesError>> {
        self.bytes_of_parts(prefix).boxed()
    }

    fn part_link<'a>(&'a self, upload: &'a Upload, number: u32, bytes: u64, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>> {
        async move {
            let query = [("partNumber", &*number.to_string()), ("uploadId", &upload.id)];
            self.links.link(&Method::PUT, &upload.key, &query, Some(bytes), valid)
        }
        .boxed()
    }

    fn complete<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), BundlesError>> {
        self.made_whole(upload).boxed()
    }

    fn link<'a>(&'a self, prefix: &'a str, path: &'a str, valid: Duration) -> BoxFuture<'a, Result<Url, BundlesError>> {
        async move {
            let path = self.to_be_signed(prefix, path)?;
            self.store.signed_url(Method::GET, &path, valid).await.map_err(error)
        }
        .boxed()
    }

    fn forget<'a>(&'a self, prefix: &'a str, paths: &'a [String]) -> BoxFuture<'a, Result<(), BundlesError>> {
        async move {
            let named = stream::iter(paths).map(|it| Path::parse(format!("{prefix}/{it}")).map_err(error));
            named.try_for_each_concurrent(AT_ONCE, async |it| gone(self.store.delete(&it).await)).await?;
            self.abort_below(prefix).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), BundlesError>> {
        async move {
            let listed = self.store.list(Some(&Path::from(prefix))).map_err(error);
            listed.try_for_each_concurrent(AT_ONCE, async |it| gone(self.store.delete(&it.location).await)).await?;
            self.abort_below(prefix).await
        }
        .boxed()
    }
}

fn gone(result: object_store::Result<()>) -> Result<(), BundlesError> {
    match result {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(other) => Err(error(other)),
    }
}

fn error(error: impl fmt::Display) -> BundlesError {
    BundlesError(error.to_string())
}
