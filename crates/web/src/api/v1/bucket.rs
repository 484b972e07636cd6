//! A bucket of somebody's own, as a request names it: an export goes there, or a bundle is pulled from it.

use howdah_app::BucketRequest;
use serde::Deserialize;
use utoipa::ToSchema;

/// A bucket of your own. Its keys are kept, sealed, until the run has ended, and shown nowhere.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBucket {
    /// The store's address without the bucket: `https://s3.example.com`. It has to be on the public internet, and for an export at port 443.
    #[schema(max_length = 300)]
    endpoint: String,
    /// `us-east-1`, where the store has none.
    #[serde(default)]
    #[schema(max_length = 63)]
    region: String,
    #[schema(max_length = 63)]
    bucket: String,
    /// An export goes below it, under its id, and has 200 characters for it; what is pulled lies there.
    #[serde(default)]
    #[schema(max_length = 500)]
    prefix: String,
    /// The bucket is asked at its own host, `https://<bucket>.s3.example.com`.
    #[serde(default)]
    virtual_hosted: bool,
    /// An export writes, reads and deletes by it; a pull lists and reads.
    #[schema(max_length = 200)]
    access_key_id: String,
    #[schema(max_length = 500)]
    secret_access_key: String,
}

impl From<NewBucket> for BucketRequest {
    fn from(new: NewBucket) -> Self {
        let NewBucket { endpoint, region, bucket, prefix, virtual_hosted, access_key_id, secret_access_key } = new;
        Self { endpoint, region, bucket, prefix, virtual_hosted, access_key_id, secret_access_key: secret_access_key.into() }
    }
}
