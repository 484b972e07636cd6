//! What is done by the hour and the day: events that never reached us, and what servers use.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use howdah_billing::{BillingError, checkout, events};
use howdah_crd::instance::InstanceUsage;
use howdah_db::models::billing::{BillingEvent, Checkout, Run, UsageHour};
use howdah_db::models::instance::Instance;
use howdah_db::models::observation::Glance;
use serde::Deserialize;
use uuid::Uuid;

use super::{abandoned, checkout as pages, intake, leaving, reconcile};
use crate::jobs::{BillingUpkeep, HandleBillingEvents, LookAfterEndings};
use crate::worker::Worker;
use crate::{App, Error};

const HOUR: TimeDelta = TimeDelta::hours(1);
const DAY: TimeDelta = TimeDelta::days(1);
/// The provider lists events for 30 days.
const LISTED_FOR: TimeDelta = TimeDelta::days(29);
/// Of servers, in one statement.
const PAGE: i64 = 1000;

/// By each tick: what waits is handled, and what is due is begun. What asks the provider has jobs of its own: it may take long.
pub(crate) async fn tick(worker: &Worker) -> Result<(), Error> {
    let app = &worker.app;
    let mut conn = app.conn().await?;
    LookAfterEndings::default().enqueue(&mut conn).await?;
    if app.billing.is_some() {
        if !BillingEvent::unhandled(&mut conn, 1).await?.is_empty() {
            HandleBillingEvents::default().enqueue(&mut conn).await?;
        }
        BillingUpkeep::default().enqueue(&mut conn).await?;
    }
    drop(conn);
    due(app, "usage", HOUR, sample(app)).await
}

/// What is never paid for, what leaves, what was missed, and what differs.
pub(crate) async fn upkeep(app: &App) -> Result<(), Error> {
    abandoned::free(app).await?;
    leaving::look_after(app).await?;
    due(app, "sweep", HOUR, sweep(app)).await?;
    due(app, "reconcile", DAY, reconcile::run(app)).await
}

/// Once in so long; one that fails is due again.
async fn due(app: &App, kind: &str, every: TimeDelta, work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let now = app.now();
    if !Run::take(&mut *app.conn().await?, kind, now - every, now).await? {
        return Ok(());
    }
    let done = work.await;
    if done.is_err() {
        Run::give_back(&mut *app.conn().await?, kind).await?;
    }
    done
}

/// Events that the provider could not deliver, and pages whose end nobody told.
async fn sweep(app: &App) -> Result<(), Error> {
    let billing = app.billing()?;
    // Newer ones that came say nothing about older ones that did not.
    let since = app.now() - LISTED_FOR;
    let missed: Vec<_> = events::undelivered(&billing.stripe, since).await?.iter().map(|it| intake::row(app, it, "sweep")).collect();
    for some in missed.chunks(100) {
        intake::put(app, some).await?;
    }
    for page in Checkout::overdue(&mut *app.conn().await?, app.now(), PAGE).await? {
        match checkout::get(&billing.stripe, &page.id).await {
            Ok(theirs) => pages::settle(app, &theirs).await?,
            // Another account's, or one that the provider keeps no more: nobody pays at it.
            Err(BillingError::Missing { .. }) => Checkout::end(&mut *app.conn().await?, &page.id, "expired", app.now()).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What each server uses in this hour, as it was measured last.
async fn sample(app: &App) -> Result<(), Error> {
    let hour = app.now().duration_trunc(HOUR).map_err(Error::internal)?;
    let mut after: Option<Uuid> = None;
    loop {
        let mut conn = app.conn().await?;
        let ids = Instance::live_ids(&mut conn, None, after, PAGE).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        let plans = Instance::plans_of(&conn, &ids).await?;
        let plans: BTreeMap<Uuid, String> = plans.into_iter().collect();
        let seen = Glance::of_all(&conn, &ids).await?;
        let hours: Vec<UsageHour> = seen.iter().filter_map(|it| used(hour, plans.get(&it.instance_id)?, it)).collect();
        UsageHour::insert_all(&mut conn, &hours).await?;
    }
}

fn used(hour: DateTime<Utc>, plan: &str, seen: &Glance) -> Option<UsageHour> {
    let usage = InstanceUsage::deserialize(seen.usage.as_ref()?).ok()?;
    Some(UsageHour {
        instance_id: seen.instance_id,
        hour,
        own_media_bytes: usage.own_media_bytes.max(0),
        cached_media_bytes: usage.cached_media_bytes.max(0),
        database_bytes: usage.database_bytes.max(0),
        users: i32::try_from(usage.users.max(0)).unwrap_or(i32::MAX),
        plan: plan.to_owned(),
    })
}
