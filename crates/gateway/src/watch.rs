//! Keeps [`Hosts`] as the cluster's `MastodonInstance`s say. While the API server is away, what is known stays.

use futures::StreamExt;
use howdah_crd::MastodonInstance;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, ResourceExt};

use crate::hosts::{Hosts, Server};

pub(crate) async fn run(client: Client, hosts: Hosts) {
    let instances: Api<MastodonInstance> = Api::all(client);
    let mut events = watch(instances, watcher::Config::default()).default_backoff().boxed();
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(instance)) => listed.extend(Server::of(&instance)),
            Ok(Event::InitDone) => {
                tracing::info!(servers = listed.len(), "listed the servers whose media is served");
                hosts.replace(listed.drain(..));
            }
            Ok(Event::Apply(instance)) => hosts.set(&instance.name_any(), Server::of(&instance)),
            Ok(Event::Delete(instance)) => hosts.set(&instance.name_any(), None),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "cannot watch the servers: going on with what is known"),
        }
    }
}
