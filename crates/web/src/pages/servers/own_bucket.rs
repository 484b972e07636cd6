//! The part of a form that names a bucket of the customer's own. Its secret key is never sent back.

use askama::Template;
use howdah_app::exports::BucketRequest;
use serde::Deserialize;

use crate::pages::components::{Field, Kind};
use crate::pages::form::{Mistakes, Secret};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct BucketForm {
    endpoint: String,
    region: String,
    bucket: String,
    prefix: String,
    virtual_hosted: Option<String>,
    access_key_id: String,
    secret_access_key: Secret,
}

impl BucketForm {
    /// `None`: it is left out, and the platform's is meant.
    pub fn request(&self) -> Option<BucketRequest> {
        let Secret(secret) = &self.secret_access_key;
        self.is_begun().then(|| BucketRequest {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            virtual_hosted: self.virtual_hosted.is_some(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: secret.clone(),
        })
    }

    fn is_begun(&self) -> bool {
        [&self.endpoint, &self.bucket, &self.access_key_id].into_iter().any(|it| !it.trim().is_empty())
    }
}

#[derive(Template)]
#[template(path = "servers/own_bucket.html")]
pub struct BucketFields {
    fields: [Field; 6],
    virtual_hosted: bool,
    is_open: bool,
}

impl BucketFields {
    pub fn new(typed: &BucketForm, mistakes: &Mistakes) -> Self {
        let field = |name, label, kind: Kind, most: u32| Field::new(name, label, kind).most(most).optional_in_form();
        let fields = [
            field("endpoint", "Endpoint", Kind::Domain, 261)
                .hint("The store's address without the bucket, https://s3.example.com. It has to be on the public internet.")
                .value(&typed.endpoint)
                .check_as("bucket.endpoint", mistakes),
            field("region", "Region", Kind::Username, 63)
                .hint("As the store names it: eu-central-1. Where it has none: us-east-1.")
                .value(&typed.region)
                .check_as("bucket.region", mistakes),
            field("bucket", "Bucket", Kind::Username, 63).value(&typed.bucket).check_as("bucket.bucket", mistakes),
            field("prefix", "Prefix", Kind::Username, 200)
                .hint("May be left out. The bundle goes below it, in a folder of its own.")
                .value(&typed.prefix)
                .check_as("bucket.prefix", mistakes),
            field("access_key_id", "Access key", Kind::Username, 200)
                .hint("Of somebody who may write, read and delete there, and best nothing else.")
                .value(&typed.access_key_id)
                .check_as("bucket.access_key_id", mistakes),
            field("secret_access_key", "Secret key", Kind::NewPassword, 500)
                .hint("It is kept, sealed, until the run has ended, and then forgotten.")
                .check_as("bucket.secret_access_key", mistakes),
        ];
        let is_open = typed.is_begun() || mistakes.each().any(|(name, _)| name.starts_with("bucket-"));
        Self { fields, virtual_hosted: typed.virtual_hosted.is_some(), is_open }
    }
}

impl askama::filters::HtmlSafe for BucketFields {}
