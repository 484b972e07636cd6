//! The kinds of a server's children, and how one child is named.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{LimitRange, Namespace, Pod, ResourceQuota, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, ApiResource, DynamicObject};

/// Every kind that is watched. Pods are made by others: they are only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChildKind {
    Namespace,
    RoleBinding,
    ResourceQuota,
    LimitRange,
    ServiceAccount,
    NetworkPolicy,
    StatefulSet,
    Service,
    Job,
    Deployment,
    PodDisruptionBudget,
    Ingress,
    Pod,
}

impl ChildKind {
    pub const ALL: [Self; 13] = [
        Self::Namespace,
        Self::RoleBinding,
        Self::ResourceQuota,
        Self::LimitRange,
        Self::ServiceAccount,
        Self::NetworkPolicy,
        Self::StatefulSet,
        Self::Service,
        Self::Job,
        Self::Deployment,
        Self::PodDisruptionBudget,
        Self::Ingress,
        Self::Pod,
    ];

    #[must_use]
    pub fn resource(self) -> ApiResource {
        match self {
            Self::Namespace => ApiResource::erase::<Namespace>(&()),
            Self::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Self::ResourceQuota => ApiResource::erase::<ResourceQuota>(&()),
            Self::LimitRange => ApiResource::erase::<LimitRange>(&()),
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::StatefulSet => ApiResource::erase::<StatefulSet>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::Ingress => ApiResource::erase::<Ingress>(&()),
            Self::Pod => ApiResource::erase::<Pod>(&()),
        }
    }

    /// Is a labelled child of this kind deleted when it is no longer wanted? A Namespace never: only the finalizer does that.
    #[must_use]
    pub const fn is_pruned(self) -> bool {
        !matches!(self, Self::Namespace | Self::Pod)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChildKey {
    pub kind: ChildKind,
    /// Absent for a Namespace.
    pub namespace: Option<String>,
    pub name: String,
}

impl ChildKey {
    pub fn api(&self, client: kube::Client) -> Api<DynamicObject> {
        let resource = self.kind.resource();
        match &self.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        }
    }
}

impl std::fmt::Display for ChildKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{:?} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{:?} {}", self.kind, self.name),
        }
    }
}
