//! MoveOut: another host serves the domain from now on. What has to be so before, and what follows once that host serves it.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_domain::{Deletion, Desired, InstanceId, StepName};
use serde_json::json;

use super::{audit, audit_actor};
use crate::jobs::SyncInstance;
use crate::{Actor, App, Error, mails, operations};

/// There is something of it, and another host can have its name.
pub(super) const fn can_move_out(row: &Instance) -> bool {
    row.launched_at.is_some() && !row.on_platform_domain
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

/// When what is left of it here goes.
pub(super) fn kept_until(app: &App, row: &Instance) -> Option<DateTime<Utc>> {
    row.handed_over_at.map(|it| it + app.config.grace)
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
    let until = app.now() + app.config.grace;
    let mail = mails::server_moved(&app.config, (&row.domain, &row.slug), &row.media_domain, until);
    mails::put_for_owners(app, conn, &row, &mail).await?;
    Ok(Some(row))
}
