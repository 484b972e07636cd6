//! One wanted object: its body as it is applied, and the digest that tells whether that was done.

use std::collections::BTreeMap;

use howdah_crd::labels;
use howdah_domain::InstanceId;
use serde_json::{Value, json};

use crate::cache::{ChildKey, ChildKind};
use crate::digest::Digest;

#[derive(Clone, Debug)]
pub struct Desired {
    pub key: ChildKey,
    pub body: Value,
    pub digest: Digest,
}

impl Desired {
    /// `body` has `metadata` at most with labels, annotations and owners; kind, name and our own labels are put in here.
    #[must_use]
    pub fn new(id: InstanceId, kind: ChildKind, namespace: Option<&str>, name: &str, mut body: Value) -> Self {
        let resource = kind.resource();
        body["apiVersion"] = json!(resource.api_version);
        body["kind"] = json!(resource.kind);
        let metadata = &mut body["metadata"];
        metadata["name"] = json!(name);
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        metadata["labels"][labels::INSTANCE] = json!(id.to_string());
        metadata["labels"][labels::MANAGED_BY] = json!(labels::MANAGED_BY_VALUE);
        let digest = Digest::of(&body);
        body["metadata"]["annotations"][labels::DESIRED] = json!(digest.hex());
        let key = ChildKey { kind, namespace: namespace.map(str::to_owned), name: name.to_owned() };
        Self { key, body, digest }
    }
}

/// Labels of the pods of a process, by which policies and Services find them.
#[must_use]
pub fn process_labels(id: InstanceId, process: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (labels::INSTANCE.to_owned(), id.to_string()),
        (labels::PROCESS.to_owned(), process.to_owned()),
        (labels::MANAGED_BY.to_owned(), labels::MANAGED_BY_VALUE.to_owned()),
    ])
}
