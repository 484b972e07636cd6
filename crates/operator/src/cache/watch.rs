//! Keeps the cache: one watch a kind, over everything that carries the instance's label. Each change names the server it is
//! about, so that it is looked at.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt as _, stream};
use howdah_crd::labels;
use howdah_domain::InstanceId;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::runtime::{WatchStreamExt as _, watcher};

use super::{ChildKey, ChildKind, Children, identify};

/// Every server whose children changed. `ready` is told of each kind once its first list is in.
pub fn changes(client: &Client, children: &Arc<Children>, ready: &Arc<Ready>) -> impl Stream<Item = InstanceId> + Send + use<> {
    stream::select_all(ChildKind::ALL.map(|kind| changes_of(kind, client.clone(), Arc::clone(children), Arc::clone(ready)).boxed()))
}

fn changes_of(kind: ChildKind, client: Client, children: Arc<Children>, ready: Arc<Ready>) -> impl Stream<Item = InstanceId> + Send {
    let api: Api<DynamicObject> = Api::all_with(client, &kind.resource());
    let config = watcher::Config::default().labels(labels::INSTANCE);
    let mut list = Relist::begin();
    watcher(api, config)
        .default_backoff()
        .map(move |event| match event {
            Ok(event) => {
                let done = matches!(event, watcher::Event::InitDone);
                let touched = take(kind, event, &children, &mut list);
                if done {
                    ready.listed(kind);
                }
                touched
            }
            Err(error) => {
                tracing::warn!(child.kind = ?kind, error = &error as &dyn std::error::Error, "a watch was lost and is taken up again");
                Vec::new()
            }
        })
        .flat_map(stream::iter)
}

/// What a list under way has named so far.
struct Relist {
    keys: HashSet<ChildKey>,
    begun: Instant,
}

impl Relist {
    fn begin() -> Self {
        Self { keys: HashSet::new(), begun: Instant::now() }
    }
}

fn take(kind: ChildKind, event: watcher::Event<DynamicObject>, children: &Children, list: &mut Relist) -> Vec<InstanceId> {
    match event {
        watcher::Event::Apply(object) => children.put(kind, &object).into_iter().collect(),
        watcher::Event::Delete(object) => children.remove(kind, &object).into_iter().collect(),
        watcher::Event::Init => {
            *list = Relist::begin();
            Vec::new()
        }
        watcher::Event::InitApply(object) => {
            if let Some((_, key)) = identify(kind, &object) {
                list.keys.insert(key);
            }
            children.put(kind, &object).into_iter().collect()
        }
        watcher::Event::InitDone => {
            let listed = std::mem::take(&mut list.keys);
            children.retain(kind, &listed, list.begun)
        }
    }
}

/// Tells when every kind was listed once: before that, what is absent from the cache may well be there.
pub struct Ready {
    missing: tokio::sync::watch::Sender<HashSet<ChildKind>>,
}

impl Default for Ready {
    fn default() -> Self {
        Self { missing: tokio::sync::watch::Sender::new(ChildKind::ALL.into()) }
    }
}

impl Ready {
    fn listed(&self, kind: ChildKind) {
        self.missing.send_if_modified(|missing| missing.remove(&kind));
    }

    /// False if it took longer than `limit`.
    pub async fn wait(&self, limit: Duration) -> bool {
        let mut missing = self.missing.subscribe();
        tokio::time::timeout(limit, missing.wait_for(HashSet::is_empty)).await.is_ok_and(|it| it.is_ok())
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.missing.borrow().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use tower::{BoxError, service_fn};

    use super::*;

    const ID: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";

    fn list(version: &str, names: &[&str]) -> (u16, Value) {
        let item = |name: &&str| {
            json!({"metadata": {
                "name": name, "namespace": "mi-a", "uid": name, "resourceVersion": version, "labels": {labels::INSTANCE: ID},
            }})
        };
        (200, json!({"metadata": {"resourceVersion": version}, "items": names.iter().map(item).collect::<Vec<_>>()}))
    }

    fn failure(code: u16) -> Value {
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": "Expired", "code": code})
    }

    /// Answers in this order, and then not at all.
    fn client(answers: Vec<(u16, Value)>) -> Client {
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        let service = service_fn(move |_: Request<Body>| {
            let next = answers.lock().unwrap().pop_front();
            async move {
                let Some((code, body)) = next else { return std::future::pending().await };
                Ok::<_, BoxError>(Response::builder().status(code).body(Body::from(format!("{body}\n").into_bytes()))?)
            }
        });
        Client::new(service, "default")
    }

    #[tokio::test]
    async fn what_was_missed_while_the_api_server_was_away_is_found_by_the_next_list() {
        let expired = (200, json!({"type": "ERROR", "object": failure(410)}));
        let client = client(vec![(503, failure(503)), list("10", &["a", "b"]), expired, (500, failure(500)), list("20", &["b", "c"])]);
        let (children, ready) = (Arc::new(Children::default()), Arc::new(Ready::default()));
        let mut changes = std::pin::pin!(changes_of(ChildKind::Service, client, Arc::clone(&children), ready));
        let id: InstanceId = ID.parse().unwrap();
        let names = || children.snapshot(id).into_keys().map(|it| it.name).collect::<Vec<_>>();
        let caught_up = async {
            while names() != ["b", "c"] {
                assert_eq!(changes.next().await, Some(id));
            }
        };
        tokio::time::timeout(Duration::from_secs(60), caught_up).await.unwrap_or_else(|_| panic!("it knows {:?}", names()));
    }
}
