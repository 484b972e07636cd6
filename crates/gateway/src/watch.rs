//! Keeps [`Hosts`] as the cluster's `MastodonInstance`s say. While the API server is away, what is known stays.

use std::pin::pin;

use futures::{Stream, StreamExt};
use howdah_crd::MastodonInstance;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, ResourceExt};

use crate::hosts::{Hosts, Server};

pub(crate) async fn run(client: Client, hosts: Hosts) {
    let instances: Api<MastodonInstance> = Api::all(client);
    follow(watch(instances, watcher::Config::default()).default_backoff(), &hosts).await;
}

async fn follow(events: impl Stream<Item = watcher::Result<Event<MastodonInstance>>>, hosts: &Hosts) {
    let mut events = pin!(events);
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

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::hosts::tests::instance;
    use crate::hosts::{Lookup, Media};

    const HOSTS: [&str; 3] = ["media.a.example", "media.b.example", "media.c.example"];

    fn named(at: usize, routing: bool) -> MastodonInstance {
        let id = format!("0198a000-0000-7000-8000-00000000000{at}");
        let mut instance = instance(&id, Some(HOSTS[at]), routing);
        instance.metadata.name = Some(format!("mi-{at}"));
        instance.spec.domain = format!("{at}.example");
        instance.spec.web_domain = None;
        instance
    }

    fn lost() -> watcher::Error {
        watcher::Error::NoResourceVersion
    }

    #[tokio::test]
    async fn what_is_known_stays_while_the_api_server_is_away() {
        let hosts = Hosts::default();
        let listing = [Err(lost()), Ok(Event::Init), Ok(Event::InitApply(named(0, true)))];
        follow(stream::iter(listing), &hosts).await;
        assert!(!hosts.is_loaded(), "half a list is none");

        let whole = [Ok(Event::Init), Ok(Event::InitApply(named(0, true))), Ok(Event::InitApply(named(1, true))), Ok(Event::InitDone)];
        let changes = [Ok(Event::Apply(named(2, true))), Ok(Event::Apply(named(1, false))), Ok(Event::Delete(named(0, true))), Err(lost())];
        follow(stream::iter(whole.into_iter().chain(changes)), &hosts).await;
        assert_eq!(HOSTS.map(|host| matches!(hosts.find(host), Lookup::Found(Media::Here(_)))), [false, false, true]);

        let again = [Ok(Event::Init), Ok(Event::InitApply(named(1, true))), Err(lost())];
        follow(stream::iter(again), &hosts).await;
        assert_eq!(HOSTS.map(|host| matches!(hosts.find(host), Lookup::Found(Media::Here(_)))), [false, false, true]);
    }
}
