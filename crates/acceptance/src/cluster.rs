//! The cluster as an administrator sees it: everything that carries a server's label, and the resource itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, ensure};
use howdah_crd::{ConditionType, MastodonInstance, SYSTEM_NAMESPACE, labels};
use howdah_domain::InstanceId;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, PersistentVolume, Secret};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::Stack;

pub const FIELD_MANAGER: &str = "acceptance";

#[derive(Clone)]
pub struct Cluster {
    pub client: Client,
    kinds: std::sync::Arc<OnceCell<Vec<ApiResource>>>,
}

impl Cluster {
    pub async fn open(stack: &Stack) -> Result<Self> {
        Self::with(&stack.kubeconfig).await
    }

    /// With this kubeconfig's rights.
    pub async fn with(kubeconfig: &std::path::Path) -> Result<Self> {
        let config = Kubeconfig::read_from(kubeconfig).with_context(|| format!("can't read {}", kubeconfig.display()))?;
        let mut config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        config.proxy_url = None;
        Ok(Self { client: Client::try_from(config)?, kinds: std::sync::Arc::default() })
    }

    #[must_use]
    pub fn instances(&self) -> Api<MastodonInstance> {
        Api::all(self.client.clone())
    }

    /// The resource of this server, by its id, which alone counts.
    pub async fn instance(&self, id: InstanceId) -> Result<MastodonInstance> {
        let wanted = id.to_string();
        let all = self.instances().list(&ListParams::default()).await?;
        all.items.into_iter().find(|it| it.spec.id == wanted).ok_or_else(|| anyhow!("there is no MastodonInstance of {id}"))
    }

    pub async fn secret(&self, namespace: &str, name: &str) -> Result<BTreeMap<String, String>> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = api.get(name).await.with_context(|| format!("the Secret {namespace}/{name}"))?;
        let text = |(key, value): (String, k8s_openapi::ByteString)| (key, String::from_utf8_lossy(&value.0).into_owned());
        Ok(secret.data.unwrap_or_default().into_iter().map(text).collect())
    }

    /// Server-side apply of any object.
    pub async fn apply(&self, object: &Value) -> Result<DynamicObject> {
        let parsed: DynamicObject = serde_json::from_value(object.clone())?;
        let kinds = self.kinds().await?;
        let types = parsed.types.clone().context("an object says its kind")?;
        let resource = kinds
            .iter()
            .find(|it| it.kind == types.kind && it.api_version == types.api_version)
            .with_context(|| format!("the API server does not know {} {}", types.api_version, types.kind))?;
        let api: Api<DynamicObject> = match &parsed.metadata.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        };
        Ok(api.patch(&parsed.name_any(), &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(object)).await?)
    }

    /// Every kind that can be listed, those of metrics and events apart.
    async fn kinds(&self) -> Result<&Vec<ApiResource>> {
        self.kinds
            .get_or_try_init(async || {
                let discovery = Discovery::new(self.client.clone()).exclude(&["events.k8s.io", "metrics.k8s.io"]).run().await?;
                let mut kinds = Vec::new();
                for group in discovery.groups() {
                    for (resource, capabilities) in group.recommended_resources() {
                        let listed = capabilities.supports_operation(verbs::LIST) && resource.kind != "Event";
                        if listed && matches!(capabilities.scope, Scope::Namespaced | Scope::Cluster) {
                            kinds.push(resource);
                        }
                    }
                }
                Ok(kinds)
            })
            .await
    }

    /// Whatever in the whole cluster belongs to one of these servers: by label, or as the volume of one.
    pub async fn objects(&self, ids: &[InstanceId]) -> Result<Vec<String>> {
        let wanted: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
        let names: BTreeSet<String> = ids.iter().map(|it| it.resource_name()).collect();
        let with_label = ListParams::default().labels(labels::INSTANCE);
        let lists = self.kinds().await?.iter().map(async |kind| {
            let api: Api<DynamicObject> = Api::all_with(self.client.clone(), kind);
            let list = match api.list(&with_label).await {
                Ok(list) => list.items,
                // A definition that is gone in between.
                Err(kube::Error::Api(status)) if status.code == 404 => Vec::new(),
                Err(error) => return Err(anyhow!(error).context(format!("list {}", kind.kind))),
            };
            let ours = |it: &DynamicObject| it.labels().get(labels::INSTANCE).is_some_and(|id| wanted.contains(id));
            Ok(list.iter().filter(|it| ours(it)).map(|it| describe(&kind.kind, it)).collect::<Vec<_>>())
        });
        let mut found = Vec::new();
        for list in lists {
            found.extend(list.await?);
        }
        found.extend(self.volumes(&names).await?);
        // A resource that somebody made by hand has no label of its own.
        let resources = self.instances().list(&ListParams::default()).await;
        let by_hand = |it: &&MastodonInstance| wanted.contains(&it.spec.id) && !it.labels().contains_key(labels::INSTANCE);
        for resource in resources.map(|it| it.items).unwrap_or_default().iter().filter(by_hand) {
            found.push(format!("MastodonInstance {} (finalizers {:?})", resource.name_any(), resource.finalizers()));
        }
        Ok(found)
    }

    async fn volumes(&self, namespaces: &BTreeSet<String>) -> Result<Vec<String>> {
        let api: Api<PersistentVolume> = Api::all(self.client.clone());
        let claimed = |it: &PersistentVolume| {
            let claim = it.spec.as_ref().and_then(|it| it.claim_ref.as_ref());
            claim.and_then(|it| it.namespace.as_ref()).is_some_and(|it| namespaces.contains(it))
        };
        let volumes = api.list(&ListParams::default()).await?;
        Ok(volumes.items.iter().filter(|it| claimed(it)).map(|it| format!("PersistentVolume {}", it.name_any())).collect())
    }

    /// Deletes the resource; what becomes of the rest is the operator's.
    pub async fn delete_instance(&self, name: &str) -> Result<()> {
        match self.instances().delete(name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets new pods onto a node, or keeps them away.
    pub async fn open_node(&self, name: &str, is_open: bool) -> Result<()> {
        let api: Api<Node> = Api::all(self.client.clone());
        let patch = serde_json::json!({"spec": {"unschedulable": !is_open}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// What is left of operators that are dead: nobody waits until it is over.
    pub async fn forget_leader(&self) -> Result<()> {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), SYSTEM_NAMESPACE);
        match api.delete("howdah-operator", &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn is_gone(&self, name: &str) -> Result<()> {
        let found = self.instances().get_opt(name).await?;
        ensure!(found.is_none(), "{name} is still there: {}", found.as_ref().map(conditions).unwrap_or_default());
        Ok(())
    }
}

fn describe(kind: &str, object: &DynamicObject) -> String {
    let finalizers = object.finalizers();
    let held = if finalizers.is_empty() { String::new() } else { format!(" (finalizers {finalizers:?})") };
    format!("{kind} {}/{}{held}", object.namespace().unwrap_or_default(), object.name_any())
}

#[must_use]
pub fn is_met(instance: &MastodonInstance, condition: ConditionType) -> bool {
    let conditions = instance.status.iter().flat_map(|it| &it.conditions);
    conditions.filter(|it| it.type_ == condition.as_str()).any(|it| it.status == "True")
}

/// All conditions on one line, for a test's last words.
#[must_use]
pub fn conditions(instance: &MastodonInstance) -> String {
    let conditions = instance.status.iter().flat_map(|it| &it.conditions);
    let words = conditions.map(|it| format!("{}={} {} {}", it.type_, it.status, it.reason, it.message));
    words.collect::<Vec<_>>().join("; ")
}
