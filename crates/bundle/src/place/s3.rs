//! A prefix in a bucket, by way of `object_store`. Requests are retried there, with growing waits, for three minutes.

use std::{sync::Arc, time::Duration};

use object_store::{
    Certificate, ClientOptions, ObjectStore, ObjectStoreExt as _,
    aws::{AmazonS3, AmazonS3Builder},
    multipart::MultipartStore,
    path::Path,
};
use secrecy::ExposeSecret as _;
use url::Url;

use super::PlaceError;
use crate::outside::Connector;
use crate::s3::{S3Settings, SettingError};

/// A client for a bucket. `guarded`: by which alone requests are sent.
pub(super) fn connect(settings: &S3Settings, bucket: &str, guarded: Option<reqwest::Client>) -> Result<AmazonS3, PlaceError> {
    let plain = settings.endpoint.as_ref().is_some_and(|it| it.scheme() == "http");
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&settings.region)
        .with_access_key_id(&settings.access_key_id)
        .with_secret_access_key(settings.secret_access_key.expose_secret())
        .with_virtual_hosted_style_request(!settings.path_style)
        // What TLS carries can't change on the way: hashing it once more for the signature would only cost.
        .with_unsigned_payload(!plain)
        // Not every service has the one request that deletes many.
        .with_disable_bulk_delete(true)
        .with_client_options(client(settings.ca.as_deref(), plain)?);
    if let Some(client) = guarded {
        builder = builder.with_http_connector(Connector(client));
    }
    if let Some(token) = &settings.session_token {
        builder = builder.with_token(token.expose_secret());
    }
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(host(endpoint, bucket, settings.path_style)?);
    }
    builder.build().map_err(|it| setting("AWS_ENDPOINT_URL", it.to_string()))
}

fn client(ca: Option<&[u8]>, plain: bool) -> Result<ClientOptions, PlaceError> {
    let mut options = ClientOptions::new()
        .with_allow_http(plain)
        .with_connect_timeout(Duration::from_secs(10))
        // A dump is read and written for hours; a connection that brings nothing for so long is dead.
        .with_timeout_disabled()
        .with_read_timeout(Duration::from_secs(300));
    if let Some(pem) = ca {
        let certificates = Certificate::from_pem_bundle(pem).map_err(|it| setting("AWS_CA_BUNDLE", it.to_string()))?;
        options = options.with_no_system_certificates(true);
        options = certificates.into_iter().fold(options, ClientOptions::with_root_certificate);
    }
    Ok(options)
}

/// `object_store` takes an endpoint with the bucket in its host, where that is wanted.
fn host(endpoint: &Url, bucket: &str, path_style: bool) -> Result<String, PlaceError> {
    let mut url = endpoint.clone();
    if !path_style {
        let host = url.host_str().unwrap_or_default();
        let host = format!("{bucket}.{host}");
        url.set_host(Some(&host)).map_err(|it| setting("AWS_ENDPOINT_URL", format!("`{host}` is no host's name: {it}")))?;
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn setting(variable: &'static str, problem: impl Into<String>) -> PlaceError {
    SettingError::new(variable, problem).into()
}

/// What a bundle in S3 needs of a client.
pub trait Bucket: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> Bucket for T {}

/// A prefix in a bucket.
#[derive(Clone)]
pub struct Prefix {
    pub(super) store: Arc<dyn Bucket>,
    /// As the store knows it; empty for the bucket's root.
    pub(super) root: Path,
    /// As a person writes it.
    pub(super) name: String,
}

impl Prefix {
    /// `name`: for messages, such as `s3://bucket/prefix`.
    #[must_use]
    pub fn new(store: Arc<dyn Bucket>, root: Path, name: String) -> Self {
        Self { store, root, name }
    }

    /// The object of that name below the prefix. It has no character that would have to be written differently, and no part that leads elsewhere.
    pub(super) fn at(&self, name: &str) -> Result<Path, PlaceError> {
        let whole = if self.root.as_ref().is_empty() { name.to_owned() } else { format!("{}/{name}", self.root) };
        Path::parse(&whole).map_err(|it| PlaceError::store("name", &self.root)(it.into()))
    }

    /// Of a name such as `s3://bucket/prefix`, and whose store it is: only within it can be copied.
    pub(super) fn same_bucket(&self, other: &Self) -> bool {
        let bucket = |it: &Self| it.name.trim_start_matches("s3://").split('/').next().map(ToOwned::to_owned);
        bucket(self) == bucket(other)
    }

    pub(super) async fn exists(&self, name: &str) -> Result<bool, PlaceError> {
        let path = self.at(name)?;
        match self.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(other) => Err(PlaceError::store("look for", &path)(other)),
        }
    }

    pub(super) async fn delete(&self, path: &Path) -> Result<(), PlaceError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(other) => Err(PlaceError::store("delete", path)(other)),
        }
    }

    /// As the service lists it: relative to the prefix.
    pub(super) fn relative<'a>(&self, path: &'a Path) -> &'a str {
        let path = path.as_ref();
        path.strip_prefix(self.root.as_ref()).map_or(path, |it| it.trim_start_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::tests::{KEYS, from};

    #[test]
    fn the_bucket_stands_in_the_path_or_in_the_host() {
        let endpoint = Url::parse("https://s3.example.org:8443/").unwrap();
        assert_eq!(host(&endpoint, "b", true).unwrap(), "https://s3.example.org:8443");
        assert_eq!(host(&endpoint, "b", false).unwrap(), "https://b.s3.example.org:8443");
        let settings = from(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", endpoint.as_str())]).unwrap();
        connect(&settings, "b", None).unwrap();
    }

    #[test]
    fn names_stand_below_the_prefix_as_they_are() {
        let prefix = |root: &str| Prefix::new(Arc::new(object_store::memory::InMemory::new()), Path::parse(root).unwrap(), String::new());
        let odd = "media/accounts/avatars/000/000/001/original/a b%[~]#é.png";
        assert_eq!(prefix("").at(odd).unwrap().as_ref(), odd);
        let below = prefix("a/b").at(odd).unwrap();
        assert_eq!(below.as_ref(), format!("a/b/{odd}"));
        assert_eq!(prefix("a/b").relative(&below), odd);
    }
}
