//! The namespace, which enforces Pod Security `restricted`, the operator's rights in it, and the pods' accounts.

use howdah_crd::SYSTEM_NAMESPACE;
use kube::Resource as _;
use serde_json::json;

use super::Desired;
use crate::cache::ChildKind;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;

/// Pinned: a newer cluster must not begin to refuse pods by itself.
const POD_SECURITY_VERSION: &str = "v1.34";

pub fn namespace(valid: &Valid<'_>) -> Desired {
    let body = json!({
        "metadata": {
            "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/enforce-version": POD_SECURITY_VERSION,
            },
            "ownerReferences": valid.cr.controller_owner_ref(&()).map(|mut owner| {
                // Blocking would need rights on the owner's finalizers; ours holds the owner until the namespace is gone.
                owner.block_owner_deletion = None;
                vec![owner]
            }),
        },
    });
    Desired::new(valid.id, ChildKind::Namespace, None, &valid.namespace, body)
}

pub fn access(valid: &Valid<'_>) -> Desired {
    let body = json!({
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": names::TENANT_ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": names::OPERATOR_ACCOUNT, "namespace": SYSTEM_NAMESPACE}],
    });
    Desired::new(valid.id, ChildKind::RoleBinding, Some(&valid.namespace), names::ACCESS, body)
}

pub fn accounts(valid: &Valid<'_>) -> Vec<Desired> {
    let account = |name| {
        let body = json!({"automountServiceAccountToken": false});
        Desired::new(valid.id, ChildKind::ServiceAccount, Some(&valid.namespace), name, body)
    };
    [names::MASTODON_ACCOUNT, names::REDIS_ACCOUNT, names::BUNDLE_ACCOUNT, names::GATE_ACCOUNT].map(account).into()
}
