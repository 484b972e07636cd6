//! The final bundle: what is kept of a server that leaves for good, made by the platform with nobody there to be shown a key.

use age::secrecy::ExposeSecret as _;
use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::Conn;
use howdah_db::models::account::Membership;
use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::{Operation, OperationStep};
use howdah_domain::{ExportId, InstanceId, OperationKind};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::begin::{self, New};
use super::sealing::Seal;
use super::{links, seen_by};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::{self, audit, audit_actor};
use crate::jobs::SyncExport;
use crate::operations::{Recorded, save};
use crate::{Actor, App, Error};

/// How long it lies in the platform's bucket, from when it is whole, and once more from when the data of its server is gone.
pub const KEPT: TimeDelta = TimeDelta::days(90);
/// How long what a run wrote that came to nothing lies there: whatever still wrote has ended by then.
pub(super) const LEFT_OVER: TimeDelta = TimeDelta::days(1);

/// Whether one is made of this server when it leaves: there is something of it, a place to keep it, and nobody declined.
pub(crate) fn keeps_final(app: &App, server: &Instance) -> bool {
    app.bundles.is_some() && server.launched_at.is_some() && server.final_bundle_declined_at.is_none()
}

/// Begins one for the operation by which the server leaves. It is sealed to the keys of the last bundle that an owner took along; where
/// there is none, to a key that is made now, and kept sealed until the bundle goes.
pub(crate) async fn begin_final(app: &App, conn: &mut Conn, server: &Instance, leaves_by: &Operation) -> Result<(), Error> {
    let (seal, made) = final_seal(conn, server).await?;
    // Who moves out is stopped; who closes says farewell after it, and runs.
    let mode = if leaves_by.kind == OperationKind::MoveOut.as_str() { "stopped" } else { "live" };
    let new = New { mode, seal: &seal, bucket: None, scheduled_for: None, requested_by: None };
    let (export, _) = begin::put(app, conn, InstanceId::from_uuid(server.id), new).await?;
    keep_key(app, conn, export, leaves_by.id, made.as_ref()).await
}

/// The owners' own keys, or one that is made now.
async fn final_seal(conn: &mut Conn, server: &Instance) -> Result<(Seal, Option<age::x25519::Identity>), Error> {
    if let Some(theirs) = owners_seal(conn, server).await? {
        return Ok((theirs, None));
    }
    let made = age::x25519::Identity::generate();
    Ok((Seal { recipients: made.to_public().to_string(), recovery_key: None }, Some(made)))
}

async fn keep_key(
    app: &App,
    conn: &mut Conn,
    export: ExportId,
    leaves_by: Uuid,
    made: Option<&age::x25519::Identity>,
) -> Result<(), Error> {
    let key = made.map(age::x25519::Identity::to_string);
    let key = key.as_ref().map(|it| it.expose_secret().as_bytes());
    Ok(FinalBundle::new(&app.keys, export.as_uuid(), leaves_by, key).insert(conn).await?)
}

/// Begins one of a server that is not paid for any more, and stands still: it leaves by nobody's wish, so the bundle is its own reason.
pub(crate) async fn begin_unpaid(app: &App, conn: &mut Conn, server: &Instance) -> Result<(), Error> {
    let (seal, made) = final_seal(conn, server).await?;
    let new = New { mode: "stopped", seal: &seal, bucket: None, scheduled_for: None, requested_by: None };
    let (export, operation) = begin::put(app, conn, InstanceId::from_uuid(server.id), new).await?;
    keep_key(app, conn, export, operation.as_uuid(), made.as_ref()).await
}

/// What the last bundle is sealed with that one of the server's owners took along: what is made with nobody there opens by the same.
pub(super) async fn owners_seal(conn: &mut Conn, server: &Instance) -> Result<Option<Seal>, Error> {
    // A key of somebody's who is no owner would shut the owners out.
    let owners: Vec<Uuid> = Membership::owners(conn, server.account_id).await?.iter().map(|it| it.id).collect();
    let last = Export::last_seal(conn, server.id, &owners).await?;
    Ok(last.map(|(recipients, recovery_key)| Seal { recipients, recovery_key }))
}

/// The server stays, or another one is begun: what was written of this one goes.
pub(crate) async fn discard_final(app: &App, conn: &mut Conn, export: Uuid) -> Result<(), Error> {
    Ok(Export::keep_until(conn, export, app.now() + LEFT_OVER).await?)
}

/// The data of its server goes at `gone`.
pub(crate) async fn keep_final_from(conn: &mut Conn, left_by: Uuid, gone: DateTime<Utc>) -> Result<(), Error> {
    let Some((export, _)) = FinalBundle::newest_for(conn, left_by).await?.filter(|(it, _)| is_there(it)) else { return Ok(()) };
    Ok(Export::keep_until(conn, export.id, gone + KEPT).await?)
}

/// It is whole, and was not deleted.
pub(crate) const fn is_there(export: &Export) -> bool {
    export.size.is_some() && export.deleted_at.is_none()
}

/// Cancels the one that is live for this operation, if there is one.
pub(crate) async fn cancel_final(app: &App, conn: &mut Conn, left_by: Uuid) -> Result<(), Error> {
    let Some((export, row)) = FinalBundle::newest_for(conn, left_by).await? else { return Ok(()) };
    let Some(row) = Operation::lock(conn, row.id).await? else { return Ok(()) };
    let operation = row.with_steps(&OperationStep::of(conn, row.id).await?)?;
    if !operation.state.is_live() {
        return Ok(());
    }
    let cancelled = operation.clone().cancel(app.now())?;
    save(conn, &Recorded { row, operation }, &cancelled).await?;
    discard_final(app, conn, export.id).await?;
    Ok(SyncExport::of(export.id).enqueue(conn).await?)
}

/// The key that was made for a final bundle, for its owners as long as that is kept. That it was shown is recorded.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for all but owners of the server's own account; [`Error::Conflict`] where none is kept.
pub async fn key(
    app: &App,
    actor: &Actor,
    id: ExportId,
    idempotent: Option<Idempotent<'_, SecretString>>,
) -> Result<Once<SecretString>, Error> {
    actor.may_close()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let (export, _) = seen_by(conn, actor, id).await?;
        let server = instances::seen_by(conn, actor, InstanceId::from_uuid(export.instance_id)).await?;
        if !may_see_key(actor, &server) {
            let sentence = "Only an owner of the server's own account can see the key of its final bundle.";
            return Err(Error::Forbidden { reason: "owners_only", sentence });
        }
        if export.deleted_at.is_some() {
            return Err(links::gone());
        }
        let key = opened(app, conn, export.id).await?;
        audit(app, conn, audit_actor(actor), "instance.final_bundle_key", &server, json!({"export": id})).await?;
        keep(conn, idempotent, key).await
    })
    .await
}

/// An owner of the server's own account asks: operators see every server, and open none by that.
pub(super) fn may_see_key(actor: &Actor, server: &Instance) -> bool {
    actor.may_close().is_ok() && server.account_id == actor.account.as_uuid()
}

async fn opened(app: &App, conn: &mut Conn, export: Uuid) -> Result<SecretString, Error> {
    let last = FinalBundle::by_export(conn, export).await?;
    let key = last.map(|it| it.key(&app.keys)).transpose().map_err(Error::internal)?.flatten();
    let Some(key) = key else {
        let sentence =
            "No key to this bundle is kept here: it is sealed to keys of yours, which were shown or named when one was taken along.";
        return Err(Error::Conflict { reason: "no_key", sentence: sentence.to_owned() });
    };
    let key = String::from_utf8(secrecy::ExposeSecret::expose_secret(&key).to_vec()).map_err(Error::internal)?;
    Ok(key.into())
}
