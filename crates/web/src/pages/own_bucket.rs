//! The part of a form that names a bucket of the customer's own, where an export goes or a bundle is pulled from. Its secret key is never sent
//! back.

use askama::Template;
use howdah_app::BucketRequest;
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
        self.is_begun().then(|| self.as_typed())
    }

    pub fn as_typed(&self) -> BucketRequest {
        let Secret(secret) = &self.secret_access_key;
        BucketRequest {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            virtual_hosted: self.virtual_hosted.is_some(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: secret.clone(),
        }
    }

    fn is_begun(&self) -> bool {
        [&self.endpoint, &self.bucket, &self.access_key_id].into_iter().any(|it| !it.trim().is_empty())
    }
}

/// What the bucket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An export may go there; without it, it lies here.
    Export,
    Pull,
}

#[derive(Template)]
#[template(path = "own_bucket.html")]
pub struct BucketFields {
    purpose: Purpose,
    fields: [Field; 6],
    virtual_hosted: bool,
    is_open: bool,
}

impl BucketFields {
    pub fn new(purpose: Purpose, typed: &BucketForm, mistakes: &Mistakes) -> Self {
        let field = |name, label, kind: Kind, most: u32| {
            let field = Field::new(name, label, kind).most(most);
            // An export's form has other ways, too.
            if purpose == Purpose::Export { field.optional_in_form() } else { field }
        };
        let (prefix, rights, kept) = match purpose {
            Purpose::Export => (
                "May be left out. The bundle goes below it, in a folder of its own.",
                "Of somebody who may write, read and delete there, and best nothing else.",
                "It is kept, sealed, until the run has ended, and then forgotten.",
            ),
            Purpose::Pull => (
                "May be left out. The bundle lies in it.",
                "Of somebody who may list and read there, and best nothing else.",
                "It is kept, sealed, until all is there, and then forgotten.",
            ),
        };
        let fields = [
            field("endpoint", "Endpoint", Kind::Domain, 300)
                .hint("The store's address without the bucket, https://s3.example.com. It has to be on the public internet.")
                .value(&typed.endpoint)
                .check_as("bucket.endpoint", mistakes),
            field("region", "Region", Kind::Username, 63)
                .hint("As the store names it: eu-central-1. May be left out where it has none.")
                .optional_in_form()
                .value(&typed.region)
                .check_as("bucket.region", mistakes),
            field("bucket", "Bucket", Kind::Username, 63).value(&typed.bucket).check_as("bucket.bucket", mistakes),
            field("prefix", "Prefix", Kind::Username, 500)
                .hint(prefix)
                .optional_in_form()
                .value(&typed.prefix)
                .check_as("bucket.prefix", mistakes),
            field("access_key_id", "Access key", Kind::Username, 200)
                .hint(rights)
                .value(&typed.access_key_id)
                .check_as("bucket.access_key_id", mistakes),
            field("secret_access_key", "Secret key", Kind::NewPassword, 500).hint(kept).check_as("bucket.secret_access_key", mistakes),
        ];
        let is_open = typed.is_begun() || mistakes.each().any(|(name, _)| name.starts_with("bucket-"));
        Self { purpose, fields, virtual_hosted: typed.virtual_hosted.is_some(), is_open }
    }

    pub const fn is_open(&self) -> bool {
        self.is_open
    }
}

impl askama::filters::HtmlSafe for BucketFields {}
