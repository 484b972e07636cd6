//! Tenants' buckets on one S3-compatible store, and an S3 user each that can reach nothing but its bucket; for as long as an export
//! or a load runs, a user that can reach nothing but its prefix of the bundles' bucket.
//!
//! Users, their inline policies and keys go through the IAM API on the same endpoint. Anyone may GET media, by the bucket's
//! policy: that is how the media gateway reads without a key. Nobody may list, and `backups/` (archives that people ask for)
//! and `imports/` stay closed.

mod bucket;
mod client;
mod error;
mod user;

use howdah_domain::InstanceId;
use reqwest::Url;
use secrecy::SecretString;

pub use error::ObjectStoreError;

use client::{Client, Keys};

/// What anyone may GET: all that Mastodon puts on its pages.
pub const PUBLIC_PREFIXES: [&str; 7] =
    ["accounts", "media_attachments", "custom_emojis", "site_uploads", "preview_cards", "preview_card_providers", "cache"];

/// How one object store is reached, with keys that may make buckets and users.
#[derive(Debug, Clone)]
pub struct ObjectStoreSettings {
    /// `http(s)://host[:port]`, without a path.
    pub endpoint: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: SecretString,
}

/// The keys of one tenant's S3 user.
#[derive(Debug, Clone)]
pub struct S3Keys {
    pub access_key: String,
    pub secret_key: SecretString,
}

/// A prefix of a bucket, without slashes at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixPlace {
    pub bucket: String,
    pub prefix: String,
    /// Another one, which is read.
    pub earlier: Option<String>,
}

/// Where a tenant's processes find the store: Mastodon's `S3_ENDPOINT`, `S3_REGION`, `S3_HOSTNAME` and `S3_PROTOCOL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStoreEndpoint {
    pub url: String,
    pub region: String,
    /// With the port, where it is not the protocol's own.
    pub hostname: String,
    /// `http` or `https`.
    pub protocol: String,
}

/// One object store of the operator's configuration.
#[derive(Debug, Clone)]
pub struct ObjectStore {
    client: Client,
    provisioner: Keys,
}

impl ObjectStore {
    pub fn new(settings: ObjectStoreSettings) -> Result<Self, ObjectStoreError> {
        let ObjectStoreSettings { endpoint, region, access_key, secret_key } = settings;
        let url = Url::parse(&endpoint).ok().filter(is_origin).ok_or(ObjectStoreError::Endpoint { endpoint })?;
        Ok(Self { client: Client::new(url, region)?, provisioner: Keys::new(&access_key, &secret_key) })
    }

    #[must_use]
    pub fn endpoint(&self) -> ObjectStoreEndpoint {
        let url = self.client.endpoint();
        let host = url.host_str().unwrap_or_default();
        ObjectStoreEndpoint {
            url: url.as_str().trim_end_matches('/').to_owned(),
            region: self.client.region().to_owned(),
            hostname: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            protocol: url.scheme().to_owned(),
        }
    }

    /// Bucket, bucket policy, user and user policy as they should be. Idempotent.
    ///
    /// Gives `keys` back if they still work, else a new pair, and removes all others of that user: whoever calls has to keep
    /// what comes back.
    pub async fn ensure(&self, id: InstanceId, keys: Option<&S3Keys>) -> Result<S3Keys, ObjectStoreError> {
        let name = id.resource_name().to_string();
        bucket::ensure(&self.client, &self.provisioner, &name).await?;
        user::ensure(&self.client, &self.provisioner, &name, &user::of_bucket(&name)).await?;
        let whole = user::Listed { bucket: &name, prefix: "" };
        user::ensure_keys(&self.client, &self.provisioner, &name, whole, keys).await
    }

    /// An S3 user that writes below one prefix of a bucket that is there, and reaches nothing else. Idempotent; of `keys` as with
    /// [`Self::ensure`].
    pub async fn ensure_writer(&self, user: &str, place: &PrefixPlace, keys: Option<&S3Keys>) -> Result<S3Keys, ObjectStoreError> {
        let PrefixPlace { bucket, prefix, earlier } = place;
        self.ensure_limited(user, &user::of_writer(bucket, prefix, earlier.as_deref()), bucket, prefix, keys).await
    }

    /// An S3 user that reads below one prefix of a bucket, and reaches nothing else. As [`Self::ensure_writer`].
    pub async fn ensure_reader(&self, user: &str, bucket: &str, prefix: &str, keys: Option<&S3Keys>) -> Result<S3Keys, ObjectStoreError> {
        self.ensure_limited(user, &user::of_reader(bucket, prefix), bucket, prefix, keys).await
    }

    async fn ensure_limited(
        &self,
        user: &str,
        policy: &str,
        bucket: &str,
        prefix: &str,
        keys: Option<&S3Keys>,
    ) -> Result<S3Keys, ObjectStoreError> {
        user::ensure(&self.client, &self.provisioner, user, policy).await?;
        let below = user::Listed { bucket, prefix: &format!("{prefix}/") };
        user::ensure_keys(&self.client, &self.provisioner, user, below, keys).await
    }

    /// A writer or reader gone, and its keys before it. What was written stays. Idempotent.
    pub async fn remove_limited(&self, user: &str) -> Result<(), ObjectStoreError> {
        user::remove_keys(&self.client, &self.provisioner, user).await?;
        user::destroy(&self.client, &self.provisioner, user).await
    }

    /// All of it gone: first the keys, so that nobody writes any more, then every object, the bucket, the user. Idempotent;
    /// a call that was cut short is taken up by the next one.
    pub async fn destroy(&self, id: InstanceId) -> Result<(), ObjectStoreError> {
        let name = id.resource_name().to_string();
        user::remove_keys(&self.client, &self.provisioner, &name).await?;
        bucket::destroy(&self.client, &self.provisioner, &name).await?;
        user::destroy(&self.client, &self.provisioner, &name).await
    }
}

fn is_origin(url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/" && bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(endpoint: &str) -> Result<ObjectStore, ObjectStoreError> {
        let secret_key = SecretString::from("s");
        ObjectStore::new(ObjectStoreSettings {
            endpoint: endpoint.to_owned(),
            region: "r".to_owned(),
            access_key: "a".to_owned(),
            secret_key,
        })
    }

    #[test]
    fn endpoint_as_mastodon_wants_it() {
        for (given, url, hostname, protocol) in [
            ("http://10.0.0.1:8333", "http://10.0.0.1:8333", "10.0.0.1:8333", "http"),
            ("https://s3.example.org/", "https://s3.example.org", "s3.example.org", "https"),
            ("https://s3.example.org:443", "https://s3.example.org", "s3.example.org", "https"),
        ] {
            let endpoint = store(given).expect("a good endpoint").endpoint();
            assert_eq!((endpoint.url.as_str(), endpoint.hostname.as_str(), endpoint.protocol.as_str()), (url, hostname, protocol));
        }
    }

    #[test]
    fn an_endpoint_is_an_origin() {
        for given in
            ["s3.example.org", "ftp://s3.example.org", "https://s3.example.org/path", "https://user@s3.example.org", "https://s3/?x"]
        {
            assert!(matches!(store(given), Err(ObjectStoreError::Endpoint { .. })), "{given}");
        }
    }
}
