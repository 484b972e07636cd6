//! What a sync reads from the record, and what it writes back.

use chrono::{DateTime, Utc};
use howdah_crd::MastodonInstance;
use howdah_db::Conn;
use howdah_db::models::domain::Domain;
use howdah_db::models::import::Import;
use howdah_db::models::instance::{DesiredColumns, Instance};
use howdah_db::models::move_out::MoveOut;
use howdah_db::models::owner_bootstrap::{FIRST, OwnerBootstrap};
use howdah_db::models::place::{Cluster, DatabaseServer, ObjectStore};
use howdah_db::models::probe::Probe;
use howdah_db::models::sync::{InstanceSync, Trouble};
use howdah_domain::billing;
use howdah_domain::{Clock, Deletion, Desired, Hold, SystemClock};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::is_to_be_there;
use super::manifest::{self, Names, Owner, Parts, Way};
use crate::fleet::{DIVERGED, Divergence};
use crate::ports::cluster::InboxSecret;
use crate::progress;
use crate::sealed::{self, Kind};
use crate::worker::{WorkError, Worker};

/// Everything that one sync is about.
pub struct Wanted {
    pub instance: Instance,
    pub cluster: Cluster,
    pub resource: MastodonInstance,
    pub secrets: Vec<InboxSecret>,
    /// Of the owner's newest link after the first, wanted or done with.
    pub link_secret: Option<String>,
    /// What the last sync came to; `None` where nothing was ever sent.
    pub before: Option<InstanceSync>,
}

impl Wanted {
    /// With the custom resource gone: nothing was ever sent, or the one that is gone was torn down.
    pub fn nothing_is_left(&self) -> bool {
        self.before.as_ref().is_none_or(|it| it.torn_down_uid.is_some())
    }
}

/// Whom billing holds back and policy lets run now, runs from here on.
pub async fn release_hold(worker: &Worker, conn: &mut Conn, id: Uuid) -> Result<(), WorkError> {
    let now = worker.now();
    let Some(instance) = Instance::lock(conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else {
        return Ok(());
    };
    let desired = instance.desired()?;
    if !matches!(desired, Desired::Suspended { by: Hold::Billing } | Desired::ReadOnly { by: Hold::Billing }) {
        return Ok(());
    }
    let verdict = billing::access(&crate::billing::facts(&worker.app, conn, &instance).await?);
    if verdict.access == billing::Access::Run
        && let Ok(released) = desired.hold_to(verdict.access)
    {
        let columns = DesiredColumns::from(released);
        Instance::set_desired(conn, id, instance.revision, &columns, now).await?.ok_or(WorkError::Conflict)?;
    }
    Ok(())
}

/// `None` where there is nothing to bring about.
pub async fn read(worker: &Worker, conn: &mut Conn, id: Uuid) -> Result<Option<Wanted>, WorkError> {
    let Some(instance) = Instance::by_id(conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else {
        return Ok(None);
    };
    let desired = instance.desired()?;
    let before = InstanceSync::of(conn, id).await?;
    if !is_to_be_there(desired, before.is_some()) && instance.teardown_began_at.is_none() {
        return Ok(None);
    }
    let missing = |what: String| WorkError::Missing { what };
    let cluster = Cluster::by_id(conn, instance.cluster_id).await?.ok_or_else(|| missing(format!("cluster {}", instance.cluster_id)))?;
    let database_server = DatabaseServer::by_id(conn, instance.database_server_id)
        .await?
        .ok_or_else(|| missing(format!("database server {}", instance.database_server_id)))?;
    let object_store = ObjectStore::by_id(conn, instance.object_store_id)
        .await?
        .ok_or_else(|| missing(format!("object store {}", instance.object_store_id)))?;
    let plan = worker.app.plans.get(&instance.plan).ok_or_else(|| missing(format!("the plan `{}`", instance.plan)))?;
    let owner = OwnerBootstrap::of(conn, id).await?;
    let import = Import::of_instance(conn, id).await?;
    let may_move = matches!(desired, Desired::Deleted { deletion: Deletion::MoveOut | Deletion::Remove, .. });
    let move_out = if may_move { MoveOut::of(conn, id).await? } else { None };
    let resource = manifest::custom_resource(&Parts {
        instance: &instance,
        desired,
        resources: &plan.resources,
        placement: &cluster.placement,
        database_server: &database_server.name,
        object_store: &object_store.name,
        is_routed: is_routed(conn, &instance).await?,
        move_out: move_out.as_ref(),
        import: import.as_ref(),
        platform_domain: worker.app.config.names.platform_domains.first().map(String::as_str),
        new_link: owner.as_ref().filter(|it| it.is_on_its_way()).map(|it| it.issued_at),
        found_here_until: Probe::of(conn, id).await?.filter(|it| it.leads_here).map(|it| it.probed_at + worker.freshness()),
    });
    let link_secret = owner.as_ref().filter(|it| it.version > FIRST).map(|it| Names::of(id).link(it.issued_at));
    let secrets = secrets(worker, conn, &instance, owner, import.is_some()).await?;
    Ok(Some(Wanted { instance, cluster, resource, secrets, link_secret, before }))
}

/// The platform's names are served at once, a customer's own once every name that needs it was proven.
async fn is_routed(conn: &mut Conn, instance: &Instance) -> Result<bool, WorkError> {
    // What was served here, and handed over, has its names proven to another host now.
    let was_served = instance.handed_over_at.is_some() && instance.first_answered_at.is_some();
    if instance.on_platform_domain || was_served {
        return Ok(true);
    }
    let names = to_be_proven(instance);
    let found = Domain::of_account_named(conn, instance.account_id, &names).await?;
    let is_proven = |name: &&str| found.iter().any(|it| it.name == **name && it.proven_at.is_some());
    Ok(names.iter().all(is_proven))
}

/// As [`howdah_domain::ServerAddress::to_be_proven`], of a row: the web domain besides the handles' where it is not below it.
fn to_be_proven(instance: &Instance) -> Vec<&str> {
    let (local, web) = (instance.domain.as_str(), instance.web_domain.as_str());
    let is_below = web.strip_suffix(local).is_some_and(|it| it.is_empty() || it.ends_with('.'));
    if is_below { vec![local] } else { vec![local, web] }
}

async fn secrets(
    worker: &Worker,
    conn: &mut Conn,
    instance: &Instance,
    owner: Option<OwnerBootstrap>,
    is_import: bool,
) -> Result<Vec<InboxSecret>, WorkError> {
    let keys = &worker.app.keys;
    let missing = |what: &str| WorkError::Missing { what: format!("the {what} of {}", instance.id) };
    let identity = sealed::open(conn, keys, instance.id, Kind::Identity).await?.ok_or_else(|| missing("identity"))?;
    let smtp = sealed::open(conn, keys, instance.id, Kind::Smtp).await?.ok_or_else(|| missing("relay login"))?;
    let is_launched = instance.launched_at.is_some();
    let owner = match owner {
        Some(owner) if !is_launched || owner.is_on_its_way() => {
            let token = String::from_utf8_lossy(owner.token(conn, keys).await?.expose_secret()).into_owned();
            let way = match is_launched {
                true => Way::NewLink { issued_at: owner.issued_at },
                false => Way::Bootstrap { email: owner.email },
            };
            Some(Owner { token, username: owner.username, way })
        }
        _ => None,
    };
    // Forgotten once it is loaded for good.
    let bundle_key = if is_import { sealed::open(conn, keys, instance.id, Kind::BundleKey).await? } else { None };
    Ok(manifest::secrets(instance.id, identity, smtp, owner, bundle_key))
}

pub async fn taken(worker: &Worker, conn: &mut Conn, wanted: &Wanted) -> Result<(), WorkError> {
    put(worker, conn, wanted, None).await?;
    if wanted.cluster.unreachable_since.is_some() {
        Cluster::seen(conn, wanted.cluster.id, true, worker.now()).await?;
    }
    tell(worker, conn, wanted).await
}

pub async fn trouble(worker: &Worker, conn: &mut Conn, wanted: &Wanted, reason: &str, detail: &str) -> Result<(), WorkError> {
    put(worker, conn, wanted, Some(Trouble { reason, detail: Some(detail), divergence: None })).await?;
    tell(worker, conn, wanted).await
}

pub async fn diverged(worker: &Worker, conn: &mut Conn, wanted: &Wanted, divergence: &Divergence) -> Result<(), WorkError> {
    let detail = format!("the cluster has revision {}, the record {}", divergence.revision, wanted.instance.revision);
    let both = serde_json::to_value(divergence).ok();
    howdah_db::transaction(conn, async |conn| {
        // Whoever decides holds the row: what was seen before their decision is no divergence any more.
        let row = Instance::lock(conn, wanted.instance.id).await?;
        if row.is_none_or(|it| it.revision != wanted.instance.revision) {
            return Err(WorkError::Conflict);
        }
        put(worker, conn, wanted, Some(Trouble { reason: DIVERGED, detail: Some(&detail), divergence: both.as_ref() })).await
    })
    .await?;
    tell(worker, conn, wanted).await
}

pub async fn unreachable(worker: &Worker, conn: &mut Conn, wanted: &Wanted, error: &str) -> Result<(), WorkError> {
    if Cluster::seen(conn, wanted.cluster.id, false, worker.now()).await? > 0 {
        tracing::warn!(cluster.name = wanted.cluster.name, error, "the cluster cannot be reached");
    }
    tell(worker, conn, wanted).await
}

async fn put(worker: &Worker, conn: &mut Conn, wanted: &Wanted, trouble: Option<Trouble<'_>>) -> Result<(), WorkError> {
    let instance = &wanted.instance;
    InstanceSync::end(conn, instance.id, instance.revision, trouble, worker.now()).await?;
    Ok(())
}

/// The live operation says what came of it.
async fn tell(worker: &Worker, conn: &mut Conn, wanted: &Wanted) -> Result<(), WorkError> {
    let id = wanted.instance.id;
    howdah_db::transaction(conn, async |conn| progress::advance(worker, conn, id).await).await?;
    Ok(())
}

/// The queue's time is the machine's, not the business'.
pub fn queue_now() -> DateTime<Utc> {
    SystemClock.now()
}
