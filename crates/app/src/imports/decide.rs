//! What becomes of a rehearsal: the server takes its old one's place, or is thrown away. And what follows once it has.

use chrono::TimeDelta;
use howdah_db::Conn;
use howdah_db::models::import::Import;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::{Operation, OperationStep};
use howdah_db::models::probe::Probe;
use howdah_domain::{ImportId, InstanceId, Lane, OperationId, OperationKind, OperationState, StepName};
use serde_json::json;

use super::begin::record;
use super::{locked_by, pull, seen_by};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::{self, audit, audit_actor};
use crate::jobs::SyncInstance;
use crate::mails;
use crate::sealed::{self, Kind};
use crate::worker::{WorkError, Worker};
use crate::{Actor, App, Error};

/// Who lives in it for a week with nothing amiss needs what was brought no more.
const KEPT_AFTER: TimeDelta = TimeDelta::days(7);
/// A look from outside is of now for so long.
const FRESH: TimeDelta = TimeDelta::minutes(5);

#[derive(Debug, Clone, Copy, Default)]
pub struct CutOver {
    /// Whatever answers at its address: the customer says that the old server is stopped.
    pub source_is_stopped: bool,
}

/// The rehearsal is over: what was written in it is thrown away, the bundle is loaded anew, and the server takes its place.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for all but owners; [`Error::Conflict`] while it can't be looked at yet, once it was decided,
/// and while the old server still answers.
pub async fn cut_over(
    app: &App,
    actor: &Actor,
    id: ImportId,
    request: CutOver,
    idempotent: Option<Idempotent<'_, OperationId>>,
) -> Result<Once<OperationId>, Error> {
    actor.may_close()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let instance = instance_of(&seen_by(conn, actor, id).await?)?;
        // The server's row first, as everybody locks.
        let server = instances::locked_by(conn, actor, instance, None).await?;
        let import = locked_by(conn, actor, id).await?;
        let operation = rehearsing(conn, &import, instance).await?;
        if !request.source_is_stopped {
            old_one_is_silent(app, conn, &server).await?;
        }
        Import::accept(conn, import.id, app.now(), import.kept_until.max(app.now() + KEPT_AFTER)).await?;
        // Another revision: what is seen of the rehearsal says nothing of what is wanted now.
        let server = instances::set_desired(app, conn, &server, server.desired()?).await?;
        SyncInstance::of(server.id).enqueue(conn).await?;
        let details = json!({"import": id, "source_is_stopped": request.source_is_stopped});
        audit(app, conn, audit_actor(actor), "instance.cut_over", &server, details).await?;
        keep(conn, idempotent, operation).await
    })
    .await
}

fn instance_of(import: &Import) -> Result<InstanceId, Error> {
    let none = || Error::Conflict { reason: "not_launched", sentence: "This import has not become a server yet.".to_owned() };
    import.instance_id.filter(|_| import.deleted_at.is_none()).map(InstanceId::from_uuid).ok_or_else(none)
}

/// The operation, where it waits for this decision.
async fn rehearsing(conn: &mut Conn, import: &Import, instance: InstanceId) -> Result<OperationId, Error> {
    let conflict = |reason, sentence: &str| Error::Conflict { reason, sentence: sentence.to_owned() };
    if import.accepted_at.is_some() {
        return Err(conflict("decided", "This was decided already: the server takes its place, or has taken it."));
    }
    let live = Operation::live(conn, instance.as_uuid(), Lane::Exclusive.as_str()).await?;
    let not_yet = || conflict("not_rehearsing", "The server is not loaded yet, so nobody can have looked at it. Wait for the rehearsal.");
    let row = live.ok_or_else(not_yet)?;
    let operation = row.with_steps(&OperationStep::of(conn, row.id).await?)?;
    let is_there = operation.kind == OperationKind::Import
        && operation.state == OperationState::Running
        && operation.current_step().is_some_and(|it| it.name == StepName::Rehearsal);
    if is_there { Ok(OperationId::from_uuid(row.id)) } else { Err(not_yet()) }
}

/// Two servers of one name would each tell the world that theirs are its accounts.
async fn old_one_is_silent(app: &App, conn: &mut Conn, server: &Instance) -> Result<(), Error> {
    let conflict = |reason, sentence: String| Err(Error::Conflict { reason, sentence });
    match Probe::of(conn, server.id).await?.filter(|it| it.probed_at >= app.now() - FRESH) {
        Some(probe) if probe.reason == "ServedElsewhere" => conflict(
            "source_runs",
            format!(
                "Something still answers at {}, and not as this server. Stop the old server first, so that nothing is written there any more. If it \
                 is stopped, and what answers is another page, say so.",
                server.web_domain
            ),
        ),
        Some(_) => Ok(()),
        None => conflict(
            "not_looked",
            format!("Whether the old server still answers at {} is not known yet. Try again in a minute.", server.web_domain),
        ),
    }
}

/// Throws it away: the server that was made of it, at once and without a word to anybody, and, where there is none, what was brought. Where it
/// had become a server, what was brought stays for its time, as a new import: it can be begun again. `confirm`: the server's domain, where it
/// has taken its place already and what was written on it is lost.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`]; [`Error::Invalid`] for another domain; [`Error::Conflict`] once there is no way back.
pub async fn discard(
    app: &App,
    actor: &Actor,
    id: ImportId,
    confirm: &str,
    idempotent: Option<Idempotent<'_, Option<ImportId>>>,
) -> Result<Once<Option<ImportId>>, Error> {
    actor.may_close()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let server = match seen_by(conn, actor, id).await?.instance_id {
            Some(instance) => Some(instances::locked_by(conn, actor, InstanceId::from_uuid(instance), None).await?),
            None => None,
        };
        let import = locked_by(conn, actor, id).await?;
        if import.deleted_at.is_some() {
            return Err(Error::Conflict { reason: "gone", sentence: "This import was thrown away already.".to_owned() });
        }
        pull::end(app, conn, &import, "The import was thrown away.").await?;
        let again = match server {
            Some(server) => Some(take_back(app, conn, actor, &server, &import, confirm).await?),
            None => None,
        };
        // With nothing made of it, its files go with the next tick.
        match again {
            Some(_) => Import::deleted(conn, import.id, app.now()).await?,
            None => Import::keep_until(conn, import.id, app.now()).await?,
        }
        record(app, conn, actor, &import, "import.discard").await?;
        keep(conn, idempotent, again).await
    })
    .await
}

async fn take_back(
    app: &App,
    conn: &mut Conn,
    actor: &Actor,
    server: &Instance,
    import: &Import,
    confirm: &str,
) -> Result<ImportId, Error> {
    if server.launched_at.is_some() && app.now() >= import.kept_until {
        let sentence =
            "This server took its place more than a week ago: there is no way back any more. Take it along, or close it.".to_owned();
        return Err(Error::Conflict { reason: "no_way_back", sentence });
    }
    if server.launched_at.is_some() && !confirm.trim().eq_ignore_ascii_case(&server.domain) {
        let sentence =
            format!("What was written on this server since it took its place is lost. To go back, type its domain: {}.", server.domain);
        return Err(Error::invalid("confirm", "mismatch", sentence));
    }
    let id = ImportId::generate(app.now(), &*app.randomness);
    let again = Import {
        id: id.as_uuid(),
        instance_id: None,
        seen: None,
        seen_at: None,
        manifest_sha256: None,
        pass: 1,
        accepted_at: None,
        kept_until: import.kept_until.max(app.now() + KEPT_AFTER),
        created_at: app.now(),
        ..import.clone()
    };
    again.insert(conn).await?;
    if server.launched_at.is_some() {
        let mail = |account: &str, by: &str| mails::import_taken_back(&app.config, &server.domain, account, by, again.id);
        instances::tell_owners(app, conn, actor, server, mail).await?;
    }
    // With its audit entry, which comes last.
    instances::discard(app, conn, actor, server).await?;
    Ok(id)
}

/// The server runs in its old one's place: its key is forgotten, and its owners are told.
pub(crate) async fn arrived(worker: &Worker, conn: &mut Conn, instance: &Instance, import: &Import) -> Result<(), WorkError> {
    sealed::forget(conn, instance.id, Kind::BundleKey).await?;
    let until = import.kept_until.min(worker.now() + KEPT_AFTER);
    Import::keep_until(conn, import.id, until).await?;
    let mail = mails::import_done(&worker.app.config, &instance.domain, &instance.slug, until);
    Ok(mails::put_for_owners(&worker.app, conn, instance, &mail).await?)
}

/// It can be looked at.
pub(crate) async fn rehearses(worker: &Worker, conn: &mut Conn, instance: &Instance, import: &Import) -> Result<(), WorkError> {
    let mail = mails::import_rehearsing(&worker.app.config, &instance.domain, import.id);
    Ok(mails::put_for_owners(&worker.app, conn, instance, &mail).await?)
}
