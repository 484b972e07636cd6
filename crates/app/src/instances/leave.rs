//! The ways out: MoveOut, to another host; Close, which tells other servers; and Remove, which tells nobody. The latter two begin with a grace
//! period in which the server runs on and they can be undone; a job does the rest.

use howdah_db::Conn;
use howdah_db::models::account::Account;
use howdah_db::models::import::Import;
use howdah_db::models::instance::{DesiredColumns, Instance};
use howdah_db::models::move_out::MoveOut;
use howdah_db::models::operation::Operation as OperationRow;
use howdah_db::models::person::Person;
use howdah_domain::billing::{self, Access};
use howdah_domain::instance::launch::NewServers;
use howdah_domain::{Deletion, Desired, Hold, InstanceId, MediaRedirect, OperationKind};
use serde_json::json;

use super::handover::Lead;
use super::{audit, audit_actor, handover, locked_by};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::jobs::SyncInstance;
use crate::mails::{self, Mail};
use crate::{Actor, App, Error, exports, operations, settings};

/// What a Close, the early end of its grace period, and both steps of a MoveOut are asked with.
#[derive(Debug, Clone, Default)]
pub struct Close {
    /// The server's domain, typed again.
    pub confirm: String,
    /// The revision that the caller knows.
    pub if_match: Option<i64>,
    /// Of a Close: nothing of the server is to be kept, for nobody.
    pub declines_final_bundle: bool,
    /// Of a MoveOut: where its media is at the new host, where that isn't under the media host's own name.
    pub media_redirect: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Change<'a> {
    MoveOut(&'a Close),
    HandOver(&'a Close),
    Lead(&'a Lead),
    Close(&'a Close),
    Remove,
    EndGrace(&'a Close),
    Undo,
}

/// Another host will serve the domain: the server stops, and its final bundle is made.
///
/// # Errors
/// As [`close`]; [`Error::Conflict`] also for a server that no other host can serve, and where this platform keeps no bundles.
pub async fn move_out(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    close: &Close,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    change(app, actor, id, close.if_match, idempotent, Change::MoveOut(close)).await
}

/// The other host serves the domain, whatever is seen of that from here. Nothing can be undone from then on.
///
/// # Errors
/// As [`close`]; [`Error::Conflict`] before the final bundle is whole, and where it was handed over already.
pub async fn say_handed_over(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    close: &Close,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    change(app, actor, id, close.if_match, idempotent, Change::HandOver(close)).await
}

/// Says where the media is of a server that moves out, or has moved.
///
/// # Errors
/// As [`close`], but without the domain; [`Error::Invalid`] for what nobody can be led to, [`Error::Conflict`] for a server that is not moving
/// out, or whose media host is gone.
pub async fn lead_media(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    lead: &Lead,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    change(app, actor, id, lead.if_match, idempotent, Change::Lead(lead)).await
}

/// Nobody will serve the domain again. The server runs on until the grace period is over.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for all but owners of its account, [`Error::Invalid`] where the domain is not the server's,
/// [`Error::Conflict`] the second time.
pub async fn close(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    close: &Close,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    change(app, actor, id, close.if_match, idempotent, Change::Close(close)).await
}

/// Our copy is deleted and nothing is announced: operators only.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Conflict`] the second time.
pub async fn remove(app: &App, actor: &Actor, id: InstanceId, if_match: Option<i64>) -> Result<(), Error> {
    change(app, actor, id, if_match, None, Change::Remove).await.map(|_| ())
}

/// Ends the grace period of a Close or Remove now. What follows begins within moments, and can be undone only until then.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for all but those who may close or remove, [`Error::Invalid`] where the domain is
/// not the server's, [`Error::Conflict`] where there is no grace period or it is over.
pub async fn end_grace(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    close: &Close,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    change(app, actor, id, close.if_match, idempotent, Change::EndGrace(close)).await
}

/// Takes a MoveOut, Close or Remove back, until what can't be taken back has begun.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Conflict`] where there is nothing to undo, or it is too late.
pub async fn undo(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    if_match: Option<i64>,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    change(app, actor, id, if_match, idempotent, Change::Undo).await
}

/// One transaction around a change of a server that the actor may see: its key claimed, its row locked, the answer kept.
async fn change(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    if_match: Option<i64>,
    idempotent: Option<Idempotent<'_, ()>>,
    change: Change<'_>,
) -> Result<Once<()>, Error> {
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let mut row = locked_by(conn, actor, id, if_match).await?;
        check(actor, &row, change)?;
        match change {
            Change::MoveOut(close) => {
                handover::may_move_out(app, &row)?;
                let redirect = handover::media_redirect(&row, close.media_redirect.as_deref())?;
                MoveOut::lead_to(conn, row.id, redirect.as_ref().map(MediaRedirect::as_str)).await?;
                decline(app, conn, &mut row, false).await?;
                delete(app, conn, actor, &row, Deletion::MoveOut).await?;
            }
            Change::Lead(lead) => handover::lead(app, conn, actor, &row, lead).await?,
            Change::HandOver(_) => handover::hand_over_as_said(app, conn, actor, &row).await?,
            Change::Close(close) => {
                decline(app, conn, &mut row, close.declines_final_bundle).await?;
                delete(app, conn, actor, &row, Deletion::Close).await?;
            }
            Change::Remove => delete(app, conn, actor, &row, Deletion::Remove).await?,
            Change::EndGrace(_) => end(app, conn, actor, &row).await?,
            Change::Undo => take_back(app, conn, actor, &row).await?,
        }
        keep(conn, idempotent, ()).await
    })
    .await
}

fn check(actor: &Actor, row: &Instance, change: Change<'_>) -> Result<(), Error> {
    match change {
        Change::MoveOut(close) | Change::HandOver(close) => {
            may_close(actor, row)?;
            confirmed(row, close, "move this server out")
        }
        Change::Close(close) => {
            may_close(actor, row)?;
            confirmed(row, close, "close this server")
        }
        Change::Lead(_) => may_close(actor, row),
        Change::Remove => actor.may_operate(),
        Change::EndGrace(close) => {
            may_change_leaving(actor, row)?;
            confirmed(row, close, "close this server")
        }
        Change::Undo => may_change_leaving(actor, row),
    }
}

/// An owner of the server's own account: operators see every server, and have Remove.
fn may_close(actor: &Actor, row: &Instance) -> Result<(), Error> {
    actor.may_close()?;
    if row.account_id == actor.account.as_uuid() {
        return Ok(());
    }
    let sentence = "Only an owner of the server's own account can close it, or change its closing. An operator can remove it.";
    Err(Error::Forbidden { reason: "owners_only", sentence })
}

/// A Remove is the operators'.
fn may_change_leaving(actor: &Actor, row: &Instance) -> Result<(), Error> {
    match row.desired()? {
        Desired::Deleted { deletion: Deletion::Remove, .. } => actor.may_operate(),
        _ => may_close(actor, row),
    }
}

fn confirmed(row: &Instance, close: &Close, what: &str) -> Result<(), Error> {
    if close.confirm.trim().eq_ignore_ascii_case(&row.domain) {
        return Ok(());
    }
    Err(Error::invalid("confirm", "mismatch", format!("To {what}, type its domain: {}.", row.domain)))
}

/// As of this time: an earlier closing that was taken back says nothing about it.
async fn decline(app: &App, conn: &mut Conn, row: &mut Instance, declines: bool) -> Result<(), Error> {
    row.final_bundle_declined_at = declines.then(|| app.now());
    Ok(Instance::decline_final_bundle(conn, row.id, row.final_bundle_declined_at).await?)
}

async fn delete(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance, deletion: Deletion) -> Result<(), Error> {
    let id = InstanceId::from_uuid(row.id);
    let after = if deletion == Deletion::MoveOut { app.now() } else { app.now() + app.config.grace };
    let desired = row.desired()?.delete(deletion, after, row.begun())?;
    let row = set_desired(app, conn, row, desired).await?;
    operations::cancel_live(app, conn, id).await?;
    SyncInstance::of(id.as_uuid()).enqueue(conn).await?;
    let server = (row.domain.as_str(), row.slug.as_str());
    let keeps = exports::keeps_final(app, &row);
    match deletion {
        Deletion::MoveOut => {
            tell_owners(app, conn, actor, &row, |account, by| mails::server_moving(&app.config, server, account, by)).await?;
        }
        Deletion::Close => {
            tell_owners(app, conn, actor, &row, |account, by| mails::server_closing(&app.config, server, account, by, after, keeps))
                .await?;
        }
        Deletion::Remove => {}
    }
    let action = match deletion {
        Deletion::MoveOut => "instance.move_out",
        Deletion::Close => "instance.close",
        Deletion::Remove => "instance.remove",
    };
    let details = json!({"after": after, "final_bundle": deletion != Deletion::Remove && keeps});
    audit(app, conn, audit_actor(actor), action, &row, details).await
}

/// A server that nobody outside is to miss, at once: its old one goes on.
pub(crate) async fn discard(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance) -> Result<(), Error> {
    let desired = row.desired()?.delete(Deletion::Remove, app.now(), row.begun())?;
    let row = set_desired(app, conn, row, desired).await?;
    operations::cancel_live(app, conn, InstanceId::from_uuid(row.id)).await?;
    SyncInstance::of(row.id).enqueue(conn).await?;
    audit(app, conn, audit_actor(actor), "instance.discard", &row, json!({})).await
}

/// Every owner of the account, whoever of them asked for it. `mail`: of the account's name, and of who it was.
pub(crate) async fn tell_owners(
    app: &App,
    conn: &mut Conn,
    actor: &Actor,
    row: &Instance,
    mail: impl FnOnce(&str, &str) -> Mail,
) -> Result<(), Error> {
    let account = Account::by_id(conn, row.account_id).await?.ok_or(Error::NotFound { what: "account" })?;
    let by = Person::by_id(conn, actor.person.as_uuid()).await?.ok_or(Error::NotFound { what: "person" })?;
    let by = match by.name.as_str() {
        // Which of them it was is the platform's own matter.
        _ if row.account_id != actor.account.as_uuid() => "An operator of this platform",
        "" => &by.email,
        name => name,
    };
    let mail = mail(&account.name, by);
    Ok(mails::put_for_owners(app, conn, row, &mail).await?)
}

async fn end(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance) -> Result<(), Error> {
    let desired = row.desired()?.end_grace(app.now())?;
    let row = set_desired(app, conn, row, desired).await?;
    // It decides what begins.
    SyncInstance::of(row.id).enqueue(conn).await?;
    if let Desired::Deleted { deletion, .. } = desired {
        let server = (row.domain.as_str(), row.slug.as_str());
        tell_owners(app, conn, actor, &row, |account, by| mails::grace_ended(&app.config, server, account, by, deletion)).await?;
    }
    audit(app, conn, audit_actor(actor), "instance.end_grace", &row, json!({})).await
}

async fn take_back(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance) -> Result<(), Error> {
    let id = InstanceId::from_uuid(row.id);
    let access = access_now(app, conn, actor, row).await?;
    let desired = row.desired()?.undo(access, row.begun())?;
    let row = set_desired(app, conn, row, desired).await?;
    MoveOut::take_back(conn, row.id).await?;
    operations::cancel_live(app, conn, id).await?;
    if row.launched_at.is_none() {
        // The launch that the closing cancelled goes on where it was: its steps are read from what is there.
        let kind = launch_kind(conn, &row).await?;
        operations::begin(app, conn, id, kind, Some(actor.person)).await?;
    }
    SyncInstance::of(id.as_uuid()).enqueue(conn).await?;
    audit(app, conn, audit_actor(actor), "instance.undo", &row, json!({"desired": desired.as_str()})).await
}

/// By which operation it comes to be.
async fn launch_kind(conn: &mut Conn, row: &Instance) -> Result<OperationKind, Error> {
    let import = Import::of_instance(conn, row.id).await?;
    Ok(if import.is_some() { OperationKind::Import } else { OperationKind::Create })
}

/// What policy says of a server that comes back. Who was never approved is not approved by closing and undoing.
async fn access_now(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance) -> Result<Access, Error> {
    let facts = crate::billing::facts(app, conn, row).await?;
    let kind = launch_kind(conn, row).await?;
    let launch = OperationRow::latest_of_kind(conn, row.id, kind.as_str()).await?;
    let has_begun = row.launched_at.is_some() || launch.is_some_and(|it| it.started_at.is_some());
    // Closed is stricter than by approval: who waited while new servers were approved waits on.
    let must_wait = settings::read(conn).await?.new_servers != NewServers::Open;
    if must_wait && !has_begun && !actor.operates() {
        return Ok(Access::Suspend(Hold::Approval));
    }
    Ok(billing::access(&facts).access)
}

pub(crate) async fn set_desired(app: &App, conn: &mut Conn, row: &Instance, desired: Desired) -> Result<Instance, Error> {
    let columns = DesiredColumns::from(desired);
    Instance::set_desired(conn, row.id, row.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)
}
