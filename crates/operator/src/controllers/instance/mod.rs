//! The controller of `MastodonInstance`.
//!
//! Each pass is five steps, one file each: `dereference` finds what the spec refers to and what is there, `validate` decides
//! whether they agree, `build` says which objects there should be, `apply` makes them so, `update_status` reports. The second
//! and third are pure. A pass with nothing to do makes no call to the API server.
//!
//! A resource is looked at when it changes, when a child of it changes (found by the label `howdah.dev/instance`, since a
//! cluster-scoped owner isn't found in a child's namespace), when a Secret that it depends on changes, and at each resync.

pub(super) mod apply;
pub(super) mod build;
pub(super) mod bulkhead;
pub(super) mod conditions;
pub(super) mod context;
pub(super) mod dereference;
#[cfg(test)]
pub(super) mod fake_cluster;
#[cfg(test)]
pub(super) mod fixture;
mod import;
mod moved_out;
pub(super) mod names;
mod orders;
mod places;
mod reconcile;
mod registry;
mod teardown;
pub(super) mod update_status;
mod usage;
pub(super) mod validate;
#[cfg(test)]
pub(super) mod world;

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use howdah_crd::MastodonInstance;
use kube::api::Api;
use kube::runtime::controller::{Config, applier};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::{WatchStreamExt as _, watcher};

pub use bulkhead::Bulkhead;
pub use context::{Context, TOUCHED};
pub use orders::Orders;
pub use places::Places;
pub use registry::Registry;

use crate::cache::watch::{Ready, changes};
use crate::cache::{SecretChange, SecretStore};

/// How long the first lists may take before that is said.
const LISTS: Duration = Duration::from_secs(30);

/// Runs until dropped. `writer` is that of the context's store.
pub async fn run(context: Arc<Context>, writer: reflector::store::Writer<MastodonInstance>) {
    let store = context.resources.clone();
    let ready = Arc::new(Ready::default());
    let requests = stream::select_all([resources(&context, writer).boxed(), children(&context, &ready).boxed(), secrets(&context).boxed()]);
    // All are begun at once; how many are worked on is the matter of `Places`, which know who is waited for.
    let config = Config::default().concurrency(0);
    // The queue's lists have to come in before the first pass, and come in only while it is polled.
    let passes = {
        let opened = context.listed.subscribe();
        applier(
            move |cr, context: Arc<Context>| {
                let mut opened = opened.clone();
                Box::pin(async move {
                    let _opened = opened.wait_for(|it| *it).await;
                    reconcile::reconcile(cr, context).await
                })
            },
            reconcile::after_error,
            Arc::clone(&context),
            store,
            requests.map(Ok::<_, std::convert::Infallible>),
            config,
        )
    };
    let lists = async {
        while !ready.wait(LISTS).await {
            tracing::warn!("still waiting for the first lists of all kinds");
        }
        context.inbox.wait().await;
        context.certificates.wait().await;
        context.media.wait().await;
        tracing::info!("all lists are in");
        context.listed.send_replace(true);
    };
    let passes = passes.for_each(|result| async move {
        if let Err(kube::runtime::controller::Error::RunnerError(error)) = result {
            tracing::error!(error = crate::error::chain(&error), "the controller's queue broke");
        }
    });
    tokio::join!(lists, passes);
}

/// The resources themselves, and whoever stood against one that changed.
fn resources(
    context: &Arc<Context>,
    mut writer: reflector::store::Writer<MastodonInstance>,
) -> impl Stream<Item = ObjectRef<MastodonInstance>> + Send + use<> {
    let api: Api<MastodonInstance> = Api::all(context.client.clone());
    let registry = Arc::clone(&context.registry);
    let context = Arc::clone(context);
    watcher(api, watcher::Config::default())
        .default_backoff()
        .map(move |event| match event {
            Ok(event) => {
                writer.apply_watcher_event(&event);
                if let watcher::Event::Apply(cr) = &event
                    && places::is_awaited(cr)
                {
                    context.memory(cr).hurry.notify_waiters();
                }
                registry.take(&event)
            }
            Err(error) => {
                tracing::warn!(error = crate::error::chain(&error), "the watch on MastodonInstances was lost and is taken up again");
                Vec::new()
            }
        })
        .flat_map(stream::iter)
}

fn children(context: &Arc<Context>, ready: &Arc<Ready>) -> impl Stream<Item = ObjectRef<MastodonInstance>> + Send + use<> {
    let registry = Arc::clone(&context.registry);
    let touched = context.touched.clone();
    changes(&context.client, &context.children, ready).flat_map(move |id| {
        // That nobody listens is no matter.
        let _heard = touched.send(id);
        stream::iter(registry.of(id))
    })
}

fn secrets(context: &Arc<Context>) -> impl Stream<Item = ObjectRef<MastodonInstance>> + Send + use<> {
    let registry = Arc::clone(&context.registry);
    let changes = |store: &Arc<SecretStore>| store.changes(context.client.clone());
    let shared = stream::select(changes(&context.inbox), changes(&context.certificates));
    // Any server may depend on one that is no server's own.
    let shared = shared.map({
        let registry = Arc::clone(&registry);
        move |SecretChange { name: _, instance }| instance.map_or_else(|| registry.all(), |id| registry.of(id))
    });
    // What else lies there (cert-manager's keys of certificates under way, say) is nobody's business.
    let media = changes(&context.media).map(move |SecretChange { name, instance }| {
        instance.or_else(|| names::owner_of_media_tls(&name)).map_or_else(Vec::new, |id| registry.of(id))
    });
    stream::select(shared, media).flat_map(stream::iter)
}
