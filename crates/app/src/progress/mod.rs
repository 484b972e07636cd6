//! What comes next for one server, in one transaction: the single place where an operation advances and where a farewell, a
//! teardown or a launch's success is written down.
//!
//! [`advance`] reads everything that is known (the row, the live operation, the observation, the last look from outside, what
//! the last sync came to) and asks the pure [`decide`] for what follows. It is called whenever one of these changed, and
//! may be called at any time and any number of times: with nothing new it writes nothing. It knows no cluster.

mod decide;
mod final_bundle;
mod owner_link;

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::audit::{Actor, Record};
use howdah_db::models::import::Import;
use howdah_db::models::instance::Instance;
use howdah_db::models::move_out::MoveOut;
use howdah_db::models::observation::Observation as ObservationRow;
use howdah_db::models::operation::{NewOperation, Operation as OperationRow, OperationStep};
use howdah_db::models::owner_bootstrap::{self, OwnerBootstrap};
use howdah_db::models::place::Cluster;
use howdah_db::models::probe::Probe;
use howdah_db::models::sync::InstanceSync;
use howdah_domain::lifecycle::Cause;
use howdah_domain::{Deletion, Desired, Observation, OperationId, OperationKind, StepName};
use uuid::Uuid;

pub use decide::{Begin, Decision, Facts, Left, decide};

use crate::jobs::SyncInstance;
use crate::jobs::manifest;
use crate::mails::{self, To};
use crate::observer::translate;
use crate::worker::{WorkError, Worker};
use crate::{imports, instances};

/// Decides for one server and writes it down, in the caller's transaction. False where nothing changed.
pub async fn advance(worker: &Worker, conn: &mut Conn, instance_id: Uuid) -> Result<bool, WorkError> {
    let now = worker.now();
    let Some(instance) = Instance::lock(conn, instance_id).await?.filter(|it| it.tombstoned_at.is_none()) else {
        return Ok(false);
    };
    let desired = instance.desired()?;
    let mut known = Known::read(conn, &instance).await?;
    if let Some(kind) = to_be_begun(desired, known.operation.is_some(), now) {
        let id = OperationId::generate(now, worker.app.randomness.as_ref()).as_uuid();
        NewOperation { id, instance_id: instance.id, kind, requested_by: None, created_at: now }.insert(conn).await?;
        known = Known::read(conn, &instance).await?;
    }
    let leaves_by = known.operation.as_ref().map(|(row, _)| row);
    let final_bundle = final_bundle::follow(worker, conn, &instance, leaves_by, is_stopped(&instance, &known), now).await?;
    let decision = decide(&Facts {
        desired,
        revision: instance.revision,
        version: &instance.version,
        was_launched: instance.launched_at.is_some(),
        has_answered: instance.first_answered_at.is_some(),
        begun: instance.begun(),
        said_farewell: instance.farewell_began_at.is_some(),
        import: known.import.as_ref().map(|it| decide::Import { mark: manifest::mark(it), is_accepted: it.accepted_at.is_some() }),
        final_bundle: &final_bundle,
        operation: known.operation.as_ref().map(|(_, it)| it),
        observation: known.observation.as_ref(),
        outage: known.outage.as_ref(),
        relay: known.relay.as_ref(),
        left: left(worker, &instance, known.move_out.as_ref(), now),
        leads_here: leads_here(known.probe.as_ref(), looked_after(worker, desired, now)),
        now,
    });
    let changed = write(worker, conn, &instance, &known, decision, now).await?;
    Ok(owner_link::follow(worker, conn, &instance, known.observation.as_ref(), now).await? || changed)
}

/// Its data stays through a grace period after the handover, and until its final bundle is verified; its media host until the time that was said then.
fn left(worker: &Worker, instance: &Instance, move_out: Option<&MoveOut>, now: DateTime<Utc>) -> Left {
    let is_over = |at: Option<DateTime<Utc>>| at.is_some_and(|it| it <= now);
    match move_out {
        Some(MoveOut { moved_out_at: Some(_), moved_out_until, .. }) if is_over(*moved_out_until) => Left::MediaHostTooLong,
        Some(MoveOut { moved_out_at: Some(_), .. }) => Left::MediaHost,
        Some(MoveOut { bundle_verified_at: Some(_), .. }) if is_over(instance.handed_over_at.map(|it| it + worker.app.config.grace)) => {
            Left::DataTooLong
        }
        _ => Left::Data,
    }
}

/// A grace period is no operation: what comes after it is.
fn to_be_begun(desired: Desired, is_busy: bool, now: DateTime<Utc>) -> Option<OperationKind> {
    match desired {
        Desired::Deleted { deletion, .. } if !is_busy && desired.is_due_for_deletion(now) => Some(match deletion {
            Deletion::MoveOut => OperationKind::MoveOut,
            Deletion::Close => OperationKind::Close,
            Deletion::Remove => OperationKind::Remove,
        }),
        _ => None,
    }
}

/// The operator has seen nothing of it run, of the row as it is.
fn is_stopped(instance: &Instance, known: &Known) -> bool {
    known.observation.as_ref().is_some_and(|it| it.observed_revision == Some(instance.revision) && it.is_met("Stopped"))
}

/// What the record knows of a server besides its row.
struct Known {
    /// Until its server is launched.
    import: Option<Import>,
    operation: Option<(OperationRow, howdah_domain::Operation)>,
    observation: Option<Observation>,
    outage: Option<Cause>,
    relay: Option<Cause>,
    probe: Option<Probe>,
    /// Once it was handed over.
    move_out: Option<MoveOut>,
}

impl Known {
    async fn read(conn: &mut Conn, instance: &Instance) -> Result<Self, WorkError> {
        let operation = match OperationRow::live(conn, instance.id, "exclusive").await? {
            Some(row) => {
                let steps = OperationStep::of(conn, row.id).await?;
                let operation = row.with_steps(&steps)?;
                Some((row, operation))
            }
            None => None,
        };
        let observation = ObservationRow::of(conn, instance.id).await?.filter(|it| it.present);
        let cluster = Cluster::by_id(conn, instance.cluster_id).await?;
        let sync = InstanceSync::of(conn, instance.id).await?;
        let import = if instance.launched_at.is_none() { Import::of_instance(conn, instance.id).await? } else { None };
        Ok(Self {
            import,
            operation,
            observation: observation.as_ref().and_then(translate::stored),
            outage: outage(cluster.as_ref(), sync.as_ref()),
            relay: sync.as_ref().and_then(trouble).filter(|it| is_of_relay(&it.reason)),
            probe: Probe::of(conn, instance.id).await?,
            move_out: if instance.handed_over_at.is_some() { MoveOut::of(conn, instance.id).await? } else { None },
        })
    }
}

/// Why nothing can be brought about in the cluster now.
fn outage(cluster: Option<&Cluster>, sync: Option<&InstanceSync>) -> Option<Cause> {
    if cluster.is_some_and(|it| it.unreachable_since.is_some()) {
        return Some(Cause::new("ClusterUnavailable", None));
    }
    sync.and_then(trouble).filter(|it| !is_of_relay(&it.reason))
}

/// Reasons of a sync that the mail relay is to blame for: the cluster took everything nevertheless.
pub(crate) const RELAY_REFUSED: &str = "RelayRefused";
pub(crate) const RELAY_UNAVAILABLE: &str = "RelayUnavailable";

pub(crate) fn is_of_relay(reason: &str) -> bool {
    [RELAY_REFUSED, RELAY_UNAVAILABLE].contains(&reason)
}

/// Why the last sync was not taken.
fn trouble(sync: &InstanceSync) -> Option<Cause> {
    sync.reason.as_deref().map(|reason| Cause::new(reason, sync.detail.clone()))
}

/// Looks count that are fresh; for who leaves, none of before the end of its grace: a farewell begins by a look of its own.
fn looked_after(worker: &Worker, desired: Desired, now: DateTime<Utc>) -> DateTime<Utc> {
    let fresh = now - worker.freshness();
    match desired {
        Desired::Deleted { after, .. } => fresh.max(after),
        Desired::Running | Desired::ReadOnly { .. } | Desired::Suspended { .. } => fresh,
    }
}

/// The last look from outside, as long as it is fresh: `None` where nobody has looked lately.
fn leads_here(probe: Option<&Probe>, fresh_after: DateTime<Utc>) -> Option<Result<(), Cause>> {
    let probe = probe.filter(|it| it.probed_at >= fresh_after)?;
    Some(if probe.leads_here { Ok(()) } else { Err(Cause::new(&probe.reason, probe.detail.clone())) })
}

async fn write(
    worker: &Worker,
    conn: &mut Conn,
    instance: &Instance,
    known: &Known,
    decision: Decision,
    now: DateTime<Utc>,
) -> Result<bool, WorkError> {
    let Decision { operation, begin, has_launched, owner_exists } = decision;
    let mut changed = false;
    if let (Some(new), Some((row, old))) = (&operation, &known.operation)
        && new != old
    {
        OperationRow::save(conn, row.id, row.revision, new).await?.ok_or(WorkError::Conflict)?;
        changed = true;
        let at_rehearsal = |it: &howdah_domain::Operation| it.current_step().is_some_and(|it| it.name == StepName::Rehearsal);
        // It may leave that step for a moment, and is told of once.
        let was_rehearsed =
            |it: &howdah_domain::Operation| it.steps.iter().any(|it| it.name == StepName::Rehearsal && it.started_at.is_some());
        if let Some(import) = known.import.as_ref().filter(|_| at_rehearsal(new) && !was_rehearsed(old)) {
            imports::rehearses(worker, conn, instance, import).await?;
        }
    }
    if owner_exists && OwnerBootstrap::applied(conn, instance.id, owner_bootstrap::FIRST, now).await? {
        changed = true;
    }
    if has_launched && Instance::launched(conn, instance.id, now).await? {
        match &known.import {
            None => tell_owner(worker, conn, instance).await?,
            Some(import) => imports::arrived(worker, conn, instance, import).await?,
        }
        // The owner's Secret has done its work: the sync takes it out of the inbox.
        SyncInstance::of(instance.id).enqueue(conn).await?;
        changed = true;
    }
    if let Some(begin) = begin {
        let written = match begin {
            Begin::Handover => instances::hand_over(&worker.app, conn, instance).await?,
            Begin::MovedOut => move_out(conn, instance, now).await?,
            Begin::Farewell => Instance::begin_farewell(conn, instance.id, instance.revision, now).await?,
            Begin::Teardown => Instance::begin_teardown(conn, instance.id, instance.revision, now).await?,
        };
        written.ok_or(WorkError::Conflict)?;
        SyncInstance::of(instance.id).enqueue(conn).await?;
        record(conn, instance, begin.action(), now).await?;
        changed = true;
    }
    Ok(changed)
}

/// From here on its data is destroyed. `None` where that was written before.
async fn move_out(conn: &mut Conn, instance: &Instance, now: DateTime<Utc>) -> Result<Option<Instance>, WorkError> {
    if !MoveOut::begin(conn, instance.id, now).await? {
        return Ok(None);
    }
    Ok(Instance::touch(conn, instance.id, now).await?)
}

/// The mail that tells the owner how to get in. The link lies sealed with the server: it is put in when the mail is sent.
async fn tell_owner(worker: &Worker, conn: &mut Conn, instance: &Instance) -> Result<(), WorkError> {
    let Some(owner) = OwnerBootstrap::of(conn, instance.id).await? else { return Ok(()) };
    let mail = mails::server_ready(&instance.domain, &instance.web_domain, &owner.username);
    mails::put(&worker.app, conn, &mail, &To { email: &owner.email, server: Some(instance.id), ..To::default() }).await?;
    Ok(())
}

/// The audit entry of what Howdah did by itself. To be the last of its transaction.
pub(crate) async fn record(conn: &mut Conn, instance: &Instance, action: &str, now: DateTime<Utc>) -> Result<(), WorkError> {
    Record {
        chain_id: instance.account_id,
        at: now,
        actor: Actor::Platform,
        action,
        subject_kind: "instance",
        subject_id: Some(instance.id),
        details: serde_json::json!({ "domain": instance.domain }),
    }
    .insert(conn)
    .await?;
    Ok(())
}
