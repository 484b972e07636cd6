//! Third step, pure: the Job that makes the bundle, and the opening that it has in the server's walls while it does.

mod job;
mod policy;

#[cfg(test)]
mod tests;

use howdah_crd::labels;
use kube::Resource as _;
use serde_json::{Value, json};

use super::validate::Valid;
use crate::cache::ChildKind;
use crate::controllers::instance::build::Desired;

pub struct Objects {
    pub policy: Desired,
    pub job: Desired,
}

#[must_use]
pub fn build(valid: &Valid<'_>) -> Objects {
    Objects { policy: policy::policy(valid), job: job::job(valid) }
}

/// Goes with its export.
fn owned(valid: &Valid<'_>, kind: ChildKind, mut body: Value) -> Desired {
    body["metadata"]["labels"][labels::EXPORT] = json!(valid.id.to_string());
    body["metadata"]["ownerReferences"] = json!(valid.cr.controller_owner_ref(&()).map(|mut owner| {
        // Blocking would need rights on the owner's finalizers.
        owner.block_owner_deletion = None;
        vec![owner]
    }));
    Desired::new(valid.server.id, kind, Some(&valid.server.namespace), &valid.name, body)
}
