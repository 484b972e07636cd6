//! The controller of `MastodonExport`: one Job that makes a bundle of a server, beside it in its namespace.
//!
//! The five steps are the instance's: `dereference`, `validate`, `build`, `apply`, `update_status`, of which the second and third are
//! pure. An export is looked at when it changes, when a child of its server's changes (its Job and its pod are among them), and every few
//! seconds while it runs, to ask it how far it is. One that has ended is put away (its S3 user goes), and then never looked at again.
//!
//! It shares the instance controller's memory: the server is the same, and so are its Secrets and children.

mod apply;
mod build;
mod context;
mod dereference;
mod destination;
mod progress;
mod reconcile;
mod teardown;
mod update_status;
mod validate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::{Stream, StreamExt as _, stream};
use howdah_crd::MastodonExport;
use howdah_domain::InstanceId;
use kube::api::Api;
use kube::runtime::controller::{Config, applier};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use tokio::sync::broadcast::error::RecvError;

use super::instance;
use context::Context;

/// So many are worked on at once: each pass is short, and none is waited for by a person.
const AT_ONCE: u16 = 16;

/// Runs until dropped.
pub async fn run(instances: Arc<instance::Context>) {
    let context = Arc::new(Context::new(Arc::clone(&instances)));
    let (store, writer) = reflector::store();
    let requests = stream::select(resources(&instances, writer), children(&instances, store.clone()));
    // The exports are listed only while their queue is polled, so that the wait stands within it.
    let passes = applier(
        move |cr, context: Arc<Context>| {
            let mut listed = context.instances.listed.subscribe();
            Box::pin(async move {
                let _listed = listed.wait_for(|it| *it).await;
                reconcile::reconcile(cr, context).await
            })
        },
        reconcile::after_error,
        context,
        store,
        requests.map(Ok::<_, std::convert::Infallible>),
        Config::default().concurrency(AT_ONCE),
    );
    passes
        .for_each(|result| async move {
            if let Err(kube::runtime::controller::Error::RunnerError(error)) = result {
                tracing::error!(error = crate::error::chain(&error), "the exports' queue broke");
            }
        })
        .await;
}

fn resources(
    context: &Arc<instance::Context>,
    mut writer: reflector::store::Writer<MastodonExport>,
) -> impl Stream<Item = ObjectRef<MastodonExport>> + Send + use<> {
    watcher(Api::<MastodonExport>::all(context.client.clone()), watcher::Config::default())
        .default_backoff()
        .map(move |event| match event {
            Ok(event) => {
                writer.apply_watcher_event(&event);
                match &event {
                    watcher::Event::Apply(cr) | watcher::Event::InitApply(cr) => Some(ObjectRef::from_obj(cr)),
                    watcher::Event::Init | watcher::Event::InitDone | watcher::Event::Delete(_) => None,
                }
            }
            Err(error) => {
                tracing::warn!(error = crate::error::chain(&error), "the watch on MastodonExports was lost and is taken up again");
                None
            }
        })
        .flat_map(stream::iter)
        .boxed()
}

/// The exports of each server whose children changed; all of them, where too many changes came at once.
fn children(
    context: &Arc<instance::Context>,
    store: Store<MastodonExport>,
) -> impl Stream<Item = ObjectRef<MastodonExport>> + Send + use<> {
    let touched = context.touched.subscribe();
    stream::unfold(touched, |mut touched| async move {
        match touched.recv().await {
            Ok(id) => Some((Some(id), touched)),
            Err(RecvError::Lagged(_)) => Some((None, touched)),
            Err(RecvError::Closed) => None,
        }
    })
    .flat_map(move |id| stream::iter(of(&store, id)))
    .boxed()
}

fn of(store: &Store<MastodonExport>, id: Option<InstanceId>) -> Vec<ObjectRef<MastodonExport>> {
    let namespace = id.map(InstanceId::resource_name);
    let all = store.state();
    let wanted = all.iter().filter(|it| namespace.is_none() || it.metadata.namespace == namespace);
    wanted.map(|it| ObjectRef::from_obj(it.as_ref())).collect()
}
