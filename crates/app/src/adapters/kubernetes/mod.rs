//! A cluster through its API server. Everything is read before it is written, so that a sync with nothing to do writes nothing.

mod pulls;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use howdah_crd::{INBOX_NAMESPACE, MastodonExport, MastodonInstance, WORKER_FIELD_MANAGER, labels};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, Preconditions};
use kube::{Client, Error};

use crate::error::chain;
use crate::ports::cluster::{Cluster, ClusterError, InboxSecret, PullJob, PullRun};

/// No call takes longer: a server that hangs is a server that is away.
const PATIENCE: Duration = Duration::from_secs(10);
const PAGE: u32 = 500;

#[derive(Clone)]
pub struct Kubernetes {
    client: Client,
    instances: Api<MastodonInstance>,
    inbox: Api<Secret>,
}

impl Kubernetes {
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { instances: Api::all(client.clone()), inbox: Api::namespaced(client.clone(), INBOX_NAMESPACE), client }
    }

    fn exports(&self, namespace: &str) -> Api<MastodonExport> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

impl Cluster for Kubernetes {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<MastodonInstance>, ClusterError>> {
        Box::pin(patiently(format!("read MastodonInstance {name}"), self.instances.get_opt(name)))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<MastodonInstance>, ClusterError>> {
        Box::pin(async {
            let mut all = Vec::new();
            let mut params = ListParams::default().limit(PAGE);
            loop {
                let page = patiently("list the MastodonInstances".to_owned(), self.instances.list(&params)).await?;
                all.extend(page.items);
                match page.metadata.continue_.filter(|it| !it.is_empty()) {
                    Some(token) => params = params.continue_token(&token),
                    None => return Ok(all),
                }
            }
        })
    }

    fn apply<'a>(&'a self, instance: &'a MastodonInstance) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            let name = instance.metadata.name.as_deref().unwrap_or_default();
            let params = PatchParams::apply(WORKER_FIELD_MANAGER).force();
            let what = format!("write MastodonInstance {name}");
            patiently(what, self.instances.patch(name, &params, &Patch::Apply(instance))).await?;
            Ok(())
        })
    }

    fn delete<'a>(&'a self, name: &'a str, uid: &'a str, resource_version: &'a str) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            let params = DeleteParams::background()
                .preconditions(Preconditions { uid: Some(uid.to_owned()), resource_version: Some(resource_version.to_owned()) });
            let what = format!("delete MastodonInstance {name}");
            patiently(what, gone_is_done(self.instances.delete(name, &params))).await
        })
    }

    fn put_export<'a>(&'a self, export: &'a MastodonExport) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            let name = export.metadata.name.as_deref().unwrap_or_default();
            let api = self.exports(export.metadata.namespace.as_deref().unwrap_or_default());
            if patiently(format!("read MastodonExport {name}"), api.get_metadata_opt(name)).await?.is_some() {
                return Ok(());
            }
            let params = PatchParams::apply(WORKER_FIELD_MANAGER).force();
            patiently(format!("write MastodonExport {name}"), api.patch(name, &params, &Patch::Apply(export))).await?;
            Ok(())
        })
    }

    fn delete_export<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            let api = self.exports(namespace);
            if patiently(format!("read MastodonExport {name}"), api.get_metadata_opt(name)).await?.is_none() {
                return Ok(());
            }
            let params = DeleteParams::background();
            patiently(format!("delete MastodonExport {name}"), gone_is_done(api.delete(name, &params))).await
        })
    }

    fn put_pull<'a>(&'a self, pull: &'a PullJob) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(pulls::put(&self.client, pull))
    }

    fn pull<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<PullRun>, ClusterError>> {
        Box::pin(pulls::run(&self.client, name))
    }

    fn delete_pull<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(pulls::delete(&self.client, name))
    }

    fn put_secret<'a>(&'a self, secret: &'a InboxSecret) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            let name = &secret.name;
            let found = patiently(format!("read Secret {name}"), self.inbox.get_opt(name)).await?;
            if found.is_some_and(|it| is_as_wanted(&it, secret)) {
                return Ok(());
            }
            let params = PatchParams::apply(WORKER_FIELD_MANAGER).force();
            let wanted = manifest(secret);
            patiently(format!("write Secret {name}"), self.inbox.patch(name, &params, &Patch::Apply(&wanted))).await?;
            Ok(())
        })
    }

    fn delete_secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            if patiently(format!("read Secret {name}"), self.inbox.get_metadata_opt(name)).await?.is_none() {
                return Ok(());
            }
            let params = DeleteParams::background();
            patiently(format!("delete Secret {name}"), gone_is_done(self.inbox.delete(name, &params))).await
        })
    }
}

fn manifest(secret: &InboxSecret) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(secret.name.clone()),
            namespace: Some(INBOX_NAMESPACE.to_owned()),
            labels: Some(BTreeMap::from([(labels::INSTANCE.to_owned(), secret.instance.clone())])),
            ..ObjectMeta::default()
        },
        data: Some(data(secret)),
        immutable: secret.immutable.then_some(true),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

fn data(secret: &InboxSecret) -> BTreeMap<String, ByteString> {
    secret.variables.iter().map(|(name, value)| (name.clone(), ByteString(value.clone().into_bytes()))).collect()
}

fn is_as_wanted(found: &Secret, wanted: &InboxSecret) -> bool {
    let label = found.metadata.labels.as_ref().and_then(|it| it.get(labels::INSTANCE));
    found.data.as_ref() == Some(&data(wanted)) && label == Some(&wanted.instance) && found.immutable.unwrap_or_default() == wanted.immutable
}

async fn patiently<T>(what: String, call: impl Future<Output = Result<T, Error>>) -> Result<T, ClusterError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(meaning(what, &error)),
        Err(_) => Err(ClusterError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// Which failures are worth another try, and which are not.
fn meaning(what: String, error: &Error) -> ClusterError {
    match error {
        Error::Api(status) => {
            let message = status.message.clone();
            match status.code {
                409 => ClusterError::Conflict { what },
                400 | 413 | 422 => ClusterError::Refused { what, message },
                429 | 500.. => ClusterError::Unavailable(format!("{}: {message}", status.code)),
                _ => ClusterError::Failed { what, message: format!("{}: {message}", status.code) },
            }
        }
        Error::HyperError(_) | Error::Service(_) | Error::ReadEvents(_) | Error::Auth(_) => ClusterError::Unavailable(chain(error)),
        _ => ClusterError::Failed { what, message: chain(error) },
    }
}

/// What was to be deleted and is not there has been deleted.
async fn gone_is_done<T>(deletion: impl Future<Output = Result<T, Error>>) -> Result<(), Error> {
    match deletion.await {
        Err(Error::Api(status)) if status.code == 404 => Ok(()),
        answer => answer.map(drop),
    }
}
