//! One cluster's watch: events in, rows out, whatever fails meanwhile.
//!
//! A watch that breaks is begun anew with growing pauses, and begins with a list of everything: what the record saw and the list
//! lacks is gone.
//!
//! A watch on which nothing happens says nothing, of a cluster without servers for ever. So each tick asks the API server something small,
//! and writes down that it answered: how old the observation is says whether somebody looks, and not whether something happens.

use std::collections::{BTreeSet, VecDeque};
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use howdah_crd::MastodonInstance;
use howdah_db::models::observation::Observation;
use howdah_db::models::place::Cluster as ClusterRow;
use howdah_domain::InstanceId;
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_all};
use kube::{Api, Client, ResourceExt};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::record;
use crate::worker::{WorkError, Worker};

/// Before the record is asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long an API server may think about something small.
const PATIENCE: Duration = Duration::from_secs(5);

/// One thing to be written.
enum Seen {
    There(Box<MastodonInstance>),
    Gone(Uuid),
    /// The list is complete; these are all.
    All(BTreeSet<Uuid>),
    /// Nothing new, and the API server answers.
    Still,
    Unreachable,
}

/// What is still to be written, and of what.
#[derive(Default)]
struct Watched {
    /// Of the list that is under way.
    listed: BTreeSet<Uuid>,
    /// It has come to its end once: since then every event is known.
    is_whole: bool,
    queue: VecDeque<Seen>,
}

/// Never ends: whoever selects it drops it.
pub async fn watch(worker: &Worker, name: &str, client: Client) {
    let api: Api<MastodonInstance> = Api::all(client);
    let mut events = pin!(watch_all(api.clone(), watcher::Config::default()).default_backoff());
    let mut tick = tokio::time::interval_at(Instant::now() + worker.settings.tick, worker.settings.tick);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watched = Watched::default();
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => watched.take(event),
                Some(Err(error)) => {
                    tracing::warn!(cluster.name = name, %error, "a watch broke; it is begun anew");
                    watched.queue.push_back(Seen::Unreachable);
                }
                None => return,
            },
            _ = tick.tick(), if watched.is_whole => {
                if answers(&api).await {
                    watched.queue.push_back(Seen::Still);
                }
            }
        }
        while let Some(seen) = watched.queue.pop_front() {
            write_until_done(worker, name, &seen).await;
        }
    }
}

async fn answers(api: &Api<MastodonInstance>) -> bool {
    let one = ListParams::default().limit(1);
    tokio::time::timeout(PATIENCE, api.list(&one)).await.is_ok_and(|it| it.is_ok())
}

impl Watched {
    fn take(&mut self, event: Event<MastodonInstance>) {
        match event {
            Event::Init => {
                self.listed.clear();
                self.is_whole = false;
            }
            Event::InitApply(resource) => {
                if let Some(id) = id_of(&resource) {
                    self.listed.insert(id);
                    self.queue.push_back(Seen::There(Box::new(resource)));
                }
            }
            Event::InitDone => {
                self.is_whole = true;
                self.queue.push_back(Seen::All(std::mem::take(&mut self.listed)));
            }
            Event::Apply(resource) => {
                if id_of(&resource).is_some() {
                    self.queue.push_back(Seen::There(Box::new(resource)));
                }
            }
            Event::Delete(resource) => self.queue.extend(id_of(&resource).map(Seen::Gone)),
        }
    }
}

/// Only the id counts; but a resource of another name is not the one that we sent.
fn id_of(resource: &MastodonInstance) -> Option<Uuid> {
    let id: InstanceId = resource.spec.id.parse().ok()?;
    (resource.name_any() == id.resource_name()).then(|| id.as_uuid())
}

/// An event is not passed over because the record is away; one whose row can't be read is, and said.
async fn write_until_done(worker: &Worker, name: &str, seen: &Seen) {
    loop {
        match write(worker, name, seen).await {
            Ok(()) => return,
            Err(error @ (WorkError::Unavailable(_) | WorkError::Query(_) | WorkError::Conflict)) => {
                tracing::warn!(cluster.name = name, %error, "what was seen could not be written; it is tried again");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                tracing::error!(cluster.name = name, %error, "what was seen could not be written, and is passed over");
                return;
            }
        }
    }
}

async fn write(worker: &Worker, name: &str, seen: &Seen) -> Result<(), WorkError> {
    match seen {
        Seen::There(resource) => record::seen(worker, name, resource).await,
        Seen::Gone(id) => record::gone(worker, name, *id).await,
        Seen::All(ids) => complete(worker, name, ids).await,
        Seen::Still => reachable(worker, name, true).await.map(drop),
        Seen::Unreachable => reachable(worker, name, false).await.map(drop),
    }
}

/// What was seen last and is not in the list is gone.
async fn complete(worker: &Worker, name: &str, ids: &BTreeSet<Uuid>) -> Result<(), WorkError> {
    let Some(cluster) = reachable(worker, name, true).await? else { return Ok(()) };
    let mut conn = worker.app.database.conn().await?;
    let before = Observation::present_in(&mut conn, cluster.id).await?;
    drop(conn);
    for id in before.into_iter().filter(|it| !ids.contains(it)) {
        record::gone(worker, name, id).await?;
    }
    Ok(())
}

async fn reachable(worker: &Worker, name: &str, is_reachable: bool) -> Result<Option<ClusterRow>, WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let cluster = ClusterRow::by_name(&mut conn, name).await?;
    if let Some(cluster) = &cluster {
        ClusterRow::seen(&mut conn, cluster.id, is_reachable, worker.now()).await?;
    }
    Ok(cluster)
}
