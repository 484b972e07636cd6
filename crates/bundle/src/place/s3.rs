//! A prefix in a bucket, by way of `object_store`. Requests are retried there, with growing waits, for three minutes.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use object_store::{
    Certificate, ClientOptions, ObjectStore, ObjectStoreExt as _,
    aws::{AmazonS3, AmazonS3Builder},
    multipart::MultipartStore,
    path::Path,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::PlaceError;

/// How an S3 service is reached.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// `AWS_ENDPOINT_URL`; absent for AWS itself. Plain http only if it says so.
    pub endpoint: Option<Url>,
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: SecretString,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<SecretString>,
    /// `AWS_CA_BUNDLE`: a PEM file of the authorities that are trusted, instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The bucket stands in the path and not in the host's name. By default so where an endpoint is given.
    pub path_style: bool,
}

impl S3Settings {
    /// From the usual variables.
    ///
    /// # Errors
    /// [`PlaceError::Setting`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, PlaceError> {
        let given = |name: &'static str| variable(name).filter(|it| !it.is_empty());
        let needed = |name| given(name).ok_or_else(|| setting(name, "it is needed for a place in S3, and is not set"));
        let endpoint = given("AWS_ENDPOINT_URL").map(|it| endpoint(&it)).transpose()?;
        Ok(Self {
            path_style: endpoint.is_some(),
            endpoint,
            region: given("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
            access_key_id: needed("AWS_ACCESS_KEY_ID")?,
            secret_access_key: needed("AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: given("AWS_SESSION_TOKEN").map(Into::into),
            ca_bundle: given("AWS_CA_BUNDLE").map(Into::into),
        })
    }

    pub(super) fn connect(&self, bucket: &str) -> Result<AmazonS3, PlaceError> {
        let plain = self.endpoint.as_ref().is_some_and(|it| it.scheme() == "http");
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&self.region)
            .with_access_key_id(&self.access_key_id)
            .with_secret_access_key(self.secret_access_key.expose_secret())
            .with_virtual_hosted_style_request(!self.path_style)
            // What TLS carries can't change on the way: hashing it once more for the signature would only cost.
            .with_unsigned_payload(!plain)
            // Not every service has the one request that deletes many.
            .with_disable_bulk_delete(true)
            .with_client_options(self.client(plain)?);
        if let Some(token) = &self.session_token {
            builder = builder.with_token(token.expose_secret());
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(self.host(endpoint, bucket)?);
        }
        builder.build().map_err(|it| setting("AWS_ENDPOINT_URL", it.to_string()))
    }

    fn client(&self, plain: bool) -> Result<ClientOptions, PlaceError> {
        let mut options = ClientOptions::new()
            .with_allow_http(plain)
            .with_connect_timeout(Duration::from_secs(10))
            // A dump is read and written for hours; a connection that brings nothing for so long is dead.
            .with_timeout_disabled()
            .with_read_timeout(Duration::from_secs(300));
        if let Some(path) = &self.ca_bundle {
            let wrong = |it: &dyn std::fmt::Display| setting("AWS_CA_BUNDLE", format!("{}: {it}", path.display()));
            let pem = fs::read(path).map_err(|it| wrong(&it))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|it| wrong(&it))?;
            if certificates.is_empty() {
                return Err(wrong(&"it holds no certificate in PEM"));
            }
            options = options.with_no_system_certificates(true);
            options = certificates.into_iter().fold(options, ClientOptions::with_root_certificate);
        }
        Ok(options)
    }

    /// `object_store` takes an endpoint with the bucket in its host, where that is wanted.
    fn host(&self, endpoint: &Url, bucket: &str) -> Result<String, PlaceError> {
        let mut url = endpoint.clone();
        if !self.path_style {
            let host = url.host_str().unwrap_or_default();
            let host = format!("{bucket}.{host}");
            url.set_host(Some(&host)).map_err(|it| setting("AWS_ENDPOINT_URL", format!("`{host}` is no host's name: {it}")))?;
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }
}

fn endpoint(text: &str) -> Result<Url, PlaceError> {
    let url = Url::parse(text).map_err(|it| setting("AWS_ENDPOINT_URL", format!("`{text}` is no URL: {it}")))?;
    match url.scheme() {
        "https" | "http" if url.has_host() => Ok(url),
        _ => Err(setting("AWS_ENDPOINT_URL", format!("`{text}` is no URL that begins with https:// or http://"))),
    }
}

fn setting(variable: &'static str, problem: impl Into<String>) -> PlaceError {
    PlaceError::Setting { variable, problem: problem.into() }
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

    fn from(pairs: &[(&str, &str)]) -> Result<S3Settings, PlaceError> {
        S3Settings::from_variables(|name| pairs.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()))
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];

    #[test]
    fn settings_come_from_the_usual_variables() {
        let aws = from(&KEYS).unwrap();
        assert_eq!((aws.endpoint, aws.region.as_str(), aws.path_style), (None, "us-east-1", false));
        let own = from(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", "http://127.0.0.1:8333"), ("AWS_REGION", "x")]).unwrap();
        assert_eq!((own.endpoint.unwrap().as_str(), own.region.as_str(), own.path_style), ("http://127.0.0.1:8333/", "x", true));

        for wrong in ["127.0.0.1:8333", "ftp://x", "s3.example.org"] {
            let refused = from(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", wrong)]).unwrap_err().to_string();
            assert!(refused.starts_with("AWS_ENDPOINT_URL: ") && refused.contains(wrong), "{refused}");
        }
        let refused = from(&KEYS[..1]).unwrap_err().to_string();
        assert_eq!(refused, "AWS_SECRET_ACCESS_KEY: it is needed for a place in S3, and is not set");
        assert!(!format!("{:?}", from(&KEYS).unwrap()).contains("secret\""), "no secret is shown");
    }

    #[test]
    fn the_bucket_stands_in_the_path_or_in_the_host() {
        let mut settings = from(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", "https://s3.example.org:8443/")]).unwrap();
        let endpoint = settings.endpoint.clone().unwrap();
        assert_eq!(settings.host(&endpoint, "b").unwrap(), "https://s3.example.org:8443");
        settings.path_style = false;
        assert_eq!(settings.host(&endpoint, "b").unwrap(), "https://b.s3.example.org:8443");
        settings.connect("b").unwrap();
        settings.ca_bundle = Some("/nowhere.pem".into());
        let refused = settings.connect("b").unwrap_err().to_string();
        assert!(refused.starts_with("AWS_CA_BUNDLE: /nowhere.pem: "), "{refused}");
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
