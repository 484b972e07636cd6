//! One server from the record down to its cluster: Standing → policy → Desired → Secrets → the whole custom resource; and, at
//! the end of its life, the custom resource's deletion, the Secrets' and the row's burial.
//!
//! It may run at any time, twice, and be killed anywhere: each part is read before it is written, what must survive a crash is
//! in the record before its effect, and the next run goes on from what is there. An API server that is away is tried again
//! after at most 15 s; what it refuses is recorded and tried again by the next resync.

mod bury;
pub mod manifest;
mod record;

use howdah_crd::{ConditionType, MastodonInstance};
use howdah_db::Conn;
use howdah_db::models::import::Import;
use howdah_db::models::instance::Instance;
use howdah_db::models::sync::InstanceSync;
use howdah_domain::Desired;

use super::SyncInstance;
use crate::fleet::Divergence;
use crate::ports::{Cluster, ClusterError, RelayError};
use crate::progress;
use crate::worker::{WorkError, Worker};
use record::Wanted;

pub(crate) use record::queue_now;

pub async fn run(worker: &Worker, job: SyncInstance) -> Result<(), WorkError> {
    let id = job.instance_id;
    let mut conn = worker.app.database.conn().await?;
    let wanted = howdah_db::transaction(&mut conn, async |conn| {
        record::release_hold(worker, conn, id).await?;
        progress::advance(worker, conn, id).await?;
        record::read(worker, conn, id).await
    })
    .await?;
    let Some(wanted) = wanted else { return Ok(()) };
    if has_to_wait(&mut conn, &wanted.instance).await? {
        return Ok(job.enqueue_again(&mut conn, record::queue_now()).await?);
    }
    let cluster = worker.cluster(&wanted.cluster.name)?;
    // No connection is held while the cluster is asked.
    drop(conn);
    let outcome = bring_about(worker, cluster.as_ref(), &wanted).await;
    let mut conn = worker.app.database.conn().await?;
    finish(worker, &mut conn, job, &wanted, outcome).await
}

/// In a cluster, what was made of this bundle before still has its names.
async fn has_to_wait(conn: &mut Conn, instance: &Instance) -> Result<bool, WorkError> {
    if instance.launched_at.is_some() || instance.teardown_began_at.is_some() {
        return Ok(false);
    }
    match Import::of_instance(conn, instance.id).await? {
        Some(import) => Ok(import.going(conn).await?.is_some()),
        None => Ok(false),
    }
}

/// How a sync ended.
enum Outcome {
    Taken,
    /// The cluster's revision is ahead of the row's: nothing is written until an operator decides.
    Diverged(Box<Divergence>),
}

async fn bring_about(worker: &Worker, cluster: &dyn Cluster, wanted: &Wanted) -> Result<Outcome, WorkError> {
    let instance = &wanted.instance;
    let names = manifest::Names::of(instance.id);
    let is_leaving = instance.teardown_began_at.is_some();
    let found = cluster.get(&names.resource).await?;
    if is_leaving && found.is_none() && wanted.nothing_is_left() {
        for secret in wanted.link_secret.iter().chain([&names.owner, &names.smtp, &names.bundle_key, &names.identity]) {
            cluster.delete_secret(secret).await?;
        }
        bury::bury(worker, instance.id).await?;
        return Ok(Outcome::Taken);
    }
    if let Some(found) = &found {
        // Much raises the row's revision: none of it is the operator's decision.
        let is_undecided = wanted.before.as_ref().is_some_and(|it| it.divergence.is_some());
        if is_undecided || manifest::is_ahead(found, instance.revision) {
            return diverged(worker, wanted, found).await;
        }
        if found.metadata.deletion_timestamp.is_some() {
            // Its end is an event, and brings the next sync.
            return Ok(Outcome::Taken);
        }
        if is_leaving && is_torn_down(found) {
            return delete(worker, cluster, instance, found).await;
        }
    }
    let relay = try_relay(worker, wanted, &names).await;
    begin(worker, instance).await?;
    for secret in &wanted.secrets {
        cluster.put_secret(secret).await?;
    }
    if !found.is_some_and(|it| manifest::is_as_wanted(&it, &wanted.resource)) {
        cluster.apply(&wanted.resource).await?;
    }
    if instance.launched_at.is_some() {
        let is_done_with = |name: &&String| !wanted.secrets.iter().any(|it| it.name == **name);
        for secret in wanted.link_secret.iter().chain([&names.owner]).filter(is_done_with) {
            cluster.delete_secret(secret).await?;
        }
    }
    // Said last: a server that can't send mail is set up all the same, and only its launch doesn't end.
    relay?;
    Ok(Outcome::Taken)
}

/// Whether the mail relay takes the server's login: asked while it is launched, and from a refusal on until it does.
async fn try_relay(worker: &Worker, wanted: &Wanted, names: &manifest::Names) -> Result<(), RelayError> {
    let was_refused = wanted.before.as_ref().and_then(|it| it.reason.as_deref()).is_some_and(progress::is_of_relay);
    let is_launched = wanted.instance.launched_at.is_some() && !was_refused;
    let login = wanted.secrets.iter().find(|it| it.name == names.smtp);
    match login {
        Some(login) if !is_launched && wanted.instance.teardown_began_at.is_none() => worker.relay.try_login(&login.variables).await,
        _ => Ok(()),
    }
}

/// From here on something of this server may be in the cluster.
async fn begin(worker: &Worker, instance: &Instance) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    InstanceSync::begin(&mut conn, instance.id, instance.revision, worker.now()).await?;
    Ok(())
}

/// Somebody else may have written a newer revision of the row since it was read; that is no divergence.
async fn diverged(worker: &Worker, wanted: &Wanted, found: &MastodonInstance) -> Result<Outcome, WorkError> {
    let instance = &wanted.instance;
    let mut conn = worker.app.database.conn().await?;
    let now = Instance::by_id(&mut conn, instance.id).await?;
    if now.is_some_and(|it| it.revision > instance.revision) {
        return Err(WorkError::Conflict);
    }
    begin(worker, instance).await?;
    let (record, cluster) = (wanted.resource.spec.clone(), found.spec.clone());
    Ok(Outcome::Diverged(Box::new(Divergence { revision: manifest::revision_of(found), record, cluster })))
}

/// The operator has seen the confirmation for this server.
fn is_torn_down(found: &MastodonInstance) -> bool {
    let asked = found.spec.teardown.as_ref().is_some_and(|it| it.confirm == found.spec.id);
    let conditions = found.status.iter().flat_map(|it| &it.conditions);
    asked && conditions.into_iter().any(|it| it.type_ == ConditionType::TeardownConfirmed.as_str() && it.status == "True")
}

/// Exactly the object in which the confirmation was seen; which one it was is known before it goes.
async fn delete(worker: &Worker, cluster: &dyn Cluster, instance: &Instance, found: &MastodonInstance) -> Result<Outcome, WorkError> {
    let metadata = &found.metadata;
    let (Some(name), Some(uid), Some(version)) = (&metadata.name, &metadata.uid, &metadata.resource_version) else {
        return Err(WorkError::Missing { what: "the name, UID or version of a custom resource".to_owned() });
    };
    let mut conn = worker.app.database.conn().await?;
    InstanceSync::torn_down(&mut conn, instance.id, uid).await?;
    drop(conn);
    cluster.delete(name, uid, version).await?;
    Ok(Outcome::Taken)
}

/// What the sync came to is recorded, told to the live operation, and tried again where that helps.
async fn finish(
    worker: &Worker,
    conn: &mut Conn,
    job: SyncInstance,
    wanted: &Wanted,
    outcome: Result<Outcome, WorkError>,
) -> Result<(), WorkError> {
    match outcome {
        Ok(Outcome::Taken) => record::taken(worker, conn, wanted).await,
        Ok(Outcome::Diverged(divergence)) => record::diverged(worker, conn, wanted, &divergence).await,
        Err(WorkError::Cluster(error)) => {
            let text = error.to_string();
            match &error {
                ClusterError::Unavailable(_) => record::unreachable(worker, conn, wanted, &text).await?,
                ClusterError::Refused { .. } => record::trouble(worker, conn, wanted, "InvalidSpec", &text).await?,
                ClusterError::Conflict { .. } => {}
                ClusterError::Failed { .. } => record::trouble(worker, conn, wanted, "Error", &text).await?,
            }
            tracing::warn!(instance.id = %job.instance_id, error = text, attempt = job.attempt, "a sync was not taken");
            if !matches!(error, ClusterError::Refused { .. }) {
                job.enqueue_again(conn, record::queue_now()).await?;
            }
            Ok(())
        }
        Err(WorkError::Relay(error)) => {
            let reason = match error {
                RelayError::Unavailable(_) => progress::RELAY_UNAVAILABLE,
                RelayError::Refused(_) => progress::RELAY_REFUSED,
            };
            record::trouble(worker, conn, wanted, reason, &error.to_string()).await?;
            Ok(job.enqueue_again(conn, record::queue_now()).await?)
        }
        Err(WorkError::Conflict) => Ok(job.enqueue_again(conn, record::queue_now()).await?),
        Err(other) => Err(other),
    }
}

/// Whether a server of this state has anything to be in a cluster for: what policy holds back stays there where it was, read-only or suspended.
const fn is_to_be_there(desired: Desired, was_sent: bool) -> bool {
    match desired {
        Desired::Running => true,
        Desired::ReadOnly { .. } | Desired::Suspended { .. } | Desired::Deleted { .. } => was_sent,
    }
}
