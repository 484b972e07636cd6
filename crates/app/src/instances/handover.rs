//! MoveOut: another host serves the domain from now on. What has to be so before, and what follows once that host serves it.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_db::models::move_out::MoveOut;
use howdah_domain::{Deletion, Desired, InstanceId, MediaRedirect, StepName};
use serde_json::json;

use super::{audit, audit_actor};
use crate::jobs::SyncInstance;
use crate::{Actor, App, Error, exports, mails, operations, settings};

/// Where its media is at the new host, or nothing where that is under the media host's own name; and the revision that the caller knows.
#[derive(Debug, Clone, Default)]
pub struct Lead {
    pub media_redirect: Option<String>,
    pub if_match: Option<i64>,
}

/// There is something of it, and another host can have its name.
pub(crate) const fn can_move_out(row: &Instance) -> bool {
    row.launched_at.is_some() && !row.on_platform_domain
}

pub(super) fn moves_out(row: &Instance) -> bool {
    row.desired.desired_deletion.as_deref() == Some(Deletion::MoveOut.as_str())
}

pub(super) fn may_move_out(app: &App, row: &Instance) -> Result<(), Error> {
    let refuse = |reason, sentence: String| Err(Error::Conflict { reason, sentence });
    if row.launched_at.is_none() {
        return refuse("not_set_up", "This server has not come up yet: there is nothing to move. You can close it.".to_owned());
    }
    if row.on_platform_domain {
        let sentence = "belongs to this platform, so no other host can serve it. Take everything along, and close the server.";
        return refuse("platform_domain", format!("{} {sentence}", row.domain));
    }
    if app.bundles.is_none() {
        let sentence = "This platform keeps no bundles, so it can't make a final one. Write to the support, who hands the server over.";
        return refuse("no_bundles", sentence.to_owned());
    }
    Ok(())
}

/// When its data here goes.
pub(super) fn kept_until(app: &App, row: &Instance) -> Option<DateTime<Utc>> {
    row.handed_over_at.map(|it| it + app.config.grace)
}

/// What somebody typed, if it is something that can be led to. Blank: nothing.
pub(super) fn media_redirect(row: &Instance, typed: Option<&str>) -> Result<Option<MediaRedirect>, Error> {
    const FIELD: &str = "media_redirect";
    let Some(typed) = typed.map(str::trim).filter(|it| !it.is_empty()) else { return Ok(None) };
    let redirect: MediaRedirect =
        typed.parse().map_err(|error: howdah_domain::NameError| Error::invalid(FIELD, error.reason(), error.to_string()))?;
    if redirect.host() == row.media_domain {
        let sentence =
            format!("{} is the media host itself: where it leads to the new host, nothing has to be said here.", row.media_domain);
        return Err(Error::invalid(FIELD, "own_host", sentence));
    }
    Ok(Some(redirect))
}

/// Says where its media is, as long as its media host is here.
pub(super) async fn lead(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance, lead: &Lead) -> Result<(), Error> {
    let refuse = |reason, sentence: &str| Err(Error::Conflict { reason, sentence: sentence.to_owned() });
    if !matches!(row.desired()?, Desired::Deleted { deletion: Deletion::MoveOut, .. }) {
        return refuse("not_moving_out", "This server is not moving out: its media is here.");
    }
    if row.teardown_began_at.is_some() {
        return refuse("teardown_began", "The time is over in which this server's media host led to another one.");
    }
    let redirect = media_redirect(row, lead.media_redirect.as_deref())?;
    let redirect = redirect.as_ref().map(MediaRedirect::as_str);
    MoveOut::lead_to(conn, row.id, redirect).await?;
    let row = Instance::touch(conn, row.id, app.now()).await?.ok_or(Error::PreconditionFailed)?;
    SyncInstance::of(row.id).enqueue(conn).await?;
    audit(app, conn, audit_actor(actor), "instance.media_redirect", &row, json!({"media_redirect": redirect})).await
}

/// An owner says so, once there is something to hand over.
pub(super) async fn hand_over_as_said(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance) -> Result<(), Error> {
    let refuse = |reason, sentence: &str| Err(Error::Conflict { reason, sentence: sentence.to_owned() });
    if !matches!(row.desired()?, Desired::Deleted { deletion: Deletion::MoveOut, .. }) {
        return refuse("not_moving_out", "This server is not moving out.");
    }
    if row.handed_over_at.is_some() {
        return refuse("handed_over", "This server was handed over already.");
    }
    let live = operations::live(conn, InstanceId::from_uuid(row.id)).await?;
    let step = live.as_ref().and_then(|it| it.operation.current_step()).map(|it| it.name);
    if step != Some(StepName::Handover) {
        return refuse("not_bundled", "This server's final bundle is not whole yet: the new host has nothing to begin with.");
    }
    let row = hand_over(app, conn, row).await?.ok_or(Error::PreconditionFailed)?;
    SyncInstance::of(row.id).enqueue(conn).await?;
    audit(app, conn, audit_actor(actor), "instance.handover", &row, json!({})).await
}

/// From here on nothing can be undone, and every owner is told. `None` where the row has changed meanwhile.
pub(crate) async fn hand_over(app: &App, conn: &mut Conn, row: &Instance) -> Result<Option<Instance>, Error> {
    let Some(row) = Instance::hand_over(conn, row.id, row.revision, app.now()).await? else { return Ok(None) };
    let (kept, leads) = (app.now() + app.config.grace, app.now() + settings::MOVED_OUT);
    MoveOut::hand_over(conn, row.id, leads).await?;
    if let Some(left_by) = operations::live(conn, InstanceId::from_uuid(row.id)).await? {
        exports::keep_final_from(conn, left_by.row.id, kept).await?;
    }
    let mail = mails::server_moved(&app.config, (&row.domain, &row.slug), &row.media_domain, kept, leads);
    mails::put_for_owners(app, conn, &row, &mail).await?;
    Ok(Some(row))
}
