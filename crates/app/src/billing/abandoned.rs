//! Launches that nobody ever paid for: nothing of them is anywhere, and their names are free again after a while.

use chrono::TimeDelta;
use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::billing::Checkout;
use howdah_db::models::import::Import;
use howdah_db::models::instance::{DesiredColumns, Instance};
use howdah_domain::{Deletion, InstanceId, Standing};
use serde_json::json;
use uuid::Uuid;

use crate::jobs::SyncInstance;
use crate::{App, Error, instances, operations};

/// At one tick.
const MOST: i64 = 500;
/// After a page to pay at has expired, the name is kept for who comes back to it.
const TRIED_AGAIN: TimeDelta = TimeDelta::hours(24);
/// And so long for who never went there.
const NEVER_TRIED: TimeDelta = TimeDelta::days(3);

/// One that fails holds up no other.
pub(super) async fn free(app: &App) -> Result<(), Error> {
    let now = app.now();
    let abandoned = Checkout::abandoned(&mut *app.conn().await?, now - TRIED_AGAIN, now - NEVER_TRIED, MOST).await?;
    for id in abandoned {
        let mut conn = app.conn().await?;
        let freed = howdah_db::transaction(&mut conn, async |conn| free_one(app, conn, id).await).await;
        if let Err(error) = freed {
            tracing::warn!(instance.id = %id, %error, "a server that nobody paid for could not be freed");
        }
    }
    Ok(())
}

async fn free_one(app: &App, conn: &mut Conn, id: Uuid) -> Result<(), Error> {
    let Some(row) = Instance::lock(conn, id).await?.filter(|it| it.tombstoned_at.is_none() && it.launched_at.is_none()) else {
        return Ok(());
    };
    // Somebody paid meanwhile.
    if row.standing()? != Standing::Incomplete || Checkout::open(conn, id).await?.is_some() {
        return Ok(());
    }
    // What was brought from elsewhere has a time of its own, and is its owner's to throw away.
    if Import::of_instance(conn, id).await?.is_some() {
        return Ok(());
    }
    let desired = row.desired()?.delete(Deletion::Remove, app.now(), row.begun())?;
    let columns = DesiredColumns::from(desired);
    let row = Instance::set_desired(conn, row.id, row.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)?;
    operations::cancel_live(app, conn, InstanceId::from_uuid(id)).await?;
    SyncInstance::of(id).enqueue(conn).await?;
    instances::audit(app, conn, AuditActor::Platform, "billing.abandoned", &row, json!({})).await
}
